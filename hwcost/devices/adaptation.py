"""What ``hw adapt`` tells: Spearman before and after, the mean over seeds and each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.hwcost.devices.adapter import Adapter
from archlock.hwcost.devices.guard import COVERAGE
from archlock.hwcost.devices.trials import Trial
from archlock.scores import Score, ScoreFailed


@dataclass(frozen=True)
class Adaptation:
    """Trials of one target.

    Attributes:
        table, proxies, target, method: what was adapted, and how.
        samples: measurements of the target in each trial.
        architectures: measured on the target and on a proxy.
        trials: one per seed.
        failed: failed measurements of the devices that take part.
    """

    table: str
    proxies: tuple[str, ...]
    target: str
    method: str
    samples: int
    architectures: int
    trials: tuple[Trial, ...]
    failed: dict[str, int]

    @classmethod
    def of(cls, adapter: Adapter, target: str, method: str, samples: int, trials: Sequence[Trial]) -> Adaptation:
        """Gather the trials of one target."""
        devices = (*adapter.proxies, target)
        failed = {device: count for device, count in adapter.table.failed().items() if device in devices}
        count = len(adapter.rows(target))
        return cls(adapter.table.name, adapter.proxies, target, method, samples, count, tuple(trials), failed)

    def as_dict(self) -> dict[str, object]:
        """For JSON; a score that could not be had is null, with its reason under ``failed``."""
        before, after = [t.before for t in self.trials], [t.after for t in self.trials]
        return {
            "table": self.table,
            "proxies": list(self.proxies),
            "target": self.target,
            "method": self.method,
            "samples": self.samples,
            "seeds": [trial.seed for trial in self.trials],
            "architectures": self.architectures,
            "held_out": self.trials[0].held_out,
            "spearman_before": _mean(before),
            "spearman_after": _mean(after),
            "before": [_value(score) for score in before],
            "after": [_value(score) for score in after],
            "below_unadapted": sum(trial.is_below() for trial in self.trials),
            f"coverage_{100 * COVERAGE:.0f}": _mean([t.covered for t in self.trials]),
            "measured_rows": [list(trial.measured_rows) for trial in self.trials],
            "failed_measurements": self.failed,
            "failed": sorted({score.reason for score in (*before, *after) if isinstance(score, ScoreFailed)}),
        }

    def as_text(self) -> str:
        """For the terminal."""
        before, after = (_mean([getattr(trial, name) for trial in self.trials]) for name in ("before", "after"))
        lines = [
            f"{self.target} from {', '.join(self.proxies)}, {self.method}: {self.samples} measured, "
            f"{self.trials[0].held_out} held out",
            f"{'seed':<6}{'before':>8}{'after':>8}",
            *(f"{trial.seed:<6}{_shown(trial.before):>8}{_shown(trial.after):>8}" for trial in self.trials),
            f"{'mean':<6}{_text(before):>8}{_text(after):>8}",
        ]
        covered = _mean([trial.covered for trial in self.trials])
        if covered is not None:
            lines.append(f"held-out latencies inside their {COVERAGE:.0%} interval: {covered:.1%}")
        lines += [f"– {said}" for said in self._reasons()]
        if self.failed:
            counts = ", ".join(f"{device} {count}" for device, count in self.failed.items())
            lines.append(f"failed measurements, left out: {counts}")
        return "\n".join(lines)

    def _reasons(self) -> Iterator[str]:
        """Why scores could not be had, each reason once with the seeds that it holds for."""
        for name in ("before", "after"):
            seeds: dict[str, list[int]] = {}
            for trial in self.trials:
                score = getattr(trial, name)
                if isinstance(score, ScoreFailed):
                    seeds.setdefault(score.reason, []).append(trial.seed)
            for reason, own in seeds.items():
                which = "every seed" if len(own) == len(self.trials) else f"seed {', '.join(map(str, own))}"
                yield f"{name}, {which}: {reason}"


def _value(score: Score | ScoreFailed) -> float | None:
    return round(score.value, 6) if isinstance(score, Score) else None


def _mean(scores: Sequence[Score | ScoreFailed]) -> float | None:
    values = [score.value for score in scores if isinstance(score, Score)]
    return round(float(np.mean(values)), 6) if values else None


def _shown(score: Score | ScoreFailed) -> str:
    return _text(_value(score))


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
