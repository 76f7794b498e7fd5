"""Catalogues: what is listed without importing, plug-ins, collisions."""

import dataclasses
from importlib.metadata import EntryPoint

import pytest

import saddlebench
from saddlebench import catalogue
from saddlebench.bench.build import KINDS
from saddlebench.catalogue import Catalogue
from saddlebench.errors import InputError


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_read_from_the_source_is_what_the_class_has(kind):
    entries = KINDS[kind][0].entries
    assert entries
    for name, entry in entries.items():
        cls = KINDS[kind][0][name]
        assert cls.name == name
        assert [p.name for p in entry.parameters] == [f.name for f in dataclasses.fields(cls)]
        assert entry.summary
        assert entry.paper == cls.paper
        for parameter in entry.parameters:
            assert parameter.meaning, f"{name}.{parameter.name} has no comment that says what it is"


def test_an_installed_package_adds_entries(monkeypatch):
    point = EntryPoint("borrowed", "saddlebench.optimizers.extragradient:Extragradient", "saddlebench.optimizers")
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [point] if group == point.group else [])
    found = Catalogue("optimizer", "saddlebench.optimizers", saddlebench.OPTIMIZERS.folder, point.group)
    assert "borrowed" in found
    assert found["borrowed"] is saddlebench.OPTIMIZERS["extragradient"]
    assert len(found) == len(saddlebench.OPTIMIZERS.entries) + 1


def test_a_plug_in_cannot_take_a_name_that_is_taken(monkeypatch):
    point = EntryPoint("adam", "saddlebench.optimizers.extragradient:Extragradient", "saddlebench.optimizers")
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [point])
    found = Catalogue("optimizer", "saddlebench.optimizers", saddlebench.OPTIMIZERS.folder, point.group)
    with pytest.raises(ValueError, match="takes the name 'adam'"):
        len(found)


def test_two_classes_of_one_name_are_refused(tmp_path):
    for stem in ("one", "two"):
        (tmp_path / f"{stem}.py").write_text('class A:\n    """A."""\n    name = "same"\n')
    with pytest.raises(ValueError, match="two optimizers are named 'same'"):
        _ = Catalogue("optimizer", "x", tmp_path, "none.such").entries


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match="unknown optimizer 'extragradeint': did you mean 'extragradient'"):
        saddlebench.OPTIMIZERS["extragradeint"]
