"""A relation model on disk: arrays as safetensors, hyperparameters in their metadata; nothing pickled."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from archlock.errors import UsageError
from archlock.predictors.kernel import Kernel
from archlock.predictors.relation import RelationModel

FORMAT = "archlock-relation-1"
PLAIN = ("kernel", "temperature")


def save_relation(model: RelationModel, path: Path) -> None:
    """Write a relation model to one ``.safetensors`` file.

    Raises:
        UsageError: the file cannot be written.
    """
    arrays = {f.name: np.ascontiguousarray(getattr(model, f.name)) for f in fields(model) if f.name not in PLAIN}
    plain = json.dumps({"kernel": model.kernel.as_dict(), "temperature": model.temperature})
    try:
        save_file(arrays, path, metadata={"format": FORMAT, "model": plain})
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: cannot be written: {error}") from None


def load_relation(path: Path) -> RelationModel:
    """Read what `save_relation` wrote; scores are equal to the last bit.

    Raises:
        UsageError: missing or damaged file, or not a relation model of this format.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if metadata.get("format") != FORMAT:
            raise UsageError(f"{path}: not a relation model: expected the format {FORMAT}")
        plain = json.loads(metadata["model"])
        return RelationModel(**arrays, kernel=Kernel(**plain["kernel"]), temperature=float(plain["temperature"]))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: damaged relation model: {error}") from None
