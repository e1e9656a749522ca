"""``archlock predictor``: fit the cross-task predictor of a space to tasks, and judge it on what it did not see."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from archlock.errors import UsageError
from archlock.locking import units
from archlock.predictors import (
    RelationModel,
    SplitQuality,
    TaskEvidence,
    evaluate,
    load_evidence,
    save_evidence,
    save_relation,
)
from archlock.predictors.threads import one_thread
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.tasks.ledger import Ledger
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule

MODEL, EVIDENCE, FACTS = "predictor.safetensors", "evidence.safetensors", "predictor.json"
SHAPE = (3, 16, 16)
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
    for task in tasks:  # an unknown name is told before anything is made or trained
        load_task(task, input_shape=SHAPE)
    _make_folder(out)
    space, rng, ledger = load_space(space_name), numpy_generator(seed, "predictor train", space_name), Ledger()
    genotypes = [space.sample(rng) for _ in range(labels)]
    evidence = []
    for task in tasks:
        click.echo(f"{task.title}: {labels} labels of {steps} steps", err=True)
        evidence.append(_label(task, space_name, genotypes, Schedule(steps), seed, ledger))
    features = space.traits(genotypes)
    model = RelationModel.fit(features, evidence)
    save_relation(model, out / MODEL)
    save_evidence(features, evidence, out / EVIDENCE)
    facts = {
        "space": space_name, "tasks": [task.title for task in tasks], "seed": seed, "steps": steps,
        "labels": [asdict(row) for row in ledger.entries], "kernel": model.kernel.as_dict(),
        "temperature": model.temperature,
    }  # fmt: skip
    (out / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    read = len(ledger.entries)
    click.echo(json.dumps(facts) if as_json else f"{out}: fitted on {len(evidence)} tasks, {read} readings of labels")


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


def _label(
    task: TaskSettings, space: str, genotypes: list[Genotype], schedule: Schedule, seed: int, ledger: Ledger
) -> TaskEvidence:
    """Embedding and micro-trained validation metrics of one task, read through the ledger."""
    embed = units.EmbedJob(task, SHAPE, seed)
    embedding = ledger.read(task.title, "training samples", "embed tasks", partial(units.embed, embed))
    values = []
    for genotype in genotypes:
        job = units.TrainJob(task, SHAPE, seed, units.Blueprint(space, genotype), schedule)
        subject = "-".join(map(str, genotype))
        with one_thread():  # networks this small train slower on several
            values.append(ledger.read(task.title, subject, "micro-training", partial(units.micro_train, job)))
    return TaskEvidence(np.array(embedding), np.arange(len(values)), np.array(values), "label")


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
