"""Adaptation of proxy devices to a new one, beside AdaProxy, ridge without a proxy and the unadapted proxy.

On OneProxy's table of NAS-Bench-201 latencies (Lu et al., SIGMETRICS 2022) every device but the proxy is a target in
turn. Figures are means over targets and seeds of Spearman on the architectures that were not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from archlock.hwcost.devices import Adapter, LatencyTable, Method, Trial, adapt, load_table
from archlock.scores import Score
from archlock.tables.errors import TableError
from archlock.tables.folder import data_folder

FILE = Path("oneproxy_latency", "oneproxy_nb201.npz")
PROXIES = ("true_a76", "true_vpu", "rice_pixel3")
"""Single proxies: Cortex-A76, Myriad VPU, Pixel 3."""
METHODS: tuple[Method, ...] = ("gaussian", "adaproxy", "ridge")
SAMPLES = (10, 20, 40, 60)
SEVERAL = "all others"
BARS: Mapping[str, Mapping[int, float]] = {
    "one": {10: 0.88, 20: 0.92, 40: 0.945, 60: 0.955},
    "several": {10: 0.935, 20: 0.95},
}
"""What ours shall reach with n measurements: from the best single proxy, and from several."""


@dataclass(frozen=True)
class AdaptationRow:
    """One proxy, one method, one number of measurements.

    Attributes:
        proxy: its name, or `SEVERAL` for all devices but the target.
        method: ``gaussian`` is ours; ``adaproxy`` and ``ridge`` are the peers.
        samples: measurements of each target.
        targets, seeds: over which the means go.
        before, after: mean Spearman of the unadapted proxy and of the adapted one.
        below: targets whose mean over seeds falls below the unadapted proxy's.
        trials_below: share of single trials that do.
    """

    proxy: str
    method: str
    samples: int
    targets: int
    seeds: int
    before: float
    after: float
    below: int
    trials_below: float


@dataclass(frozen=True)
class AdaptationBar:
    """A bar and what meets it.

    Attributes:
        proxies: ``one`` or ``several``.
        samples: measurements of each target.
        asked: mean Spearman.
        reached: ours, from the best of the single proxies or from several.
        proxy: which.
        met: ``reached`` is at least ``asked``.
    """

    proxies: str
    samples: int
    asked: float
    reached: float
    proxy: str
    met: bool


def published_latencies(data: Path | None = None) -> LatencyTable:
    """OneProxy's latency table in the data folder.

    Raises:
        TableError: it is not there.
    """
    path = data_folder(data) / FILE
    if not path.is_file():
        raise TableError(f"{path}: no such file; give the folder of tables with --data")
    return load_table(path)


def run_adaptation(
    table: LatencyTable,
    seeds: int = 20,
    samples: Sequence[int] = SAMPLES,
    proxies: Sequence[str] = PROXIES,
    methods: Sequence[Method] = METHODS,
    advance: Callable[[], None] = lambda: None,
) -> list[AdaptationRow]:
    """Every proxy with every method, then ours from all other devices.

    Args:
        table: latencies with an encoding.
        seeds: how many, from 0 on.
        samples: numbers of measurements.
        proxies: devices of the table.
        methods: for single proxies.
        advance: called after each row; see `adaptation_steps`.

    Raises:
        UsageError: no such device, or a number of measurements that the table does not have.
    """
    rows = []
    for proxy, method, count in _work(samples, proxies, methods):
        groups = _groups(table, proxy)
        trials = adaptation_trials(table, groups, method, count, seeds)
        rows.append(_row(proxy, method, count, trials))
        advance()
    return rows


def adaptation_steps(
    samples: Sequence[int] = SAMPLES, proxies: Sequence[str] = PROXIES, methods: Sequence[Method] = METHODS
) -> int:
    """Rows of `run_adaptation`."""
    return len(list(_work(samples, proxies, methods)))


def _work(
    samples: Sequence[int], proxies: Sequence[str], methods: Sequence[Method]
) -> Iterator[tuple[str, Method, int]]:
    for proxy in proxies:
        for method in methods:
            for count in samples:
                yield proxy, method, count
    for count in samples:
        if count in BARS["several"]:
            yield SEVERAL, "gaussian", count


def _groups(table: LatencyTable, proxy: str) -> list[tuple[str, ...]]:
    if proxy != SEVERAL:
        return [(proxy,)]
    return [tuple(device for device in table.devices if device != target) for target in table.devices]


def adaptation_trials(
    table: LatencyTable,
    groups: Sequence[Sequence[str]],
    method: Method,
    samples: int,
    seeds: int,
    with_coverage: bool = False,
) -> list[list[Trial]]:
    """Trials of every target, one list of seeds each; each group of proxies meets all devices that it lacks."""
    found = []
    for group in groups:
        adapter = Adapter.of(table, group)
        for target in (device for device in table.devices if device not in group):
            found.append(
                [
                    adapt(adapter, target, samples, seed, method=method, with_coverage=with_coverage)
                    for seed in range(seeds)
                ]
            )
    return found


def _row(proxy: str, method: str, samples: int, trials: Sequence[Sequence[Trial]]) -> AdaptationRow:
    before, after = (
        [mean_score([getattr(trial, name) for trial in target]) for target in trials] for name in ("before", "after")
    )
    return AdaptationRow(
        proxy,
        method,
        samples,
        len(trials),
        len(trials[0]),
        float(np.mean(before)),
        float(np.mean(after)),
        sum(one < other for one, other in zip(after, before, strict=True)),
        float(np.mean([trial.is_below() for target in trials for trial in target])),
    )


def mean_score(scores: Sequence[object]) -> float:
    """Mean of the scores that there are; a ranking that could not be had counts as none, 0."""
    return float(np.mean([score.value if isinstance(score, Score) else 0.0 for score in scores]))


def adaptation_bars(rows: Sequence[AdaptationRow]) -> tuple[AdaptationBar, ...]:
    """Every bar that some row is about."""
    found = []
    for proxies, asked in BARS.items():
        for samples, bar in asked.items():
            several = proxies == "several"
            own = [row for row in rows if row.method == "gaussian" and (row.proxy == SEVERAL) == several]
            ours = [row for row in own if row.samples == samples]
            if ours:
                best = max(ours, key=lambda row: row.after)
                found.append(AdaptationBar(proxies, samples, bar, best.after, best.proxy, best.after >= bar))
    return tuple(found)


def adaptation_document(rows: Sequence[AdaptationRow]) -> dict[str, object]:
    """What ``--json`` prints."""
    return {"rows": [asdict(row) for row in rows], "bars": [asdict(bar) for bar in adaptation_bars(rows)]}


def adaptation_text(rows: Sequence[AdaptationRow]) -> str:
    """A line for each proxy and method, the numbers of measurements side by side; then the bars."""
    counts = sorted({row.samples for row in rows})
    head = f"{'proxy':<12} {'method':<10} {'unadapted':>9}" + "".join(f"{f'n = {count}':>10}" for count in counts)
    lines = [f"{head}  targets below the unadapted proxy"]
    for proxy, method in dict.fromkeys((row.proxy, row.method) for row in rows):
        own = {row.samples: row for row in rows if (row.proxy, row.method) == (proxy, method)}
        first = next(iter(own.values()))
        cells = "".join(f"{own[count].after:>10.4f}" if count in own else f"{'-':>10}" for count in counts)
        below = ", ".join(str(own[count].below) for count in counts if count in own)
        lines.append(f"{proxy:<12} {method:<10} {first.before:>9.4f}{cells}  {below} of {first.targets}")
    for bar in adaptation_bars(rows):
        lines.append(
            f"bar from {bar.proxies}, n = {bar.samples}: {bar.asked:g}, reached {bar.reached:.4f} from {bar.proxy}: "
            f"{'met' if bar.met else 'missed'}"
        )
    return "\n".join(lines)
