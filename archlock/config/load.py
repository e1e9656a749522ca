"""From a file or a shipped preset's name to checked settings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from archlock.config.settings import RunSettings
from archlock.config.table_settings import TABLE_KEY, TableSettings
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
    return read_settings(config, assignments)[0]


def read_settings(config: str | Path, assignments: Sequence[str] = ()) -> tuple[RunSettings, Source]:
    """As `load_settings`, with the document, so that a later fault can name its file and line too."""
    source = _assigned(config, assignments)
    return validate(RunSettings, source), source


def read_any_settings(
    config: str | Path, assignments: Sequence[str] = ()
) -> tuple[RunSettings | TableSettings, Source]:
    """As `read_settings`, of a search that trains or of one on a table: a file with the key ``table`` is the latter."""
    source = _assigned(config, assignments)
    if TABLE_KEY in source.data:
        return validate(TableSettings, source), source
    return validate(RunSettings, source), source


def _assigned(config: str | Path, assignments: Sequence[str]) -> Source:
    source = _read(config)
    for assignment in assignments:
        set_value(source, assignment, word_key="name")
    return source


def _read(config: str | Path) -> Source:
    """A file where there is one, else the preset of that name, with or without ``configs/`` and ``.yaml``."""
    path = Path(config)
    if _is_there(path):
        return read_yaml(path)
    name = path.as_posix().removeprefix("configs/").removesuffix(".yaml")
    if name in preset_names():
        text = (files("archlock.configs") / f"{name}.yaml").read_text(encoding="utf-8")
        return parse_yaml(text, f"{name}.yaml")
    if path.suffix in (".yaml", ".yml"):
        return read_yaml(path)
    raise ConfigError(f"{str(config)!r:.200}: no such file or preset.{did_you_mean(name, preset_names())}")


def _is_there(path: Path) -> bool:
    try:
        return path.exists() and not (path.is_dir() and path.name in preset_names())
    except OSError:  # a name too long for the file system, or a folder that may not be looked into
        return False
