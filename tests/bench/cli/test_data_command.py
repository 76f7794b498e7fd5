def test_data_are_listed(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SADDLEBENCH_DATA", str(tmp_path / "data"))
    said = cli("data", "list")
    assert said.rows() == [
        {"name": "mnist", "there": "no", "checksums": "", "megabytes": "", "where": str(tmp_path / "data/mnist")}
    ]
    assert "to fetch: saddlebench data fetch mnist" in said.err
    missing = cli("data", "fetch", "mnits")
    assert (missing.code, missing.err) == (2, "saddlebench: unknown data set 'mnits': did you mean 'mnist'?\n")
