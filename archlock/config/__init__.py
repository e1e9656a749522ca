"""What a run is: typed settings read from strict YAML. Names stay names here; a later plan step resolves them."""

from __future__ import annotations

from archlock.config.load import load_settings, preset_names, read_settings
from archlock.config.settings import RunSettings

__all__ = ["RunSettings", "load_settings", "preset_names", "read_settings"]
