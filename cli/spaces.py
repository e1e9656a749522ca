"""``archlock spaces``: which search spaces exist, their choices, and what one genotype stands for."""

from __future__ import annotations

import json

import click

from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.protocol import SearchSpace
from archlock.spaces.registry import load_space, space_names
from archlock.spaces.summary import GenotypeSummary, SpaceSummary, summarise_genotype, summarise_space
from archlock.spaces.text import parse_genotype

command = click.Group("spaces", help="Search spaces and their genotypes.")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_spaces(as_json: bool) -> None:
    """List the search spaces, built in and installed."""
    summaries = [summarise_space(load_space(name)) for name in space_names()]
    if as_json:
        click.echo(json.dumps([summary.as_dict() for summary in summaries], indent=2))
        return
    for summary in summaries:
        click.echo(f"{summary.name}  {len(summary.choices)} choices, {summary.size_text}")


@command.command("describe")
@click.argument("name")
@click.argument("genotype", required=False)
@click.option(
    "--input",
    "shape",
    nargs=3,
    type=click.IntRange(1),
    default=(3, 16, 16),
    show_default=True,
    metavar="CHANNELS HEIGHT WIDTH",
    help="Input that parameters are counted for.",
)
@click.option("--outputs", type=click.IntRange(1), default=10, show_default=True, help="Classes of that network.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe_space(name: str, genotype: str | None, shape: tuple[int, int, int], outputs: int, as_json: bool) -> None:
    """Describe a space, or one GENOTYPE of it such as 0-3-1-2."""
    space = load_space(name)
    if genotype is None:
        _print_space(summarise_space(space), as_json)
    else:
        _print_genotype(space, genotype, IOSpec(*shape, output=OutputKind.CLASSES, outputs=outputs), as_json)


def _print_space(summary: SpaceSummary, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.as_dict(), indent=2))
        return
    click.echo(f"{summary.name}: {summary.size_text}")
    width = max(len(choice.name) for choice in summary.choices)
    for choice in summary.choices:
        click.echo(f"  {choice.name:<{width}}  {', '.join(map(str, choice.options))}")


def _print_genotype(space: SearchSpace, text: str, io: IOSpec, as_json: bool) -> None:
    summary: GenotypeSummary = summarise_genotype(space, parse_genotype(space, text), io)
    if as_json:
        click.echo(json.dumps(summary.as_dict(), indent=2))
        return
    click.echo(f"{summary.space} {summary.id}  {summary.genotype}")
    width = max(len(name) for name in summary.options)
    for name, option in summary.options.items():
        click.echo(f"  {name:<{width}}  {option}")
    click.echo(
        f"{summary.parameters:,} parameters on input {io.channels}x{io.height}x{io.width} with {io.outputs} outputs"
    )
