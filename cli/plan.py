"""What ``archlock search --dry-run`` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archlock.documents import to_yaml
from archlock.runs.progress import PlannedStage, about

if TYPE_CHECKING:
    from archlock.locking.plan import Plan


def show_plan(plan: Plan, stages: Sequence[PlannedStage], as_json: bool) -> None:
    """Print the resolved settings, and each stage with its units of work and estimated seconds."""
    settings = plan.settings.model_dump(mode="json")
    total = sum(stage.units * stage.seconds_per_unit for stage in stages)
    if as_json:
        rows = [
            {"stage": s.name, "units": s.units, "estimated_seconds": round(s.units * s.seconds_per_unit, 1)}
            for s in stages
        ]
        click.echo(json.dumps({"settings": settings, "stages": rows, "estimated_seconds": round(total)}, indent=1))
        return
    click.echo(to_yaml(settings))
    for stage in stages:
        click.echo(_row(stage.name, stage.units, stage.units * stage.seconds_per_unit))
    click.echo(_row("in all", sum(stage.units for stage in stages), total))


def _row(name: str, units: int, seconds: float) -> str:
    """A YAML comment, so that what is printed can be kept and used as a settings file."""
    return f"# {name:<22}{units:>7} units   {about(seconds)}"
