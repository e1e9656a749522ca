"""``archlock export``: a run's models in other formats."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--candidate", metavar="ID", help="A model of the report by its id or role; the locked one by default.")
@click.option(
    "--format", "form", type=click.Choice(("safetensors", "onnx", "pt2")), default="safetensors", show_default=True
)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(run: Path, candidate: str | None, form: str, out: Path, as_json: bool) -> None:
    """Write a model of a finished run."""
    from archlock.api import export

    written = export(run, out, form, candidate)
    click.echo(json.dumps({"written": str(written), "format": form}) if as_json else str(written))
