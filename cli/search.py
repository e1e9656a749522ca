"""``archlock search``, ``resume`` and ``replay``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from archlock.cli.progress import RichProgress
from archlock.config import TableSettings, read_any_settings
from archlock.documents import Source, to_yaml
from archlock.errors import RunFailedError
from archlock.executors import KINDS, make_executor

_executor = click.option("--executor", type=click.Choice(KINDS), default="processes", show_default=True)
_workers = click.option("--workers", type=click.IntRange(1), help="Worker processes; one per processor by default.")
_json = click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")


@click.command("search")
@click.argument("config")
@click.option("--set", "assignments", multiple=True, metavar="a.b=VALUE", help="Change one setting; repeat.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/CONFIG-SEED by default.")
@_executor
@_workers
@click.option("--dry-run", is_flag=True, help="Print the resolved plan and its estimated cost, and stop.")
@_json
def search(
    config: str,
    assignments: Sequence[str],
    out: Path | None,
    executor: str,
    workers: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Search for a protected model.

    CONFIG is a YAML file or the name of a shipped preset, such as quickstart. A file with the key `table` searches a
    table of published results: nothing is trained, and labels are looked up.
    """
    settings, document = read_any_settings(config, assignments)
    folder = out or Path("runs") / f"{Path(config).stem}-{settings.seed}"
    if isinstance(settings, TableSettings):
        _search_table(settings, document, folder, dry_run, as_json)
        return
    count = 1 if executor == "serial" else workers or os.cpu_count() or 1
    from archlock.locking.plan import make_plan, planned_stages

    plan = make_plan(settings, document)
    stages = planned_stages(plan, count)
    if dry_run:
        from archlock.cli.plan import show_plan

        show_plan(plan, stages, as_json)
        return
    from archlock import api

    with RichProgress(stages) as progress, make_executor(executor, count) as pool:
        record = api.search(settings, folder, executor=pool, progress=progress)
    _show(record.model_dump_json(indent=1) if as_json else record.headline, folder, as_json)


@click.command("resume")
@click.argument("run", type=click.Path(path_type=Path))
@_executor
@_workers
@_json
def resume(run: Path, executor: str, workers: int | None, as_json: bool) -> None:
    """Go on with an interrupted run; a finished run only has its report written again."""
    from archlock import api

    count = 1 if executor == "serial" else workers or os.cpu_count() or 1
    with RichProgress(api.remaining_stages(run, count)) as progress, make_executor(executor, count) as pool:
        record = api.resume(run, executor=pool, progress=progress)
    _show(record.model_dump_json(indent=1) if as_json else record.headline, run, as_json)


@click.command("replay")
@click.argument("run", type=click.Path(path_type=Path))
@_executor
@_workers
@_json
def replay(run: Path, executor: str, workers: int | None, as_json: bool) -> None:
    """Compute a finished run anew, in memory, and compare every figure; exit 3 where one differs."""
    from archlock import api

    count = 1 if executor == "serial" else workers or os.cpu_count() or 1
    with RichProgress() as progress, make_executor(executor, count) as pool:
        differences = api.replay(run, executor=pool, progress=progress)
    if as_json:
        click.echo(json.dumps({"run": str(run), "differences": differences}, indent=1))
    elif not differences:
        click.echo(f"{run}: every figure is the same")
    for line in differences:
        click.echo(line, err=True)
    if differences:
        raise RunFailedError(f"{run}: {len(differences)} figures differ when computed anew")


def _search_table(settings: TableSettings, document: Source, folder: Path, dry_run: bool, as_json: bool) -> None:
    """Labels are looked up, so that there is no plan to show beside the settings."""
    if dry_run:
        click.echo(settings.model_dump_json(indent=1) if as_json else to_yaml(settings.model_dump(mode="json")))
        return
    from archlock import api

    record = api.search_table(settings, folder, document=document)
    click.echo(record.model_dump_json(indent=1) if as_json else record.headline)
    if not as_json:
        click.echo(f"report: {folder / 'report.html'}")


def _show(text: str, folder: Path, as_json: bool) -> None:
    click.echo(text)
    if not as_json:
        click.echo(f"report: {folder / 'report.html'}")
        if (folder / "model").exists():
            click.echo(f"model:  {folder / 'model'}")
