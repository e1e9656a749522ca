"""The command line of the proxies, on a real space and a real task."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from archlock.cli.proxies import command
from archlock.errors import SpaceError, TaskError, UsageError
from archlock.proxies import PROXIES
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype


@pytest.fixture(scope="module")
def architecture() -> str:
    space = load_space("hybrid")
    return f"hybrid:{format_genotype(space.sample(np.random.default_rng(0)))}"


def test_list() -> None:
    shown = CliRunner().invoke(command, ["list"], catch_exceptions=False).output
    rows = json.loads(CliRunner().invoke(command, ["list", "--json"], catch_exceptions=False).output)
    assert [row["name"] for row in rows] == list(PROXIES)
    for row in rows:
        assert row["source"] in shown
        assert row["needs"] == sorted(PROXIES[row["name"]].needs)


def test_score_prints_every_proxy_and_repeats(architecture: str) -> None:
    arguments = ["score", architecture, "--task", "digits", "--batch", "16", "--json"]
    first, again = (CliRunner().invoke(command, arguments, catch_exceptions=False).stdout for _ in range(2))
    assert first == again
    report = json.loads(first)
    assert (report["architecture"], report["task"], report["batch"]) == (architecture, "digits", 16)
    assert set(report["scores"]) == set(PROXIES)
    assert all("value" in score or "failed" in score for score in report["scores"].values())
    assert "value" in report["scores"]["synflow"]
    other = json.loads(CliRunner().invoke(command, [*arguments, "--seed", "1"], catch_exceptions=False).stdout)
    assert other["scores"]["snip"] != report["scores"]["snip"]
    assert other["scores"]["params"] == report["scores"]["params"]


def test_score_of_named_proxies_as_text(architecture: str) -> None:
    arguments = ["score", architecture, "--task", "digits", "--proxy", "params", "--proxy", "macs"]
    lines = CliRunner().invoke(command, arguments, catch_exceptions=False).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["params", "macs"]
    assert lines[0].endswith("parameters")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["score", "hybrid", "--task", "digits"], SpaceError, "SPACE:GENOTYPE"),
        (["score", "hybrd:0", "--task", "digits"], SpaceError, "Did you mean 'hybrid'"),
        (["score", "hybrid:x", "--task", "digits"], SpaceError, "numbers joined by dashes"),
        (["score", "ARCHITECTURE", "--task", "digit"], TaskError, "Did you mean 'digits'"),
        (["score", "ARCHITECTURE", "--task", "digits", "--proxy", "snp"], UsageError, "Did you mean 'snip'"),
    ],
)
def test_wrong_names(architecture: str, arguments: list[str], error: type[Exception], message: str) -> None:
    given = [architecture if argument == "ARCHITECTURE" else argument for argument in arguments]
    result = CliRunner().invoke(command, given)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
