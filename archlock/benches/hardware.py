"""``bench hardware``: every figure of the cost model beside its peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archlock.benches.device_adaptation import (
    FILE,
    AdaptationRow,
    adaptation_steps,
    published_latencies,
    run_adaptation,
)
from archlock.benches.hardware_files import (
    REFERENCE_FILES,
    FileSummary,
    reference_folder,
    summarise,
)
from archlock.benches.hardware_macros import MacroErrors, macro_errors
from archlock.benches.hardware_ranks import CONVENTIONS, RankRow, rank_agreement
from archlock.benches.hardware_rows import MACROS, RowFigure, compare_rows, schema_of
from archlock.benches.hardware_speed import Speed, run_speed
from archlock.benches.heterogeneity import SETTINGS, GainRow, run_heterogeneity
from archlock.benches.one_proxy import DEVICES, ProxyTrial, load_ground
from archlock.benches.one_proxy_table import one_proxy_trials
from archlock.errors import UsageError
from archlock.hwcost.units.cim_published import compare_published
from archlock.tables.folder import data_folder
from archlock.tables.published import HARDWARE_FILE

SHORT = ("rows", "ranks", "speed", "heterogeneity")
"""Under a minute of processor time together."""
LONG = ("adaptation", "one-proxy")
"""Minutes each."""
SECTIONS = (*SHORT, *LONG)


@dataclass(frozen=True)
class HardwareOptions:
    """What is compared, and with how much work.

    Attributes:
        sections: out of `SECTIONS`, in that order.
        needed: whether a section whose data are not there is an error; else it is named as left out.
        reference: folder of the peers' rows; None for `reference_folder`.
        data: folder of tables; None for the usual one.
        tasks: networks of the rank agreement; the one-proxy search takes the first.
        pythons: see `run_speed`.
        networks: of heterogeneity.
        seeds: of adaptation, and of each target of the one-proxy search; None for what the bars ask, 20, and for 10.
        proxy, samples, evaluations: see `one_proxy_trials`.
    """

    sections: tuple[str, ...] = SHORT
    needed: bool = False
    reference: Path | None = None
    data: Path | None = None
    tasks: tuple[str, ...] = ("cifar10",)
    pythons: Mapping[str, Path] = field(default_factory=dict)
    networks: int = 200
    seeds: int | None = None
    proxy: str = "pixel3"
    samples: int = 20
    evaluations: int = 0


@dataclass(frozen=True)
class HardwareBench:
    """Everything that was compared; what was not asked for is empty.

    Attributes:
        files, summaries: rows of the peers, and a summary of each file.
        macros: errors of published macros by how their figures come about.
        ranks, speed, gains, adaptation, one_proxy: of the sections.
        missing: files of `REFERENCE_FILES` that were not there.
        left_out: sections whose data were not there, and why.
    """

    files: Mapping[str, Sequence[RowFigure]] = field(default_factory=dict)
    summaries: tuple[FileSummary, ...] = ()
    macros: tuple[MacroErrors, ...] = ()
    ranks: tuple[RankRow, ...] = ()
    speed: Speed | None = None
    gains: tuple[GainRow, ...] = ()
    adaptation: tuple[AdaptationRow, ...] = ()
    one_proxy: tuple[ProxyTrial, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


Advance = Callable[[], None]


def run_hardware(options: HardwareOptions | None = None, advance: Advance = lambda: None) -> HardwareBench:
    """Every figure of the sections beside its peer.

    Args:
        options: what to compare; None for the short sections.
        advance: called after each of `steps_of` steps.

    Raises:
        UsageError: a folder that is not there, or a file that cannot be read.
        TableError: a damaged table, or where it is needed a missing one.
        RunFailedError: a peer that does not run.
    """
    given, bench, left_out = options or HardwareOptions(), HardwareBench(), dict[str, str]()
    for section in (name for name in SECTIONS if name in given.sections):
        reason = _absent(section, given)
        if reason and not given.needed:
            left_out[section] = reason
            continue
        if reason:
            raise UsageError(reason)
        bench = replace(bench, **_RUNS[section](given, advance))
    return replace(bench, left_out=left_out)


def steps_of(options: HardwareOptions) -> int:
    """Steps of `run_hardware`."""
    steps = {
        "rows": len(REFERENCE_FILES),
        "ranks": len(CONVENTIONS) * len(options.tasks),
        "speed": 1 + len(options.pythons),
        "heterogeneity": len(SETTINGS),
        "adaptation": adaptation_steps(),
        "one-proxy": (options.seeds or 10) * (len(DEVICES) - 1),
    }
    return sum(steps[section] for section in options.sections)


def _absent(section: str, options: HardwareOptions) -> str:
    """Why a section cannot be computed; empty where its data are there."""
    if section == "rows":
        folder = options.reference or reference_folder(options.data)
        if folder.is_dir():
            return ""
        reason = f"{folder}: no such folder; give the folder of the reference files with --reference"
        if options.reference:
            raise UsageError(reason)
        return reason
    wanted = {"ranks": HARDWARE_FILE, "one-proxy": HARDWARE_FILE, "adaptation": FILE}.get(section)
    path = None if wanted is None else data_folder(options.data) / wanted
    return "" if path is None or path.is_file() else f"{path}: no such file; give the folder of tables with --data"


def _rows(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    folder = options.reference or reference_folder(options.data)
    files: dict[str, list[RowFigure]] = {}
    summaries: list[FileSummary] = []
    macros: tuple[MacroErrors, ...] = ()
    for name in REFERENCE_FILES:
        path = folder / name
        if path.is_file():
            files[name], schema = compare_rows(path), schema_of(path)
            summaries.append(summarise(name, schema, files[name]))
            macros = macro_errors(compare_published(path)) if schema == MACROS else macros
        advance()
    missing = tuple(name for name in REFERENCE_FILES if name not in files)
    return {"files": files, "summaries": tuple(summaries), "macros": macros, "missing": missing}


def _ranks(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    ranks: list[RankRow] = []
    for task in options.tasks:
        for convention in CONVENTIONS:
            ranks += rank_agreement(task, convention, data=options.data)
            advance()
    return {"ranks": tuple(ranks)}


def _speed(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    return {"speed": run_speed(options.pythons, advance=advance)}


def _gains(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    return {"gains": tuple(run_heterogeneity(options.networks, advance=advance))}


def _adaptation(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    rows = run_adaptation(published_latencies(options.data), options.seeds or 20, advance=advance)
    return {"adaptation": tuple(rows)}


def _one_proxy(options: HardwareOptions, advance: Advance) -> dict[str, Any]:
    ground, seeds = load_ground(options.tasks[0], options.data), options.seeds or 10
    trials = one_proxy_trials(ground, options.proxy, options.samples, seeds, options.evaluations, advance)
    return {"one_proxy": tuple(trials)}


_RUNS: Mapping[str, Callable[[HardwareOptions, Advance], dict[str, Any]]] = {
    "rows": _rows,
    "ranks": _ranks,
    "speed": _speed,
    "heterogeneity": _gains,
    "adaptation": _adaptation,
    "one-proxy": _one_proxy,
}
