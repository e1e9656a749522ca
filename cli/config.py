"""``archlock config``: what settings there are."""

from __future__ import annotations

import json

import click

from archlock.config import RunSettings, TableSettings, preset_names
from archlock.documents import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"

command = click.Group("config", help="Settings: schema and presets.")


@command.command("schema")
@click.option("--table", "of", flag_value="table", help="Of a search on a table instead.")
@click.option("--policy", "of", flag_value="policy", help="Of a policy for archlock gate instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as is done anyway.")
def schema(of: str | None, as_json: bool) -> None:
    """Print the JSON Schema of a run's settings, for editors."""
    click.echo(json.dumps({"$schema": DIALECT, **_model(of).model_json_schema()}, indent=1))


def _model(of: str | None) -> type[Document]:
    if of == "policy":
        from archlock.auditing.gating.policy import Policy  # waits for torch, which settings do not

        return Policy
    return TableSettings if of == "table" else RunSettings


@command.command("presets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def presets(as_json: bool) -> None:
    """List the shipped presets."""
    click.echo(json.dumps(preset_names()) if as_json else "\n".join(preset_names()))
