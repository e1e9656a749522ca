"""Hostile and damaged model files, made here: each would run code, wander, swell or crash a careless reader.

One module per container, beside ``genuine`` (the files that they are made of) and ``corpus`` (how an entry is told). An
entry carries the reason for which it must be refused; every payload that would run touches a canary file, for which a
test looks afterwards.
"""

from __future__ import annotations

from hostile import archives, graphs, onnx_graphs, pickles, programs, safetensors_files, state_dicts, strangers
from hostile.corpus import Hostile

MODULES = (pickles, state_dicts, strangers, archives, programs, graphs, safetensors_files, onnx_graphs)
FILES: dict[str, Hostile] = {name: file for module in MODULES for name, file in module.CORPUS.files.items()}
"""Every entry by its name, which is unique over the containers."""
