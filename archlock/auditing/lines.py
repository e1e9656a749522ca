"""From the plain results of units of work to the lines of a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scipy.stats import kendalltau

from archlock.auditing.record import Agreement, AttackLine, EstimateLine, LayerTransfer
from archlock.figures import Figure
from archlock.intervals import accuracy_figure
from archlock.scores import Origin


def attack_line(found: Mapping[str, Any], name: str, title: str, seed: int, samples: int, kind: str) -> AttackLine:
    """A result of `archlock.attacks`, by the trial that validation data chose.

    Args:
        found: the result as plain data.
        name: of the attack, or of the reference.
        title: of the target.
        seed: of the attack.
        samples: of the target's test part.
        kind: of the target task.
    """
    best = max(found["trials"], key=lambda trial: trial["validation"])
    return AttackLine(
        attack=name,
        target=title,
        fraction=found["fraction"],
        seed=seed,
        samples=found["samples"],
        learning_rate=best["learning_rate"],
        validation=best["validation"],
        value=metric_figure(best["test"], samples, kind),
        macs=found["cost"]["macs"],
        trainings=found["cost"]["trainings"],
        steps=found["cost"]["steps"],
    )


def metric_figure(value: float, samples: int, kind: str) -> Figure:
    """A test metric, with its interval over samples where it is an accuracy."""
    if kind == "classification":
        return accuracy_figure(value, samples, Origin.ATTACKED)
    return Figure(value=value, origin=Origin.ATTACKED)


def estimate_lines(looks: Mapping[Any, Any]) -> Iterator[EstimateLine]:
    """Every estimate of every quick look; those that could not be had, with the reason."""
    for (_, title), look in looks.items():
        for name, value in look["estimates"].items():
            figure = None if isinstance(value, str) else Figure(value=value, origin=Origin.PROXY)
            yield EstimateLine(
                estimator=name, target=title, figure=figure, reason=value if isinstance(value, str) else ""
            )


def proxy_lines(found: Mapping[Any, Any]) -> Iterator[EstimateLine]:
    """Zero-cost scores with their percentiles."""
    for (_, title), scores in found.items():
        for name, score in scores.items():
            if isinstance(score, str):
                yield EstimateLine(estimator=f"proxy:{name}", target=title, figure=None, reason=score)
                continue
            value, place = score
            figure = Figure(value=value, origin=Origin.PROXY)
            yield EstimateLine(estimator=f"proxy:{name}", target=title, figure=figure, percentile=place)


def layer_lines(found: Mapping[Any, Any]) -> Iterator[LayerTransfer]:
    """What probes on single layers reach."""
    for (_, title), places in found.items():
        for layer, depth, value in places:
            figure = Figure(value=value, origin=Origin.ATTACKED)
            yield LayerTransfer(target=title, layer=layer, depth=depth, value=figure)


def agreements(looks: Mapping[Any, Any], attacks: Sequence[AttackLine]) -> Iterator[Agreement]:
    """Kendall tau, over the targets, of each estimate with the strongest attack at the largest fraction."""
    strongest: dict[str, AttackLine] = {}
    for line in attacks:
        best = strongest.get(line.target)
        if best is None or (line.fraction, line.validation) > (best.fraction, best.validation):
            strongest[line.target] = line
    names = dict.fromkeys(name for look in looks.values() for name in look["estimates"] if name != "all")
    for name in names:
        pairs = [
            (look["estimates"][name], strongest[title].value.value)
            for (_, title), look in looks.items()
            if title in strongest and isinstance(look["estimates"].get(name), float)
        ]
        enough = len(pairs) >= 3 and all(len(set(column)) > 1 for column in zip(*pairs, strict=True))
        tau = float(kendalltau(*zip(*pairs, strict=True)).statistic) if enough else None
        yield Agreement(estimator=name, kendall_tau=tau, targets=len(pairs))
