def test_data_are_listed(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "data"))
    said = cli("data", "list")
    names = ["cifar10", "fashion-mnist", "mnist"]
    absent = {"there": "no", "checksums": "", "megabytes": ""}
    assert said.rows() == [{"name": name, **absent, "where": str(tmp_path / "data" / name)} for name in names]
    assert f"to fetch: saddlebench data fetch {' '.join(names)}" in said.err
    missing = cli("data", "fetch", "mnits")
    assert (missing.code, missing.err) == (2, "saddlebench: unknown data set 'mnits': did you mean 'mnist'?\n")
