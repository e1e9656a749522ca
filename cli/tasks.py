"""``archlock tasks``: which tasks there are, and what one of them holds."""

from __future__ import annotations

import json

import click

from archlock.tasks.describe import TaskRow, describe_task, list_tasks
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings


@click.group("tasks")
def command() -> None:
    """Built-in, generated and user tasks."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Print the tasks that can be named."""
    rows = list_tasks()
    if as_json:
        click.echo(json.dumps([row.__dict__ for row in rows], indent=1))
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(_line(row, width))
    click.echo("published results of many architectures on tasks: archlock data list", err=True)


def _line(row: TaskRow, width: int) -> str:
    return f"{row.name:<{width}}  {row.origin:<9}  {row.about}"


@command.command("describe")
@click.argument("name")
@click.option("--difficulty", type=click.FloatRange(0, 1), default=0.5, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe_command(name: str, difficulty: float, seed: int, as_json: bool) -> None:
    """Load the task NAME and print its shape, parts and classes."""
    facts = describe_task(load_task(TaskSettings(name=name, difficulty=difficulty, seed=seed)))
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        click.echo(f"{key:<{width}}  {value if not isinstance(value, list) else ', '.join(map(str, value))}")
