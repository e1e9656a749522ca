"""A relation model on disk: arrays as safetensors, hyperparameters in their metadata; nothing pickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from archlock.errors import UsageError
from archlock.predictors.evidence import TaskEvidence
from archlock.predictors.kernel import Kernel
from archlock.predictors.relation import RelationModel
from archlock.scores import FloatArray

FORMAT = "archlock-relation-1"
EVIDENCE_FORMAT = "archlock-evidence-1"
ARRAYS = ("embedding", "indices", "values")
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
    arrays, metadata = _read(path, FORMAT, "relation model")
    try:
        plain = json.loads(metadata["model"])
        return RelationModel(**arrays, kernel=Kernel(**plain["kernel"]), temperature=float(plain["temperature"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: damaged relation model: {error}") from None


def save_evidence(features: FloatArray, evidence: Sequence[TaskEvidence], path: Path) -> None:
    """Write features (n, f) and evidence to one ``.safetensors`` file. Raises as `save_relation`."""
    arrays = {"features": np.ascontiguousarray(features)}
    for place, item in enumerate(evidence):
        arrays |= {f"{place}.{name}": np.ascontiguousarray(getattr(item, name)) for name in ARRAYS}
    plain = json.dumps([{"kind": item.kind, "weight": item.weight} for item in evidence])
    try:
        save_file(arrays, path, metadata={"format": EVIDENCE_FORMAT, "evidence": plain})
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: cannot be written: {error}") from None


def load_evidence(path: Path) -> tuple[FloatArray, list[TaskEvidence]]:
    """Read what `save_evidence` wrote: features and evidence. Raises as `load_relation`."""
    arrays, metadata = _read(path, EVIDENCE_FORMAT, "predictor evidence")
    try:
        plain = json.loads(metadata["evidence"])
        found = [
            TaskEvidence(
                arrays[f"{place}.embedding"],
                arrays[f"{place}.indices"],
                arrays[f"{place}.values"],
                item["kind"],
                item["weight"],
            )
            for place, item in enumerate(plain)
        ]
        return arrays["features"], found
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: damaged predictor evidence: {error}") from None


def _read(path: Path, expected: str, what: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: damaged {what}: {error}") from None
    if metadata.get("format") != expected:
        raise UsageError(f"{path}: not a {what}: expected the format {expected}")
    return arrays, metadata
