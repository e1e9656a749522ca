"""``archlock export``: a run's models in other formats."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--candidate", metavar="ID", help="A model of the report by its id or role; the locked one by default.")
@click.option(
    "--format", "form", type=click.Choice(("safetensors", "onnx", "pt2")), default="safetensors", show_default=True
)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
def command(run: Path, candidate: str | None, form: str, out: Path) -> None:
    """Write a model of a finished run."""
    from archlock.api import export

    click.echo(str(export(run, out, form, candidate)))
