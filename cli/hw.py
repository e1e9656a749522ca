"""``archlock hw``: what a network costs on an edge system, and where the time and energy go."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archlock.cli.hw_codesign import codesign_command
from archlock.cli.hw_devices import adapt_command, monotonicity_command, plan_command, predict_command
from archlock.cli.hw_shapes import sizes
from archlock.errors import UsageError
from archlock.hwcost import OBJECTIVES, SCHEMAS, estimate, hardware_names, load_hardware
from archlock.hwcost.comparison import compare
from archlock.loading.workloads import workload_of
from archlock.report.hardware_compare_page import render_comparison
from archlock.report.hardware_page import render_estimate
from archlock.report.hardware_text import compare_text, estimate_text, macros_needed, remarks, table

command = click.Group("hw", help="Modelled latency and energy on NPU and compute-in-memory systems.")

_input = click.option(
    "--input", "shape", help="CHANNELSxHEIGHTxWIDTH; 3x16x16 for a genotype, else what the model says."
)
_outputs = click.option("--outputs", type=click.IntRange(1), default=10, show_default=True, help="Classes.")
_weights = click.option("--weights", type=click.Path(path_type=Path), help="Weights of a factory: safetensors.")
_schema = click.option("--schema", type=click.Choice(SCHEMAS), default="sequential", show_default=True)
_schemas = click.option("--schema", "schemas", type=click.Choice(SCHEMAS), multiple=True, default=("sequential",),
                        show_default=True, help="Repeat to compare.")  # fmt: skip
_objective = click.option("--objective", type=click.Choice(OBJECTIVES), default="latency", show_default=True)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_html = click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page here too.")
WHAT = "MODEL|SPACE:GENOTYPE"


@command.command("estimate")
@click.argument("network", metavar=WHAT)
@click.option("--hardware", default="edge-npu-cim", show_default=True, help="Profile name or YAML file.")
@_schema
@_objective
@_input
@_outputs
@_weights
@_json
@_html
def estimate_command(
    network: str,
    hardware: str,
    schema: str,
    objective: str,
    shape: str | None,
    outputs: int,
    weights: Path | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Estimate one network, layer by layer.

    MODEL is an exported program (.pt2), an ONNX file, a model's folder, or package.module:function; a genotype is
    written as hybrid:random@3.
    """
    system = load_hardware(hardware)
    found = workload_of(network, weights=weights, input_shape=sizes(shape), outputs=outputs)
    cost = estimate(found.workload, system, schema, objective)
    if page:
        _write(page, render_estimate(found.name, found.workload, system, cost, found.notes))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        needed = None if system.cim is None else macros_needed(found.workload, system.cim)
        head = {"network": found.name, "macs": found.workload.macs, "macros_for_all_weights": needed}
        said = remarks(found.workload, system, cost)
        click.echo(json.dumps({**head, **cost.as_dict(), "remarks": said}, indent=2))
        return
    click.echo(f"{found.name}: {found.workload.macs:,} MACs, {found.workload.weight_bytes:,} weight bytes at int8")
    click.echo(estimate_text(found.workload, system, cost))


@command.command("compare")
@click.argument("network", metavar=WHAT)
@click.option("--hardware", "profiles", multiple=True, required=True, help="Profile name or YAML file; repeat.")
@_schemas
@_objective
@_input
@_outputs
@_weights
@_json
@_html
def compare_command(
    network: str,
    profiles: tuple[str, ...],
    schemas: tuple[str, ...],
    objective: str,
    shape: str | None,
    outputs: int,
    weights: Path | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Estimate one network on several systems, under several schemas, side by side.

    With the default schema, a system of one unit runs on that unit. A pair that cannot run the network says why; only
    where no pair can, the command fails.
    """
    systems = [load_hardware(profile) for profile in profiles]
    found = workload_of(network, weights=weights, input_shape=sizes(shape), outputs=outputs)
    pairs = compare(found.workload, systems, schemas, objective)
    if page:
        _write(page, render_comparison(found.name, found.workload, pairs, objective, found.notes))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        costs = [pair.cost.as_dict() for pair in pairs if pair.cost]
        impossible = [pair.as_dict() for pair in pairs if not pair.cost]
        click.echo(json.dumps({"network": found.name, "costs": costs, "impossible": impossible}, indent=2))
        return
    click.echo(f"{found.name}: {found.workload.macs:,} MACs")
    click.echo(compare_text(pairs))


@command.command("list")
@_json
def list_command(as_json: bool) -> None:
    """List the hardware profiles that archlock ships."""
    profiles = [(name, load_hardware(name).note) for name in hardware_names()]
    if as_json:
        click.echo(json.dumps([{"name": name, "note": note} for name, note in profiles], indent=2))
        return
    click.echo(table(("profile", "note"), profiles))


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{page}: cannot be written: {error.strerror}") from None


for _command in (codesign_command, monotonicity_command, adapt_command, plan_command, predict_command):
    command.add_command(_command)
