"""Whatever a settings file holds, ``archlock search FILE --dry-run`` plans a run or says in one line why not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archlock.cli.main import run
from archlock.strict_yaml import parse_yaml, to_yaml

QUICKSTART = (files("archlock.configs") / "quickstart.yaml").read_text(encoding="utf-8")
DATA = parse_yaml(QUICKSTART, "quickstart.yaml").data

WORDS = (" ", "", "yes", "digits", "npz:none.npz", "folder:tests", "npz:", "\u202e\U0001f512", "a" * 300, None, True)
NUMBERS = (0, -1, 1, 3, 10**6, 2**63, 10**400, 0.5, -1e-300, 1e-3, 1e308, float("nan"), float("inf"))
NESTS = ([], [[]], [None], ["digits"], ["textures", "textures"], {}, {"name": "glyphs"}, {"name": None}, {"": 1})
SYNTAX = ("<<: {a: 1}", "*x", "&x", "!!set", "- ", "\t", "---", "%YAML 9", "\0", "# ", "'", ": ")
SECTIONS = ("labels", "engine", "attacks", "proxies", "at_least", "samples", "latency_s")

odd_values = st.sampled_from((*WORDS, *NUMBERS, *NESTS)).map(copy.deepcopy)
odd_text = st.text(max_size=20) | st.sampled_from(SYNTAX)
settled = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Check = Callable[[bytes], int]


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Check:
    """Runs a dry run on the content of a file and holds it to the contract."""

    def dry_run(content: bytes) -> int:
        path = tmp_path / "mutated.yaml"
        path.write_bytes(content)
        code = run(["search", str(path), "--dry-run"])
        out, err = capfd.readouterr()
        assert code in (0, 1, 2), err
        assert "Traceback" not in err
        assert "fault of archlock" not in err
        if code:
            assert out == ""
            assert err.startswith("archlock: ")
            assert err.count("\n") == 1, err
            assert len(err) < 1000
        else:
            assert parse_yaml(out, "plan").data["targets"]["simulated"] >= 1
        return code

    return dry_run


def paths_of(data: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every key path of plain data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path for key, value in inner for path in ((*above, key), *paths_of(value, (*above, key)))]


def holder_of(data: Any, path: tuple[str | int, ...]) -> Any:
    """What holds the last part of a path."""
    for part in path[:-1]:
        data = data[part]
    return data


@st.composite
def changed_data(draw: st.DrawFn) -> dict[str, Any]:
    """The quickstart's data with values swapped for odd ones, and keys misspelt, dropped or added."""
    data = copy.deepcopy(DATA)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths_of(data) or [("seed",)]))
        holder, last = holder_of(data, path), path[-1]
        kind = draw(st.sampled_from(["value", "value", "misspell", "drop", "add"]))
        if kind == "value" or not isinstance(holder, dict):
            holder[last] = draw(odd_values)
        elif kind == "misspell":
            at = draw(st.integers(0, max(0, len(last) - 1)))
            holder[last[:at] + last[at + 1 :] or "x"] = holder.pop(last)
        elif kind == "drop":
            del holder[last]
        else:
            holder[draw(st.sampled_from(["labels", "engine", "attacks", "proxies", "at_least", "samples"]))] = draw(
                odd_values
            )
    return data


@st.composite
def changed_text(draw: st.DrawFn) -> bytes:
    """The quickstart's text with lines dropped, doubled, moved, cut or written over."""
    lines = QUICKSTART.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        column = draw(st.integers(0, len(lines[at])))
        kind = draw(st.sampled_from(["drop", "double", "swap", "cut", "insert", "indent"]))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "swap":
            lines[at], lines[at - 1] = lines[at - 1], lines[at]
        elif kind == "indent":
            lines[at] = " " + lines[at]
        else:
            rest = lines[at][column + (kind == "cut") :]
            lines[at] = lines[at][:column] + (draw(odd_text) if kind == "insert" else "") + rest
    return "\n".join(lines).encode("utf-8", errors="surrogatepass")


@settled
@given(changed_data())
@example(DATA)
@example(DATA | {"input": {"channels": 64, "height": 224, "width": 224}})
@example(DATA | {"source": {"task": "nope"}})
@example(DATA | {"space": "hybird"})
def test_changed_data_is_planned_or_refused_in_one_line(check: Check, data: dict[str, Any]) -> None:
    check(to_yaml(data).encode())


@settled
@given(changed_text())
@example(b"")
@example(b"\xff\xfe\x00")
@example(b"seed: \xe9")
@example(b"[" * 10_000)
def test_changed_text_is_planned_or_refused_in_one_line(check: Check, text: bytes) -> None:
    check(text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".".join(map(str, path)) for path in paths_of(DATA)] + ["targets.search[1].seed"]),
    odd_values | odd_text,
)
def test_any_assignment_is_planned_or_refused_in_one_line(
    capfd: pytest.CaptureFixture[str], key: str, value: object
) -> None:
    code = run(["search", "quickstart", "--dry-run", "--set", f"{key}={value}"])
    out, err = capfd.readouterr()
    assert code in (0, 2), err
    assert (out == "") == bool(code)
    assert err.count("\n") == bool(code)
    assert "fault of archlock" not in err


def test_the_quickstart_itself_is_planned(check: Check) -> None:
    assert check(QUICKSTART.encode()) == 0
