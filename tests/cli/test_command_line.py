"""The contract of the command line: exit codes, one line on stderr, results alone on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import click
import pytest

from archlock import errors
from archlock.cli import main
from archlock.cli.main import COMMANDS, run

Captured = pytest.CaptureFixture[str]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Adds the command ``boom``, which raises."""
    module = ModuleType("archlock_boom")

    @click.command("boom")
    def boom() -> None:
        raise error

    module.command = boom  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "archlock_boom", module)
    monkeypatch.setitem(main.COMMANDS, "boom", ("archlock_boom:command", "Fails."))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_imported_and_helps(name: str, capsys: Captured) -> None:
    if find_spec(COMMANDS[name][0].partition(":")[0]) is None:
        pytest.skip(f"{name} is not built yet")
    assert run([name, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: archlock {name}")
    assert err == ""


EXITS = {
    errors.BudgetError("x"): 1,
    errors.ConfigError("x"): 2,
    errors.RunFolderError("x"): 2,
    errors.RunFailedError("x"): 3,
    errors.SealedError("x"): 3,
    errors.ModelError("x"): 4,
    errors.InterruptedRunError("x"): 130,
    KeyboardInterrupt(): 130,
    click.Abort(): 130,
    click.FileError("x"): 2,
    MemoryError(): 3,
    OSError(28, "No space left on device", "run/events.sqlite"): 3,
    ZeroDivisionError("a\nb"): 3,
    RecursionError(): 3,
}


@pytest.mark.parametrize("error", EXITS, ids=lambda error: type(error).__name__)
def test_every_error_is_one_line_and_its_exit_code(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    failing(monkeypatch, error)
    assert run(["boom"]) == EXITS[error]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("archlock: ")
    assert err.count("\n") == 1
    assert ("fault of archlock" in err) == isinstance(error, (ZeroDivisionError, RecursionError))


@pytest.mark.parametrize("arguments", [["--debug", "boom"], ["boom", "--debug"]])
@pytest.mark.parametrize(("error", "code"), [(errors.ConfigError("a: b"), 2), (ZeroDivisionError("x"), 3)])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(
    arguments: list[str], error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    failing(monkeypatch, error)
    assert run(arguments) == code
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("archlock: ")


WRONG = {
    "serch quickstart": "no command 'serch'. Did you mean 'search'?",
    "tasks lst": "Did you mean 'list'?",
    "search": "Missing argument 'CONFIG'. See archlock search --help",
    "search quickstart --dryrun": "No such option '--dryrun'. Did you mean '--dry-run'?",
    "search quickstart --workers 0": "0 is not in the range",
    "search quickstart --executor serail": "'serail' is not one of",
    "search quickstrt": "no such file or preset. Did you mean 'quickstart'?",
    "search none.yaml": "none.yaml: no such file",
    "search tests": "tests: is a folder, expected a YAML file",
    "search quickstart --dry-run --set hardware.latency_s=-1": "hardware.latency_s: expected a number above 0, not -1",
    "report nothing --format pdf": "'pdf' is not one of",
    "report nothing": "nothing: no such run folder or report",
    "report tests": "tests: not a run: it has no manifest.json",
    "report --out x.html " + "x" * 5000: "cannot be read: File name too long",
    "resume tests": "tests: not a run",
    "resume nothing": "nothing: no such run folder",
    "replay tests": "tests: not a run",
    "export tests --out x": "tests: not a run",
    "export tests": "Missing option '--out'",
}


@pytest.mark.parametrize("line", WRONG, ids=lambda line: line[:40])
def test_wrong_usage_is_one_line_and_exit_code_2(line: str, capsys: Captured) -> None:
    assert run(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert WRONG[line] in err


def test_no_command_shows_the_help_on_stderr(capsys: Captured) -> None:
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(name in err for name in COMMANDS)


PROGRAMS = [
    "config presets --json",
    "config schema --json",
    "config schema",
    "doctor --json",
    "tasks list --json",
    "spaces list --json",
    "proxies list --json",
    "hw list --json",
    "search quickstart --dry-run --json",
]


@pytest.mark.parametrize("line", PROGRAMS)
def test_what_programs_read_is_json(line: str, capsys: Captured) -> None:
    assert run(line.split()) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert err == ""


def test_a_dry_run_prints_settings_that_plan_the_same_run(tmp_path: Path, capsys: Captured) -> None:
    line = ["--dry-run", "--executor", "serial"]
    assert run(["search", "quickstart", *line, "--set", "targets.search[0].difficulty=1e-2"]) == 0
    printed = capsys.readouterr().out
    assert "# in all" in printed
    (tmp_path / "again.yaml").write_text(printed, encoding="utf-8")
    assert run(["search", str(tmp_path / "again.yaml"), *line]) == 0
    assert capsys.readouterr().out == printed


def test_fewer_workers_take_longer(capsys: Captured) -> None:
    seconds = []
    for workers in ("1", "4"):
        assert run(["search", "quickstart", "--dry-run", "--json", "--workers", workers]) == 0
        seconds.append(json.loads(capsys.readouterr().out)["estimated_seconds"])
    assert seconds[0] > 2 * seconds[1]


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_help_and_version_do_not_wait_for_torch() -> None:
    code = """
import sys
from archlock.cli.main import run
codes = [run(['--help']), run(['--version']), run(['serch'])]
assert codes == [0, 0, 2], codes
assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)
"""
    result = shell(code)
    assert result.returncode == 0, result.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = """
import os, sys
from archlock.cli.main import main
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
sys.argv = ['archlock', 'config', 'schema']
main()
"""
    result = shell(code)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_installed_command_exits_with_the_code() -> None:
    program = Path(sys.executable).with_name("archlock")
    if not program.exists():
        pytest.skip("archlock is not installed beside this python")
    result = subprocess.run([program, "search", "none.yaml"], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "archlock: none.yaml: no such file\n"
