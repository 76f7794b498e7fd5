"""The catalogue's pages, written while the site is built: a page an entry from its docstring, parameters and measured spectrum."""

import inspect
import io
import json
import textwrap
from typing import Any

import matplotlib as mpl
import mkdocs_gen_files
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from saddlebench.bench.build import build, name_of, parameters_of
from saddlebench.bench.cells import Pairing
from saddlebench.bench.predictions import prediction
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectrum import NoSpectrumError, Spectrum, at_equilibrium
from saddlebench.catalogue import Catalogue
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.figures.style import COLOURS, CONTEXT
from saddlebench.results.theory import explain

torch.set_num_threads(1)
SHOWN = {"bilinear": {"bilinear": {"matrix": [[1.0]]}}, "quadratic": "quadratic", "rock-paper-scissors": "rock-paper-scissors"}


def write(kind: str, catalogue: Catalogue) -> None:
    """An index, and a page an entry."""
    lines = [f"# {kind.capitalize()}", "", "| name | paper | what it is |", "| --- | --- | --- |"]
    for name in catalogue:
        cls = catalogue[name]
        first = cell((inspect.getdoc(cls) or "").splitlines()[0].replace("``", "`"))
        lines.append(f"| [{name}]({name}.md) | {cls.paper} | {first} |")
        with mkdocs_gen_files.open(f"{kind}/{name}.md", "w") as page:
            page.write("\n".join(page_of(kind, name, cls)) + "\n")
    with mkdocs_gen_files.open(f"{kind}/index.md", "w") as page:
        page.write("\n".join(lines) + "\n")


def page_of(kind: str, name: str, cls: Any) -> list[str]:
    """The Markdown lines of one entry."""
    lines = [f"# {name}", ""]
    facts = [f"Paper: {cls.paper}." if cls.paper else "", f"Cost of a step: {cls.cost}." if getattr(cls, "cost", "") else ""]
    lines += [" ".join(f for f in facts if f), "", literal(inspect.getdoc(cls) or ""), ""]
    parameters = (OPTIMIZERS if kind == "optimizers" else GAMES).entries[name].parameters
    if parameters:
        lines += ["## Parameters", "", "| parameter | default | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{p.name}` | `{cell(p.default)}` | {cell(p.meaning)} |" for p in parameters]
        lines.append("")
    return lines + (spectra_of(name) if kind == "optimizers" else [])


def cell(text: str) -> str:
    """Text in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("*", "\\*")


def literal(text: str) -> str:
    """A docstring as Markdown: what is indented in it stays as it is."""
    return textwrap.dedent(text).replace("``", "`").replace("*", "\\*")


def spectra_of(name: str) -> list[str]:
    """The measured and the predicted radius on three games, and a picture of the eigenvalues."""
    optimizer = build("optimizer", name)
    rows, spectra, reasons = [], {}, []
    for label, spec in SHOWN.items():
        game = build("game", spec)
        try:
            spectrum = at_equilibrium(game, optimizer)
        except NoSpectrumError as error:
            reasons.append(f"| {label} | – | | {error} |")
            continue
        spectra[label] = spectrum
        told = prediction(Pairing(game, optimizer, Settings(steps=1)))
        radius = "" if told is None else f"{told:.10f}"
        text = explain(name_of(game), parameters_of(game), name, parameters_of(optimizer)) or ""
        rows.append(f"| {label} | {spectrum.radius_transverse:.10f} | {radius} | {cell(text)} |")
    lines = ["## Spectrum at the equilibrium", "", f"With `{json.dumps(parameters_of(optimizer), ensure_ascii=False)}`:", ""]
    lines += ["| game | measured radius | predicted | closed form |", "| --- | ---: | ---: | --- |", *rows, *reasons, ""]
    if spectra:
        with mkdocs_gen_files.open(f"optimizers/{name}.svg", "wb") as file:
            file.write(picture(spectra))
        lines += [f"![Eigenvalues of the step of {name} in the complex plane]({name}.svg)", ""]
    return lines


def picture(spectra: dict[str, Spectrum]) -> bytes:
    """Eigenvalues of the step, a panel a game, with the unit circle."""
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(2.4 * len(spectra), 2.5), layout="constrained")
        panels = figure.subplots(1, len(spectra), squeeze=False)[0]
        for axes, (label, spectrum) in zip(panels, spectra.items(), strict=True):
            values = spectrum.eigenvalues if spectrum.transverse is None else spectrum.transverse
            axes.add_patch(Circle((0, 0), 1, fill=False, linewidth=0.8, color="grey"))
            axes.scatter(values.real, values.imag, s=18, color=COLOURS[0], zorder=3)
            reach = max(1.1, float(np.abs(values).max(initial=0)) * 1.1)
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=label, xlabel="Re", ylabel="Im")
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


write("optimizers", OPTIMIZERS)
write("games", GAMES)
