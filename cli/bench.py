"""``archlock bench``: measurements against published tables, each beside its baselines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import click

from archlock.benches.engine import TABLES, engine_document, engine_text, engine_trials, run_engines
from archlock.benches.kept_records import KeptRecords
from archlock.benches.lock import LockBench, trials
from archlock.benches.lock_report import report_document, report_text
from archlock.benches.predictor import predictor_trials, run_predictors
from archlock.benches.predictor_table import predictor_document, predictor_text
from archlock.benches.predictors import PREDICTORS
from archlock.benches.proxies import ProxyBenchOptions, run
from archlock.benches.proxy_table import proxy_document, proxy_text
from archlock.benches.record import LockRecord, check_writable
from archlock.benches.setting import TableChoice, open_setting
from archlock.benches.thresholds import read_thresholds
from archlock.benches.variants import variants
from archlock.cli.bench_hardware import command as hardware
from archlock.cli.progress import RichProgress
from archlock.executors import Executor, make_executor
from archlock.locking.tabular.label_budgets import parse_labels
from archlock.locking.tabular.problem import ABLATIONS
from archlock.locking.tabular.protocol import Rules
from archlock.locking.tabular.registry import method_names

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")
Runner = Callable[[Sequence[WorkT], Executor], Iterator[tuple[int, ResultT]]]

command = click.Group("bench", help="Measurements against published tables, beside their baselines.")
command.add_command(hardware)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_workers = click.option(
    "--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Processes."
)
_data = click.option("--data", type=click.Path(path_type=Path), help="Folder of tables; $ARCHLOCK_DATA unless given.")


@command.command("lock")
@click.option("--space", default="", help="nasbench201, nasbench360, transnas_micro or transnas_macro.")
@click.option("--table", "file", type=click.Path(path_type=Path), help="A table of your own, see docs/tables.md.")
@click.option("--mode", type=click.Choice(["known", "unknown", "paper"]), required=True, help="What may be labelled.")
@click.option("--robust", is_flag=True, help="Judge a class by the best that one edit makes of it.")
@click.option("--labels", default="128", show_default=True, help="Per readable task, or cifar10=64,ninapro=128.")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="How many, from --first-seed on.")
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True, help="The first seed.")
@click.option("--tasks", default="", help="Tasks in play, such as cifar10,darcy; all of the table unless given.")
@click.option("--thresholds", type=click.Path(path_type=Path), help='JSON of raw source values: {"cifar10": 93.2}.')
@click.option("--valid", is_flag=True, help="Buy validation values, judge test values.")
@click.option("--method", default="", help=f"{', '.join(method_names())}; the mode's own unless given.")
@click.option("--ablate", type=click.Choice(ABLATIONS), multiple=True, help="Replace a part by random choices.")
@click.option("--variants", "beside", is_flag=True, help="Run valid-to-test and every ablation beside it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON lines; goes on with what is in it.")
@_data
@_workers
@_json
def lock(
    space: str, file: Path | None, mode: str, robust: bool, labels: str, seeds: int, first_seed: int, tasks: str,
    thresholds: Path | None, valid: bool, method: str, ablate: tuple[str, ...], beside: bool, out: Path,
    data: Path | None, workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Search locks on every pair of tasks of a table, and judge them by its truth."""
    rules = Rules.of(mode, parse_labels(labels), robust, valid, ablate)
    choice = TableChoice.of(space, file, tasks, data)
    given = read_thresholds(thresholds) if thresholds else {}
    bench = LockBench(choice, rules, tuple(range(first_seed, first_seed + seeds)), given, method)
    check_writable(out)
    records = _run(bench, out, workers)
    others = {name: _run(one, out.with_suffix(f".{name}.jsonl"), workers) for name, one in _beside(bench, beside)}
    setting = open_setting(choice)
    click.echo(
        json.dumps(report_document(records, others, setting), indent=1)
        if as_json
        else report_text(records, others, setting)
    )


def _beside(bench: LockBench, wanted: bool) -> Sequence[tuple[str, LockBench]]:
    return list(variants(bench).items()) if wanted else []


def _run(bench: LockBench, out: Path, workers: int) -> list[LockRecord]:
    """Run the trials that the file has no record of."""
    kept = KeptRecords(out, trials(bench))
    _gather(out.name, kept.missing, kept.run, workers)
    return kept.finish()


def _gather(title: str, work: Sequence[WorkT], run: Runner[WorkT, ResultT], workers: int) -> list[ResultT]:
    """Results in the order of the work, with a bar on stderr."""
    found: dict[int, ResultT] = {}
    kind = "serial" if workers == 1 or len(work) <= 1 else "processes"
    with RichProgress() as progress, make_executor(kind, workers) as executor:
        progress.start(title, len(work))
        for position, result in run(work, executor):
            found[position] = result
            progress.advance()
        progress.finish()
    return [found[position] for position in range(len(work))]


@command.command("engine")
@click.option("--space", "spaces", multiple=True, help="A table; may be given again; all of them unless given.")
@click.option("--tasks", default="", help="Tasks, with one --space; all of its table unless given.")
@click.option("--engine", "engines", multiple=True, help="Only this engine; may be given again.")
@click.option("--evaluations", type=click.IntRange(1), default=200, show_default=True, help="Labels of each search.")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="How many, from 0 on.")
@_data
@_workers
@_json
def engine(
    spaces: tuple[str, ...], tasks: str, engines: tuple[str, ...], evaluations: int, seeds: int, data: Path | None,
    workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Search the best architecture with every engine on every tabulated task: mean rank and worst case."""
    choices = [TableChoice.of(name, None, tasks, data) for name in spaces or TABLES]
    work = engine_trials(choices, evaluations, range(seeds), engines)
    results = _gather("engines", work, run_engines, workers)
    click.echo(json.dumps(engine_document(results), indent=1) if as_json else engine_text(results))


@command.command("predictor")
@click.option("--space", default="", help="nasbench201, nasbench360, transnas_micro or transnas_macro.")
@click.option("--table", "file", type=click.Path(path_type=Path), help="A table of your own, see docs/tables.md.")
@click.option("--tasks", default="", help="Tasks in play; all of the table unless given.")
@click.option("--predictor", "predictors", multiple=True, help="Only this predictor; may be given again.")
@click.option("--labels", type=click.IntRange(2), default=128, show_default=True, help="Uniform labels per task.")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="How many, from 0 on.")
@_data
@_workers
@_json
def predictor(
    space: str, file: Path | None, tasks: str, predictors: tuple[str, ...], labels: int, seeds: int,
    data: Path | None, workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Predict the classes that were never labelled: Kendall tau, and Spearman of the contrast of two tasks."""
    choice = TableChoice.of(space, file, tasks, data)
    work = predictor_trials(choice, predictors or tuple(PREDICTORS), labels, range(seeds))
    results = _gather("predictors", work, run_predictors, workers)
    click.echo(json.dumps(predictor_document(results), indent=1) if as_json else predictor_text(results, labels))


@command.command("proxies")
@click.option("--cells", type=click.IntRange(3), default=300, show_default=True, help="Cells of NAS-Bench-201.")
@click.option("--batch", type=click.IntRange(2), default=64, show_default=True, help="Pictures in the batch.")
@click.option("--proxy", "names", multiple=True, help="Only this proxy; may be given again.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of cells, pictures and weights.")
@click.option("--kept", type=click.Path(path_type=Path), help="File that scores are kept in, to go on after a stop.")
@_data
@_json
def proxies(
    cells: int, batch: int, names: tuple[str, ...], seed: int, kept: Path | None, data: Path | None, as_json: bool
) -> None:
    """Score NAS-Bench-201 cells with our proxies, beside the published scores and true accuracy."""
    with RichProgress() as progress:
        progress.start("proxies", cells)
        shown = [0]

        def tell(done: int) -> None:
            progress.advance(done - shown[0])
            shown[0] = done

        bench = run(ProxyBenchOptions(data, cells, batch, seed, names, kept, tell))
        progress.finish()
    click.echo(json.dumps(proxy_document(bench), indent=1) if as_json else proxy_text(bench))
