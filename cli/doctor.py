"""``archlock doctor``: whether this installation can do its work."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec

import click

EXTRAS = {"onnx": ("onnx", "onnxscript"), "probe": ("timm",)}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Print versions, processors, extras and presets, and build and trace one network."""
    from archlock.api import self_check, versions
    from archlock.config import preset_names

    extras = {extra: all(find_spec(package) for package in packages) for extra, packages in EXTRAS.items()}
    found, checked, presets = versions(), self_check(), preset_names()
    facts = {"versions": found, "processors": os.cpu_count(), "extras": extras, "presets": presets}
    if as_json:
        click.echo(json.dumps(facts | {"self_check": checked}, indent=1))
        return
    for package, number in found.items():
        click.echo(f"{package:<14}{number}")
    click.echo(f"{'processors':<14}{os.cpu_count()}")
    for extra, present in extras.items():
        click.echo(
            f"{'extra ' + extra:<14}{'installed' if present else f'not installed: pip install archlock[{extra}]'}"
        )
    click.echo(f"{'presets':<14}{', '.join(presets)}")
    click.echo(f"{'self-check':<14}{checked}")
