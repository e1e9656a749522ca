import json

import numpy as np
import pytest
from click.testing import CliRunner

from archlock.cli.spaces import command
from archlock.errors import SpaceError
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.registry import load_space, space_names
from archlock.spaces.summary import summarise_genotype
from archlock.spaces.text import format_genotype, genotype_id

SPACE = load_space("hybrid")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_space():
    rows = json.loads(run("list", "--json"))
    assert tuple(row["name"] for row in rows) == space_names()
    assert len(run("list").splitlines()) == len(rows)


def test_describe_prints_the_table_and_the_size():
    described = json.loads(run("describe", "hybrid", "--json"))
    assert described["genotypes"] == SPACE.genotype_count
    assert described["networks"] == SPACE.canonical_count
    assert [choice["name"] for choice in described["choices"]] == [choice.name for choice in SPACE.choices]
    text = run("describe", "hybrid")
    assert all(choice.name in text for choice in SPACE.choices)


def test_describe_counts_the_parameters_of_a_genotype():
    genotype = SPACE.sample(np.random.default_rng(2))
    text = format_genotype(genotype)
    described = json.loads(run("describe", "hybrid", text, "--input", "1", "8", "8", "--outputs", "3", "--json"))
    network = SPACE.build(genotype, IOSpec(1, 8, 8, OutputKind.CLASSES, 3))
    assert described["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert described["genotype"] == text
    assert described["id"] == genotype_id(SPACE, genotype)
    assert described["options"] == SPACE.describe(genotype)
    plain = run("describe", "hybrid", text, "--input", "1", "8", "8", "--outputs", "3")
    assert f"{described['parameters']:,} parameters on input 1x8x8 with 3 outputs" in plain


def test_twins_have_one_summary():
    io = IOSpec(1, 8, 8, OutputKind.CLASSES, 3)
    empty = (0,) * len(SPACE.choices)
    assert summarise_genotype(SPACE, (*empty[:-1], 1), io) == summarise_genotype(SPACE, empty, io)


@pytest.mark.parametrize(
    "arguments", [("describe", "hybird"), ("describe", "hybrid", "1-2"), ("describe", "hybrid", "x")]
)
def test_wrong_names_and_genotypes_are_usage_errors(arguments):
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, SpaceError)
    assert result.exception.exit_code == 2
