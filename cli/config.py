"""``archlock config``: what settings there are."""

from __future__ import annotations

import json

import click

from archlock.config import RunSettings, TableSettings, preset_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"

command = click.Group("config", help="Settings: schema and presets.")


@command.command("schema")
@click.option("--table", is_flag=True, help="Of a search on a table instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as is done anyway.")
def schema(table: bool, as_json: bool) -> None:
    """Print the JSON Schema of a run's settings, for editors."""
    model = TableSettings if table else RunSettings
    click.echo(json.dumps({"$schema": DIALECT, **model.model_json_schema()}, indent=1))


@command.command("presets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def presets(as_json: bool) -> None:
    """List the shipped presets."""
    click.echo(json.dumps(preset_names()) if as_json else "\n".join(preset_names()))
