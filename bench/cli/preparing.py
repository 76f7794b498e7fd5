"""`saddlebench data prepare` and `verify`: data sets that are made from a copy of the user's."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saddlebench.bench.cli.forms import argument, option
from saddlebench.bench.cli.output import Row, counted, emit, say
from saddlebench.errors import InputError, unknown

if TYPE_CHECKING:
    from saddlebench.bench.interrupts import Interrupts
    from saddlebench.games.data.imagenet import Pictures
    from saddlebench.games.data.packed import Packed

PREPARE_EXAMPLES = (
    "saddlebench data prepare imagenet --source /data/imagenet --size 128",
    "SADDLEBENCH_DATA=/fast/disk saddlebench data prepare imagenet --source ~/hf/imagenet-1k --size 64 --workers 16",
)
VERIFY_EXAMPLES = ("saddlebench data verify imagenet128",)
_KNOWN = ("imagenet",)
_SHOWN = 5  # of what could not be read
_KINDS = {
    "RGB": "colour",
    "L": "grey",
    "CMYK": "CMYK",
    "RGBA": "transparent",
    "P": "palette",
    "LA": "transparent grey",
    "1": "black and white",
}
_SOURCE = "train/WNID/*.JPEG and val (in folders, or flat with its list of classes), or a Hugging Face snapshot (*.parquet)."


def prepare(
    name: Annotated[str, argument("imagenet.", metavar="NAME")],
    source: Annotated[Path, option("--source", text=_SOURCE, metavar="DIR")],
    size: Annotated[int, option("--size", text="Side of the images, in pixels.", min=4, max=1024, metavar="PX")],
    workers: Annotated[
        int | None, option("--workers", text="Processes that decode. Default: one a core.", min=1, metavar="N")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Begin anew, whatever is there.")] = False,
) -> int:
    """Make a memory-mapped data set of a copy of ImageNet: cropped to squares along the longer edge, resized by area, uint8.

    It is called imagenetPX, and lies in the data cache ($SADDLEBENCH_DATA; 63 GB at 128 px). Interrupted or killed, the same
    command goes on. Grey, CMYK and palette pictures become colour; what cannot be decoded is left out and reported.
    """
    from saddlebench.bench.interrupts import Interrupted, Interrupts
    from saddlebench.games.data.imagenet import find_pictures
    from saddlebench.games.data.packed import folder_of_packed, packed
    from saddlebench.games.data.packing import discard

    if name not in _KNOWN:
        raise unknown("data set to prepare", name, _KNOWN)
    made, source = f"{name}{size}", source.expanduser()
    try:
        with Interrupts() as interrupts:
            for split in ("train", "test"):
                if not force and (found := packed(made, split)) is not None:
                    say(f"{made}: {split}: there already, {counted(found.items, 'image')} (--force makes it anew)")
                    continue
                pictures = find_pictures(source, split)
                if pictures is None:
                    say(f"{made}: {source} has no validation images: there will be no test split")
                    continue
                if force:
                    discard(made, split)
                cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
                _report(_packed(made, split, size, pictures, workers or cores, interrupts))
    except Interrupted as interrupted:
        say(f"interrupted: what is done is kept in {folder_of_packed(made)}; the same command goes on")
        return interrupted.exit_code
    emit(str(folder_of_packed(made)))
    return 0


def _packed(made: str, split: str, size: int, pictures: "Pictures", workers: int, interrupts: "Interrupts") -> "Packed":
    from saddlebench.bench.cli.progress import progress
    from saddlebench.games.data.packing import pack

    total, kept = len(pictures.labels), 0
    say(f"{made}: {split}: {counted(total, 'image')} of {counted(len(pictures.classes), 'class')}".replace("classs", "classes"))
    with progress(total, interrupts.check, "images") as shown:
        shown.begin(f"{made} {split}", 0)

        def told(n: int, before: bool) -> None:
            nonlocal kept
            kept += n if before else 0
            shown.done(n)

        found = pack(made, split, size, pictures, min(workers, -(-total // 256)), told)
    if kept:
        say(f"{made}: {split}: {kept} of {total} images were there from before")
    return found


def _report(found: "Packed") -> None:
    kinds = ", ".join(f"{n} {_KINDS.get(kind, kind)}" for kind, n in found.about["kinds"].items())
    say(f"{found.name}: {found.split}: {counted(found.items, 'image')} ({kinds}), checksum {found.checksum[:12]}")
    unread = found.about["unread"]
    if unread:
        more = f"; and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
        say(f"{found.name}: {found.split}: {counted(len(unread), 'picture')} left out: {'; '.join(unread[:_SHOWN])}{more}")


def verify(names: Annotated[list[str], argument("Data sets, as `data list` names them.")]) -> int:
    """Read every byte of data sets and compare it with its checksum."""
    from saddlebench.bench.cli.progress import progress
    from saddlebench.games.data import DATASETS, status
    from saddlebench.games.data.packed import packed, packed_side, require_packed

    wrong: list[str] = []
    for name in names:
        if packed_side(name) is None:
            _ = DATASETS[name]
            row = next(s for s in status() if s["name"] == name)
            if not row["present"]:
                raise InputError(f"{name} is not in the data cache: run `saddlebench data fetch {name}` first")
            wrong += [] if row["checksum"] else [f"{name}: an array has another checksum"]
            continue
        require_packed(name)
        for found in (s for s in (packed(name, "train"), packed(name, "test")) if s is not None):
            with progress(found.items, noun="images") as shown:
                shown.begin(f"{name} {found.split}", 0)
                wrong += found.faults(shown.done)
    for fault in wrong:
        say(fault)
    if not wrong:
        emit(f"{', '.join(names)}: every byte as it was written")
    return 1 if wrong else 0


def packed_rows() -> list[Row]:
    """Of the prepared data sets that are there, as `data list` shows them."""
    from saddlebench.games.data import data_root
    from saddlebench.games.data.packed import packed, packed_side

    rows: list[Row] = []
    for folder in sorted(data_root().glob("imagenet*"), key=lambda p: packed_side(p.name) or 0):
        if packed_side(folder.name) is None:
            continue
        whole = packed(folder.name, "train") is not None
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        row = {"name": folder.name, "there": whole, "checksums": None, "megabytes": round(size, 1), "where": str(folder)}
        rows.append(row)
    return rows
