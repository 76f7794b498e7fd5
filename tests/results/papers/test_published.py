import pytest

from saddlebench.results.papers import PAPERS, find
from saddlebench.results.papers import published as published_module
from saddlebench.results.papers.published import CLAIM_COLUMNS, COLUMNS, FOLDER, read_claims, read_numbers

NUMBERS = sorted({name for paper in PAPERS.values() if not paper.claims for name in paper.files})
COUNTS = {"gidel2019-vip": (33, 23), "logan": (16, 16), "cifar10-fid": (58, 58), "imagenet128": (21, 21)}


def test_every_file_belongs_to_a_paper():
    assert {path.stem for path in FOLDER.glob("*.csv")} == {name for paper in PAPERS.values() for name in paper.files}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_is_well_formed(name):
    rows = read_numbers(name)
    assert (len(rows), sum(row.value is not None for row in rows)) == COUNTS[name]
    assert len({(row.row, row.column, row.measure) for row in rows}) == len(rows)
    for row in rows:
        assert row.measure in ("fid", "inception_score")
        assert row.source
        assert row.verified
        assert row.value is not None or row.verified.startswith("not verified")
        assert row.value is None or not row.verified.startswith("not verified")
        assert row.value is None or row.value > 0
        assert row.std is None or 0 < row.std < row.value
        assert row.ref_split in (None, "train", "test")
        assert row.which_ckpt in (None, "best", "last", "best fid")


def test_numbers_that_no_copy_at_hand_shows_are_not_given():
    remembered = {7.51, 7.68, 7.6, 7.57, 8.01, 7.66, 7.9, 8.47, 8.13, 7.84, 7.99, 7.98, 8.18, 8.1}  # of Gidel's final table
    rows = read_numbers("gidel2019-vip")
    assert not remembered & {row.value for row in rows}
    blank = [row for row in rows if row.value is None]
    assert {(row.column, row.measure) for row in blank} == {("ResNet WGAN-GP", "fid"), ("ResNet WGAN-GP", "inception_score")}
    assert "8.47" not in (FOLDER / "gidel2019-vip.csv").read_text()
    bigan = {(row.column, row.measure): row for row in read_numbers("imagenet128") if row.row == "BigGAN"}
    assert [(row.value, row.std) for row in bigan.values()] == [(98.8, None), (8.7, None)]  # the deviations are not verified


@pytest.mark.parametrize(
    ("name", "row", "column", "measure", "value", "std"),
    [
        ("gidel2019-vip", "AltAdam5", "WGAN-GP uniform average", "inception_score", 6.51, 0.05),
        ("gidel2019-vip", "OptimAdam", "WGAN EMA", "inception_score", 5.78, 0.05),
        ("logan", "LOGAN (NGD)", "no truncation", "fid", 3.36, 0.14),
        ("logan", "BigGAN-deep", "truncated, equal IS", "fid", 27.97, None),
        ("cifar10-fid", "BigGAN", "StudioGAN", "fid", 4.16, None),
        ("cifar10-fid", "SNGAN", "mimicry", "fid", 16.77, 0.04),
        ("imagenet128", "BigGAN, batch 2048", "StudioGAN", "fid", 8.35, None),
    ],
)
def test_known_numbers(name, row, column, measure, value, std):
    (found,) = [r for r in read_numbers(name) if (r.row, r.column, r.measure) == (row, column, measure)]
    assert (found.value, found.std) == (value, std)


def test_logan_s_headline_is_over_its_own_baseline():
    values = {(r.row, r.measure): r.value for r in read_numbers("logan") if r.column == "no truncation"}
    gains = [100 * (values["LOGAN (NGD)", m] / values["baseline", m] - 1) for m in ("inception_score", "fid")]
    assert gains == pytest.approx([17.06, -31.71], abs=0.005)  # printed as 17 % and 32 %
    over_deep = 100 * (values["LOGAN (NGD)", "fid"] / values["BigGAN-deep", "fid"] - 1)
    assert over_deep == pytest.approx(-41.05, abs=0.005)


def test_the_marks_of_negative_momentum():
    marks = {(c.row, c.column): (c.bounded, c.converges) for c in read_claims("negative-momentum")}
    assert len(marks) == 6
    assert {key for key, (bounded, _) in marks.items() if bounded} == {("alternating", "β = 0"), ("alternating", "β < 0")}
    assert {key for key, (_, converges) in marks.items() if converges} == {("alternating", "β < 0")}


def test_two_papers_may_share_a_file():
    assert [r for r in find("imagenet128").published() if r in read_numbers("logan")] == read_numbers("logan")


@pytest.mark.parametrize(
    ("read", "columns", "text", "message"),
    [
        (read_numbers, COLUMNS, "a,b,fid,x,,,,,,,,,p,s,v", "bad.csv:2: could not convert string to float: 'x'"),
        (read_numbers, COLUMNS, "a,b,fid,1,,2.5,,,,,,,p,s,v", "bad.csv:2: invalid literal for int"),
        (read_numbers, COLUMNS, "a,b,fid,1,,,,,,,,,p,,v", "bad.csv:2: no source"),
        (read_numbers, COLUMNS, "a,b,fid,1,,,,,,,,,p,s,", "bad.csv:2: no verified"),
        (read_numbers, COLUMNS, "a,b,fid,1,,,,,,,,,,s", "bad.csv:2: not 15 fields"),
        (read_numbers, COLUMNS[:-1], "a", "bad.csv: its columns are not row"),
        (read_claims, CLAIM_COLUMNS, "a,b,yes,false,t,s,v", "bad.csv:2: bounded and converges are true or false"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, monkeypatch, read, columns, text, message):
    (tmp_path / "bad.csv").write_text(f"{','.join(columns)}\n{text}\n")
    monkeypatch.setattr(published_module, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read("bad")
