"""YAML shipped as package data and found by name: run presets and hardware profiles."""

if __name__ != "archlock.configs":
    raise ImportError("import archlock.configs, not configs: the folder is a part of archlock")
