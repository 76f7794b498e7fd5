"""One self-contained page: the template with its style, its scripts and its values put in, and a policy that lets it load nothing.

Everything that results bring (names, reasons, pictures' paths) reaches the page as JSON in a data block, in which no ``<`` stands,
and is shown by setting text. The page's policy lists the hashes of its own style and script: nothing else runs or is fetched.
"""

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

_SCRIPTS = ("values.js", "table.js", "tooltip.js", "chart.js", "plane.js", "game.js", "page.js")
_DIGITS = 9  # of numbers: more than the page shows; curves and spectra come with fewer
# What could end the data block or a line of it: HTML knows </script and <!--, JavaScript before 2019 the two separators.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def page(content: Mapping[str, Any]) -> str:
    """The page's HTML from `saddlebench.results.report.content.content`."""
    style = _read("page.css")
    script = '(() => {\n"use strict";\n' + "\n".join(_read(name) for name in _SCRIPTS) + "\n})();\n"
    sources = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    parts = {
        "policy": policy,
        "title": html.escape(str(content["title"])),
        "style": style,
        "values": embedded(content),
        "script": script,
    }
    return re.sub(r"<!--put (\w+)-->|\{\{(\w+)\}\}", lambda found: parts[found[1] or found[2]], _read("page.html"))


def embedded(value: Any) -> str:
    """JSON that may stand in a script element: nine digits, NaN as null, infinity as 1e999, which parses to it."""
    return _json(value).translate(_ESCAPES)


def _json(value: Any) -> str:
    if isinstance(value, float):  # first, as nearly all are
        return _number(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{json.dumps(str(k), ensure_ascii=False)}:{_json(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _number(value: float) -> str:
    if math.isnan(value):
        return "null"
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.{_DIGITS}g}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("saddlebench.results.report").joinpath(name).read_text(encoding="utf-8")
