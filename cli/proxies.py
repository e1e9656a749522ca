"""``archlock proxies``: which zero-cost proxies there are, and the scores of one architecture on one task."""

from __future__ import annotations

import json

import click
import torch

from archlock.errors import SpaceError
from archlock.proxies import PROXIES, score_network
from archlock.scores import Score, ScoreFailed
from archlock.seeding import derive_seed, torch_generator
from archlock.spaces.registry import load_space
from archlock.spaces.text import parse_genotype
from archlock.tasks.registry import load_task

command = click.Group("proxies", help="Zero-cost scores of untrained networks.")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_proxies(as_json: bool) -> None:
    """List the proxies: direction, needs, families they are valid for, source."""
    rows = [
        {
            "name": proxy.name,
            "better": proxy.better,
            "needs": sorted(proxy.needs),
            "valid_for": sorted(proxy.valid_for),
            "unit": proxy.unit,
            "source": proxy.source,
            "description": proxy.description,
        }
        for proxy in PROXIES.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, PROXIES))
    for proxy in PROXIES.values():
        needs = ", ".join(sorted(proxy.needs)) or "nothing"
        click.echo(f"{proxy.name:<{width}}  {proxy.description} ({proxy.better} is better)")
        click.echo(f"{'':<{width}}  needs {needs}; valid for {', '.join(sorted(proxy.valid_for))}; {proxy.source}")


@command.command("score")
@click.argument("architecture", metavar="SPACE:GENOTYPE")
@click.option("--task", "task_name", required=True, help="Task whose training samples are the batch.")
@click.option("--batch", type=click.IntRange(2), default=32, show_default=True, help="Samples in the batch.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the weights and the batch.")
@click.option("--proxy", "names", multiple=True, help="Only this proxy; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(architecture: str, task_name: str, batch: int, seed: int, names: tuple[str, ...], as_json: bool) -> None:
    """Score one untrained network, such as hybrid:0-3-1-2, on a random batch of a task."""
    space_name, colon, text = architecture.partition(":")
    if not colon:
        raise SpaceError(f"{architecture!r}: expected SPACE:GENOTYPE, such as hybrid:0-3-1-2")
    space = load_space(space_name)
    genotype = parse_genotype(space, text)
    task = load_task(task_name)
    torch.manual_seed(derive_seed(seed, "proxies", "weights"))
    network = space.build(genotype, task.io)
    order = torch.randperm(len(task.train), generator=torch_generator(seed, "proxies", "batch"))
    samples = task.train.take(order[:batch])
    scores = score_network(network, samples.inputs, samples.targets, task.loss, names or None)
    if as_json:
        shown = {name: _as_dict(score) for name, score in scores.items()}
        facts = {"architecture": architecture, "task": task.name, "batch": len(samples), "seed": seed}
        click.echo(json.dumps(facts | {"scores": shown}, indent=2))
        return
    width = max(map(len, scores))
    for name, result in scores.items():
        click.echo(f"{name:<{width}}  {_as_text(result)}")


def _as_dict(score: Score | ScoreFailed) -> dict[str, str | float]:
    if isinstance(score, ScoreFailed):
        return {"failed": score.reason}
    return {"value": score.value, "unit": score.unit, "better": score.better, "origin": "proxy"}


def _as_text(score: Score | ScoreFailed) -> str:
    return f"failed: {score.reason}" if isinstance(score, ScoreFailed) else f"{score.value:.6g} {score.unit}".rstrip()
