"""``archlock bench hardware``: the cost model beside its peers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archlock.benches.hardware import (
    SECTIONS,
    SHORT,
    HardwareOptions,
    run_hardware,
    steps_of,
)
from archlock.benches.hardware_files import rows_document, rows_text
from archlock.benches.hardware_ranks import INPUTS
from archlock.benches.hardware_rows import compare_rows
from archlock.benches.hardware_speed import PEERS
from archlock.benches.hardware_views import hardware_document, hardware_text
from archlock.benches.one_proxy import DEVICES
from archlock.benches.one_proxy_table import one_proxy_document
from archlock.cli.progress import RichProgress
from archlock.errors import UsageError

_file = click.Path(path_type=Path)


@click.command("hardware")
@click.option("--rows", type=_file, help="Compare the rows of this file alone: SCALE-Sim's, ZigZag's, or macros'.")
@click.option("--only", "sections", type=click.Choice(SECTIONS), multiple=True, help="This section; repeat for more.")
@click.option("--long", "everything", is_flag=True, help="All sections (some take minutes), and all tasks' ranks.")
@click.option("--reference", type=_file, help="Folder of the peers' rows; beside or in the data folder unless given.")
@click.option("--task", "tasks", type=click.Choice(tuple(INPUTS)), multiple=True,
              help="For the ranks and one-proxy; cifar10 unless given.")  # fmt: skip
@click.option("--data", type=_file, help="Folder of tables; $ARCHLOCK_DATA unless given.")
@click.option("--scalesim-python", type=_file, help="Time SCALE-Sim, too, with the Python of its environment.")
@click.option("--zigzag-python", type=_file, help="Time ZigZag, too, with the Python of its environment.")
@click.option("--networks", type=click.IntRange(1), default=200, show_default=True, help="Of heterogeneity.")
@click.option("--one-proxy", "proxy", type=click.Choice(DEVICES),
              help="Only the one-proxy search, with this device as proxy of every other.")  # fmt: skip
@click.option("--samples", type=click.IntRange(1), default=20, show_default=True,
              help="One-proxy: measured of each target.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), help="Of adaptation (20 unless given) and of one-proxy (10).")
@click.option("--evaluations", type=click.IntRange(0), default=0, show_default=True,
              help="Of NSGA-II in a one-proxy trial; 0 looks at every architecture.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    rows: Path | None, sections: tuple[str, ...], everything: bool, reference: Path | None, tasks: tuple[str, ...],
    data: Path | None, scalesim_python: Path | None, zigzag_python: Path | None, networks: int, proxy: str | None,
    samples: int, seeds: int | None, evaluations: int, as_json: bool,
) -> None:  # fmt: skip
    """Compare the cost model with its peers.

    Sections: rows (SCALE-Sim, ZigZag, published macros), ranks (HW-NAS-Bench, beside multiply-accumulates), speed
    (layers per second), heterogeneity (both units against one), and with --long adaptation (one proxy device to a new
    one, beside AdaProxy and ridge) and one-proxy (a search on the adapted proxy).
    """
    if sum(map(bool, (rows, proxy, sections or everything))) > 1:
        raise UsageError("--rows, --one-proxy and --only or --long are different benches; give one of them")
    if rows is not None:
        figures = compare_rows(rows)
        click.echo(json.dumps(rows_document(figures), indent=1) if as_json else rows_text(figures))
        return
    chosen = SECTIONS if everything else ("one-proxy",) if proxy else sections or SHORT
    options = HardwareOptions(
        sections=tuple(chosen),
        needed=bool(sections or proxy),
        reference=reference,
        data=data,
        tasks=tasks or (tuple(INPUTS) if everything else ("cifar10",)),
        pythons={peer: python for peer, python in zip(PEERS, (scalesim_python, zigzag_python), strict=True) if python},
        networks=networks,
        seeds=seeds,
        proxy=proxy or "pixel3",
        samples=samples,
        evaluations=evaluations,
    )
    with RichProgress() as progress:
        progress.start("hardware", steps_of(options))
        bench = run_hardware(options, progress.advance)
        progress.finish()
    if as_json:
        click.echo(json.dumps(one_proxy_document(bench.one_proxy) if proxy else hardware_document(bench), indent=1))
        return
    click.echo(hardware_text(bench))
