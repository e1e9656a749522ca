"""What the reading process does with each form of file; torch is not needed here, and not imported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from archlock.errors import ModelError
from archlock.loading.guard import PROGRAM, WEIGHTS
from archlock.loading.limits import Limits
from archlock.loading.pt2.archive import read_archive
from archlock.loading.pt2.program import as_plain
from archlock.loading.sniff import FileKind, kind_of, refusal
from archlock.loading.statedict import read_weights
from archlock.loading.storage import Array
from archlock.loading.worker import read_file, sha256


def program(order: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """An exported program as JSON and safetensors."""
    where, folder = order["where"], Path(order["folder"])
    data = read_file(order["path"], where, limits)
    kind = kind_of(data, Path(order["path"]).suffix)
    if kind is FileKind.UNKNOWN:
        raise ModelError(_no_program(data, where))
    if kind is not FileKind.PROGRAM:
        raise ModelError(refusal(kind, data, where, limits))
    found, tensors, said = read_archive(data, where, limits)
    digest = sha256(data)
    del data
    (folder / PROGRAM).write_text(json.dumps(as_plain(found)), encoding="utf-8")
    _save({each.name: tensors[each.name] for each in found.stored}, folder)
    return {"sha256": digest, "converted": said}


def weights(order: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Weights as safetensors."""
    data = read_file(order["path"], order["where"], limits)
    digest = sha256(data)
    found, said = read_weights(data, order["where"], limits)
    del data
    _save(found, Path(order["folder"]))
    return {"sha256": digest, "converted": said}


def unknown(order: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Any other file: only what it is and how to convert it.

    Raises:
        ModelError: always.
    """
    data = read_file(order["path"], order["where"], limits)
    raise ModelError(refusal(kind_of(data, Path(order["path"]).suffix), data, order["where"], limits))


def _no_program(data: bytes, where: str) -> str:
    """What is wrong with a file of a program's name that holds no program, nor anything else that is known."""
    what = "not an exported program, which is a zip archive" if data else "an empty file"
    return f"{where}: {what}; write it with torch.export.save(torch.export.export(network, (example,)), FILE)"


def _save(tensors: dict[str, Array], folder: Path) -> None:
    save_file(tensors, folder / WEIGHTS)


JOBS: dict[str, Callable[[Mapping[str, Any], Limits], dict[str, Any]]] = {
    "program": program,
    "weights": weights,
    "unknown": unknown,
}
