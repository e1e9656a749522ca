"""From a file or a shipped preset's name to checked settings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from archlock.config.settings import RunSettings
from archlock.documents import Source, parse_yaml, read_yaml, set_value, validate
from archlock.errors import ConfigError, did_you_mean


def preset_names() -> tuple[str, ...]:
    """Names of the shipped run presets, sorted."""
    entries = files("archlock.configs").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def load_settings(config: str | Path, assignments: Sequence[str] = ()) -> RunSettings:
    """Read settings, apply ``a.b=value`` assignments in order, and check everything.

    Args:
        config: path of a YAML file, or the name of a shipped preset.
        assignments: as given to ``--set``.

    Raises:
        ConfigError: begins with ``file:line: key:``.
    """
    source = _read(config)
    for assignment in assignments:
        set_value(source, assignment)
    return validate(RunSettings, source)


def _read(config: str | Path) -> Source:
    path = Path(config)
    if path.suffix in (".yaml", ".yml") or path.exists():
        shipped = str(path).removesuffix(".yaml").removeprefix("configs/")
        if not path.exists() and shipped in preset_names():
            return _read(shipped)
        return read_yaml(path)
    name = str(config)
    if name not in preset_names():
        raise ConfigError(f"{name}: no such file or preset.{did_you_mean(name, preset_names())}")
    text = (files("archlock.configs") / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_yaml(text, f"{name}.yaml")
