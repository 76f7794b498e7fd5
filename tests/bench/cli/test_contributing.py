import pytest


def test_a_template_passes_its_check_and_runs(cli, tmp_path):
    said = cli("new", "optimizer", "my-method")
    assert said.out == f"{tmp_path}/my_method.py\n"
    assert "saddlebench check ./my_method.py:MyMethod" in said.err
    checked = cli("check", "./my_method.py:MyMethod")
    assert checked.code == 0, checked.out
    assert {row["status"] for row in checked.rows()} <= {"ok", "not applicable"}
    ran = cli("run", "--game", "bilinear", "--optimizer", "./my_method.py:MyMethod", "--steps", "10", "--seeds", "1")
    assert [row["optimizer"] for row in ran.rows()] == ["my-method"]
    again = cli("new", "optimizer", "my-method")
    assert (again.code, "exists already" in again.err) == (2, True)


def test_a_failed_check_has_exit_code_1(cli, tmp_path):
    cli("new", "game", "my-game")
    path = tmp_path / "my_game.py"
    text = path.read_text()
    assert "def players" in text
    path.write_text(text.replace('name = "my-game"', 'name = "My Game"'))
    said = cli("check", "./my_game.py:MyGame")
    assert said.code == 1
    assert [row["check"] for row in said.rows() if row["status"] == "failed"] == ["has a name of its own"]
    assert "1 of" in said.err


@pytest.mark.parametrize("spec", ["./none.py:Mine", "extragradeint", "./mine.py:Mine", "./broken.py:Mine"])
def test_check_of_nothing_is_one_line(cli, tmp_path, spec):
    (tmp_path / "mine.py").write_text("class Mine:\n    pass\n")
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    said = cli("check", spec)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
