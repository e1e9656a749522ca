"""What the strongest attack would reach, predicted from a quick look, with an interval whose coverage was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from archlock.auditing.prediction.calibration import Calibration
from archlock.auditing.prediction.ranges import outside
from archlock.auditing.record import PredictedAttack
from archlock.documents import read_yaml, validate
from archlock.figures import Figure
from archlock.scores import FloatArray, Origin

SHIPPED = "calibrations/quick.yaml"


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """The calibration that archlock ships; ``benchmarks/audit_calibration.py`` makes it."""
    path = Path(str(files("archlock.configs") / SHIPPED))
    return validate(Calibration, read_yaml(path, SHIPPED))


def predict_attack(
    target: str, look: Mapping[str, Any], kind: str, about: Mapping[str, float | None], space: str | None
) -> PredictedAttack | None:
    """What the strongest attack would reach on a target; None without calibration for its kind.

    The interval is one of cases like the anchors: where the case lies outside of them, there is none, and the
    prediction says what is unlike them.

    Args:
        target: its title.
        look: what `archlock.auditing.units.quick_look` found on it.
        kind: of the target task.
        about: the model and the target in figures; see `about_case`.
        space: that the model is known to be of; None for any other.
    """
    calibration = shipped_calibration()
    known = calibration.kinds.get(kind)
    inputs = None if known is None else inputs_of(look, known.inputs)
    if known is None or known.coverage is None or inputs is None:
        return None
    value = float(known.predict(inputs[None])[0])
    figures = {**about, **dict(zip(known.inputs, map(float, inputs), strict=True))}
    unlike = (*other_family(space, calibration.spaces), *outside(known.population, figures))
    figure = Figure(value=float(np.clip(value, 0, 1)), origin=Origin.PREDICTED)
    if unlike:
        return PredictedAttack(target=target, figure=figure, coverage=None, cases=0, outside=unlike)
    low, high = (float(np.clip(value + sign * known.half_width, 0, 1)) for sign in (-1, 1))
    figure = figure.model_copy(update={"low": low, "high": high, "level": calibration.level})
    return PredictedAttack(target=target, figure=figure, coverage=known.coverage, cases=known.cases)


def about_case(
    parameters: int, macs: int | None, input_shape: tuple[int, int, int], source: float | None, samples: int, seen: int
) -> dict[str, float | None]:
    """A model and a target in the figures by which a calibration tells whether they are like its anchors.

    Args:
        parameters: of the model.
        macs: multiply-adds of one inference.
        input_shape: (channels, height, width).
        source: the model's metric on the task that it is released for; None where its head cannot be asked.
        samples: of the target's training part.
        seen: how many of them the quick look saw.
    """
    channels, height, width = input_shape
    return {
        "parameters": parameters,
        "multiply-adds": macs,
        "channels": channels,
        "height": height,
        "width": width,
        "source metric": source,
        "target samples": samples,
        "samples seen": seen,
    }


def other_family(space: str | None, spaces: Sequence[str]) -> tuple[str, ...]:
    """What to say of a model whose architecture is not drawn from the spaces that a population was; else nothing.

    Coverage holds for cases drawn as the judged ones were. No range of figures makes a case one of them: a plain
    network of convolutions can be as large as a hybrid one, and nothing was measured of it.

    Args:
        space: that the model is known to be of; None where it came without, such as in a ``.pt2`` file.
        spaces: of the population; none where that is not known, and then no family can be told from another.
    """
    if not spaces or space in spaces:
        return ()
    given = "of no known space" if space is None else f"of the space {space}"
    return (f"architecture {given} ({', '.join(spaces)})",)


def inputs_of(look: Mapping[str, Any], names: Sequence[str]) -> FloatArray | None:
    """A quick look's figures in order, shape (f,); None where one could not be had.

    The probe counts by its validation metric: what is predicted is a test metric, which the look must not have seen.
    """
    values = []
    for name in names:
        others = {"probe": look["probe"][0], "chance": look["chance"]}
        found = others.get(name, look["estimates"].get(name))
        if not isinstance(found, float):
            return None
        values.append(found)
    return np.array(values)
