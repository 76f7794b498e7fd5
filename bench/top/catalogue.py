"""A catalogue: the classes of a folder by their canonical name, found without importing them.

A file in the folder that defines a class with a class attribute ``name = "kebab-case"`` is an entry; there is no list to keep.
Sources are read with `ast`, so that listing names, parameters, defaults and papers costs milliseconds while importing the
classes costs torch's seconds. Installed packages add entries through an entry-point group.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from saddlebench.errors import unknown


@dataclass(frozen=True)
class Parameter:
    """One parameter of a catalogue entry, as its source states it."""

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Entry:
    """One catalogue entry, as its source states it."""

    name: str
    module: str
    qualname: str
    summary: str
    paper: str
    cost: str
    parameters: tuple[Parameter, ...]


class Catalogue(Mapping[str, type]):
    """Name → class over one folder of sources and one entry-point group; classes are imported when they are asked for."""

    def __init__(self, kind: str, package: str, folder: Path, group: str) -> None:
        self.kind = kind
        self.package = package
        self.folder = folder
        self.group = group

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The folder's own entries by name, in alphabetical order.

        Raises:
            ValueError: two classes of the folder have one name.
        """
        sources = _Sources(self.folder)
        found: dict[str, Entry] = {}
        for path in sorted(self.folder.glob("*.py")):
            for node in sources.classes_of(path):
                entry = sources.entry(node, f"{self.package}.{path.stem}", path)
                if entry is None:
                    continue
                if entry.name in found:
                    raise ValueError(f"two {self.kind}s are named {entry.name!r}: {found[entry.name].module} and {entry.module}")
                found[entry.name] = entry
        return dict(sorted(found.items()))

    @cached_property
    def plugins(self) -> dict[str, EntryPoint]:
        """Entries that installed packages add.

        Raises:
            ValueError: a plug-in takes a name that is taken.
        """
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if point.name in self.entries or point.name in found:
                raise ValueError(f"the plug-in {point.value} takes the name {point.name!r}, which is taken")
            found[point.name] = point
        return found

    def __getitem__(self, name: str) -> type:
        if name in self.entries:
            entry = self.entries[name]
            return getattr(import_module(entry.module), entry.qualname)
        if name in self.plugins:
            return self.plugins[name].load()
        raise unknown(self.kind, name, self)

    def __contains__(self, name: object) -> bool:
        return name in self.entries or name in self.plugins

    def __iter__(self) -> Iterator[str]:
        yield from self.entries
        yield from self.plugins

    def __len__(self) -> int:
        return len(self.entries) + len(self.plugins)


def describe_file(path: Path) -> list[Entry]:
    """The entries of one source file outside any catalogue (a user's own optimizer or game)."""
    sources = _Sources(path.parent, only=path)
    entries = (sources.entry(node, path.stem, path) for node in sources.classes_of(path))
    return [entry for entry in entries if entry is not None]


class _Sources:
    """The class definitions of a folder, with what is needed to resolve inherited parameters."""

    def __init__(self, folder: Path, only: Path | None = None) -> None:
        self.trees: dict[Path, tuple[ast.Module, list[str]]] = {}
        self.by_name: dict[str, tuple[ast.ClassDef, list[str]]] = {}
        for path in [only] if only else sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            tree, lines = ast.parse(text), text.splitlines()
            self.trees[path] = tree, lines
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    self.by_name.setdefault(node.name, (node, lines))

    def classes_of(self, path: Path) -> list[ast.ClassDef]:
        return [node for node in self.trees[path][0].body if isinstance(node, ast.ClassDef)]

    def entry(self, node: ast.ClassDef, module: str, path: Path) -> Entry | None:
        own = _class_attributes(node)
        if not own.get("name"):
            return None
        texts = {key: self._inherited(node, key) for key in ("paper", "cost")}
        parameters = self._parameters(node, self.trees[path][1])
        return Entry(own["name"], module, node.name, _summary(node), texts["paper"], texts["cost"], parameters)

    def _bases(self, node: ast.ClassDef) -> list[tuple[ast.ClassDef, list[str]]]:
        names = [base.id for base in node.bases if isinstance(base, ast.Name)]
        return [self.by_name[name] for name in names if name in self.by_name]

    def _inherited(self, node: ast.ClassDef, key: str) -> str:
        value = _class_attributes(node).get(key)
        if value is not None:
            return value
        return next((text for base, _ in self._bases(node) if (text := self._inherited(base, key))), "")

    def _parameters(self, node: ast.ClassDef, lines: list[str]) -> tuple[Parameter, ...]:
        found: dict[str, Parameter] = {}
        for base, base_lines in reversed(self._bases(node)):
            found |= {p.name: p for p in self._parameters(base, base_lines)}
        for item in node.body if _is_dataclass(node) else ():
            if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
                continue
            kind = ast.unparse(item.annotation)
            if kind.startswith("ClassVar"):
                continue
            default = ast.unparse(item.value) if item.value is not None else "(required)"
            found[item.target.id] = Parameter(item.target.id, kind, default, _comment(lines[(item.end_lineno or item.lineno) - 1]))
        return tuple(found.values())


def _class_attributes(node: ast.ClassDef) -> dict[str, str]:
    """Plain string attributes of a class body: ``name = "bilinear"``."""
    return {
        item.targets[0].id: item.value.value
        for item in node.body
        if isinstance(item, ast.Assign)
        and isinstance(item.targets[0], ast.Name)
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, str)
    }


def _is_dataclass(node: ast.ClassDef) -> bool:
    """Are its annotations fields? Those of another base are none, though its subclass may be a dataclass."""
    return any(ast.unparse(decorator).startswith("dataclass") for decorator in node.decorator_list)


def _summary(node: ast.ClassDef) -> str:
    text = ast.get_docstring(node) or ""
    return " ".join(text.split("\n\n")[0].split())


def _comment(line: str) -> str:
    match = re.search(r"#\s(.*)$", line)
    return match.group(1).strip() if match else ""
