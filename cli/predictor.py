"""``archlock predictor``: fit the cross-task predictor of a space to tasks, and judge it on what it did not see."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from archlock.errors import UsageError
from archlock.locking.study import study_tasks
from archlock.predictors import (
    SplitQuality,
    evaluate,
    load_evidence,
    save_evidence,
    save_relation,
)
from archlock.seeding import numpy_generator
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule

MODEL, EVIDENCE, FACTS = "predictor.safetensors", "evidence.safetensors", "predictor.json"
command = click.Group("predictor", help="The cross-task predictor: which of two architectures is better on a task.")


@command.command("train")
@click.option("--space", "space_name", default="hybrid", show_default=True, help="Which networks.")
@click.option("--task", "names", multiple=True, required=True, help="A task to label; may be given again.")
@click.option("--labels", type=click.IntRange(4), default=24, show_default=True, help="Architectures per task.")
@click.option("--steps", type=click.IntRange(1), default=100, show_default=True, help="Training steps of a label.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of architectures and training.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder for the predictor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train(
    space_name: str, names: tuple[str, ...], labels: int, steps: int, seed: int, out: Path, as_json: bool
) -> None:
    """Micro-train random architectures on every task and fit the predictor to the results."""
    tasks = [TaskSettings(name=name) for name in dict.fromkeys(names)]
    for task in tasks:  # an unknown name is told before a folder is made
        load_task(task)
    _make_folder(out)
    study = study_tasks(space_name, tasks, labels, Schedule(steps), seed, lambda line: click.echo(line, err=True))
    save_relation(study.model, out / MODEL)
    save_evidence(study.features, study.evidence, out / EVIDENCE)
    facts = {
        "space": space_name, "tasks": [task.title for task in tasks], "seed": seed, "steps": steps,
        "labels": [asdict(row) for row in study.ledger.entries], "kernel": study.model.kernel.as_dict(),
        "temperature": study.model.temperature,
    }  # fmt: skip
    (out / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    read = len(study.ledger.entries)
    click.echo(json.dumps(facts) if as_json else f"{out}: fitted on {len(tasks)} tasks, {read} readings of labels")


@command.command("evaluate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--folds", type=click.IntRange(2), default=3, show_default=True, help="Folds of architectures.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the folds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate_command(folder: Path, folds: int, seed: int, as_json: bool) -> None:
    """Cross-validate the predictor in FOLDER on held-out architectures and held-out tasks; no label is bought."""
    features, evidence = load_evidence(folder / EVIDENCE)
    quality = evaluate(features, evidence, numpy_generator(seed, "predictor evaluate"), folds)
    splits = {
        "held-out architectures": quality.held_out_architectures,
        "held-out tasks": quality.held_out_tasks,
    }
    rows = {
        split: {name: _figures(getattr(report, name)) for name in ("model", "vote", "shuffled")}
        for split, report in splits.items()
    }
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for split, methods in rows.items():
        click.echo(split)
        for name, figures in methods.items():
            click.echo(f"  {name:<9} " + ", ".join(f"{key} {_shown(value)}" for key, value in figures.items()))


def _make_folder(out: Path) -> None:
    """Refuse to write over anything."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: not an empty folder; name a new one")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made: {error}") from None


def _figures(result: Any) -> dict[str, float | int | str]:
    if not isinstance(result, SplitQuality):
        return {"none": result.reason}
    names = ("pair_accuracy", "kendall_tau", "calibration_error", "log_loss", "pairs")
    return {name: getattr(result, name) for name in names}


def _shown(value: float | int | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
