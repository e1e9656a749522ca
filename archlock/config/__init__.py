"""What a run is: typed settings read from strict YAML. Names stay names here; a later plan step resolves them."""

from __future__ import annotations

from archlock.config.load import load_settings, preset_names, read_any_settings, read_settings
from archlock.config.settings import RunSettings
from archlock.config.table_settings import TableSettings

__all__ = ["RunSettings", "TableSettings", "load_settings", "preset_names", "read_any_settings", "read_settings"]
