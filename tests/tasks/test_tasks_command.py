"""``archlock tasks`` on the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from archlock.cli.tasks import command
from archlock.errors import TaskError
from archlock.tasks.registry import task_names


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_every_task_in_both_forms() -> None:
    rows = json.loads(run("list", "--json"))
    assert [row["name"] for row in rows] == [*task_names(), "npz:PATH", "folder:PATH"]
    assert {row["origin"] for row in rows} <= {"real", "generated", "file", "plug-in"}
    text = run("list")
    assert all(row["name"] in text and row["about"] in text for row in rows)


def test_describe_gives_shape_parts_and_classes() -> None:
    facts = json.loads(run("describe", "digits", "--json"))
    assert facts["input_shape"] == [1, 8, 8]
    assert facts["train"] + facts["validation"] + facts["test"] == 1797
    assert sum(facts["train_per_class"]) == facts["train"]
    assert "0, 1, 2" in run("describe", "digits")


def test_describe_passes_difficulty_and_seed_on() -> None:
    facts = json.loads(run("describe", "shapes", "--difficulty", "0.25", "--seed", "3", "--json"))
    assert facts["name"] == "shapes(difficulty=0.25, seed=3)"


def test_an_unknown_task_raises_for_the_main_command_to_print() -> None:
    with pytest.raises(TaskError, match="Did you mean 'digits'"):
        CliRunner().invoke(command, ["describe", "digit"], catch_exceptions=False)
    assert CliRunner().invoke(command, ["describe", "digits", "--difficulty", "2"]).exit_code == 2
