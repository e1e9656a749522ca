"""Numbers and sentences of the page, as people read them. Nothing here draws and nothing here computes a result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from archlock.figures import Figure
from archlock.report.record import RunRecord, Summary
from archlock.scores import Origin
from archlock.strict_yaml import to_yaml

NARROW = "\u202f"
FIXED = "\u00a0"
"""Spaces that no line breaks at, thin and full."""
MINUS = "\u2212"
SI_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
UNIT_SYMBOLS = {"latency_s": "s", "energy_j": "J"}
ORIGIN_MEANINGS = {
    Origin.TABLE: "looked up in a table of networks that others trained",
    Origin.PROXY: "a zero-cost score of an untrained network",
    Origin.PREDICTED: "an estimate of the fitted predictor; nothing was trained",
    Origin.MICRO_TRAINED: "measured after a short training on a part of the data",
    Origin.TRAINED: "measured after full training",
    Origin.ATTACKED: "measured after an attack on the trained network",
    Origin.MODELLED: "computed by the hardware model; no device was measured",
}


def plain(value: float, digits: int = 3) -> str:
    """A number with so many decimals and a true minus sign; very large ones in powers of ten."""
    text = f"{value:.{digits}f}" if abs(value) < 1e4 else f"{value:.2e}"
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A difference: always with its sign, unless it rounds to zero."""
    text = plain(value, digits)
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"


def points(value: float) -> str:
    """A difference of two metrics in points, hundredths of the metric; always with its sign."""
    return signed(100 * value, 1)


def percent(value: float, digits: int = 1) -> str:
    """A share as per cent."""
    return f"{plain(100 * value, digits)}{NARROW}%"


def whole(value: int) -> str:
    """A count with its thousands set apart."""
    return f"{value:,}".replace(",", NARROW).replace("-", MINUS)


def si_exponent(value: float) -> int:
    """The power of ten of the SI prefix that suits a value."""
    if value == 0:
        return 0
    return min(max(3 * math.floor(math.log10(abs(value)) / 3), min(SI_PREFIXES)), max(SI_PREFIXES))


def si(value: float, unit: str) -> str:
    """Three significant digits with an SI prefix, such as ``1.25 ms``."""
    rounded = float(f"{value:.2e}")
    exponent = si_exponent(rounded)
    text = f"{rounded / 10.0**exponent:.3g}"
    return f"{text.replace('-', MINUS)}{NARROW}{SI_PREFIXES[exponent]}{unit}"


def quantity(figure: Figure) -> str:
    """The value of a figure with its unit: seconds and joules with SI prefixes, metrics with three decimals."""
    return amount(figure.value, figure.unit)


def amount(value: float, unit: str) -> str:
    """A value in a unit; an empty unit is a metric or a score."""
    if unit in ("s", "J"):
        return si(value, unit)
    return f"{plain(value)}{NARROW}{unit}" if unit else plain(value)


def interval(figure: Figure, style: str = "plain") -> str:
    """``95 % interval 0.91 to 0.95``, or nothing where no interval was computed.

    Args:
        figure: the figure.
        style: ``plain``, ``points`` or ``percent``.
    """
    if figure.low is None or figure.high is None:
        return ""
    low, high = (STYLES[style](value, figure.unit) for value in (figure.low, figure.high))
    level = f"{percent(figure.level, 0)} " if figure.level is not None else ""
    return f"{level}interval {low}{FIXED}to{FIXED}{high}"


def _percent_of(value: float, unit: str) -> str:
    return percent(value)


def _points_of(value: float, unit: str) -> str:
    return points(value)


STYLES: dict[str, Callable[[float, str], str]] = {"plain": amount, "points": _points_of, "percent": _percent_of}
"""How the ends of an interval are written."""


def shorten(text: str, length: int) -> str:
    """At most so many characters, the loss marked."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def yaml_text(values: Mapping[str, object]) -> str:
    """Settings as YAML, in their own order."""
    return to_yaml(dict(values)).rstrip()


def summary_sentence(summary: Summary) -> str:
    """What the attacks reached, with and without surgery in one sentence."""
    fall, locked, twin = summary.relative_fall, summary.locked_advantage, summary.twin_advantage
    return (
        f"With {percent(summary.fraction, 0)} of the target's training data, mean over {_targets(summary.targets)}: "
        f"before surgery, the relative fall of the strongest attack on the locked model against the twin is "
        f"{percent(fall.value)}{_bracketed(fall, 'percent')}; with surgery, the transfer advantage is "
        f"{points(locked.value)} points{_bracketed(locked, 'points')} for the locked model and "
        f"{points(twin.value)} points{_bracketed(twin, 'points')} for the twin; noise floor: the "
        f"finite test parts alone give a difference of two such means a standard error of "
        f"{100 * summary.noise_floor:.1f} points."
    )


def _targets(count: int) -> str:
    return "1 held-out target" if count == 1 else f"{count} held-out targets"


def _bracketed(figure: Figure, style: str) -> str:
    text = interval(figure, style)
    return f" ({text})" if text else ""


def meanings(record: RunRecord) -> tuple[str, ...]:
    """What the result means, in plain language, from the largest data fraction."""
    summary = max(record.summaries, key=lambda each: each.fraction, default=None)
    said = [_advantage_meaning(summary), _fall_meaning(summary)] if summary else []
    helped = sorted({row.target for row in record.targets if row.locked_advantage > 0})
    if helped and summary and summary.locked_advantage.value <= 0:
        said.append(f"It did help on {', '.join(helped)}, at one data fraction at least.")
    bound = "within" if record.within_tolerance else "not within"
    said.append(
        f"On its own task, {record.source_task}, the locked model is {bound} the stated tolerance of "
        f"{plain(record.source_tolerance)} {record.source_metric} of the source-only winner, on validation data."
    )
    if not record.twin_matched:
        said.append(
            "The twin is not within 10 % of the locked model in parameters and FLOPs: "
            "part of every difference between the two may be size."
        )
    return tuple(said)


def _advantage_meaning(summary: Summary) -> str:
    figure = summary.locked_advantage
    if figure.value > 0:
        return (
            f"Having the released model helps: with surgery a thief ends {plain(100 * figure.value, 1)} points above "
            "the best public network trained from scratch on the same data and budget."
        )
    if figure.high is not None and figure.high > 0:
        return (
            "On the mean, having the released model did not help the attacker; the interval reaches above zero, so "
            "some help cannot be ruled out."
        )
    return (
        "On the mean over held-out targets, having the released model did not help the attacker: with surgery, the "
        "strongest attack ended no higher than a public network trained from scratch on the same data and budget."
    )


def _fall_meaning(summary: Summary) -> str:
    less = summary.locked_advantage.value < summary.twin_advantage.value
    return (
        "After surgery, the locked model gives a thief less than its unlocked twin does."
        if less
        else "After surgery, the locked model gives a thief no less than its unlocked twin does: the lock did not last."
    )


def non_meanings(record: RunRecord) -> tuple[str, ...]:
    """What the result does not mean."""
    said = [
        "It is not a proof. The model was not broken, or was broken only so far, by the attacks that were run, at "
        "their budgets, on the targets named below.",
        "Latency and energy are modelled from a hardware profile; no chip was measured.",
    ]
    if record.attacks_not_run:
        said.insert(1, f"Not run, and so not excluded: {', '.join(record.attacks_not_run)}.")
    return tuple(said)
