"""Pickles that run a command when they are loaded, and archives with members changed."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.genuine import program, zipped


class Runs:
    """Unpickles by calling a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def payload(canary: Path, protocol: int = 2) -> bytes:
    """A pickle that touches the canary."""
    return pickle.dumps({"weight": Runs(os.system, f"touch {canary}")}, protocol=protocol)


def text_payload(canary: Path) -> bytes:
    """The same in protocol 0, with the instruction ``i``."""
    return f"(S'touch {canary}'\nios\nsystem\n.".encode()


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], None], compress: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return zipped(members, compress)


def changed_json(data: bytes, ending: str, change: Callable[[Any], None]) -> bytes:
    """A program with one of its JSON members changed."""

    def edit(members: dict[str, bytes]) -> None:
        name = next(each for each in members if each.endswith(ending))
        value = json.loads(members[name])
        change(value)
        members[name] = json.dumps(value).encode()

    return rezipped(data, edit)


def with_member(name: str, data: bytes, archive: bytes | None = None) -> bytes:
    """A program with a further member under its root, or with one exchanged."""

    def edit(members: dict[str, bytes]) -> None:
        members[f"{next(iter(members)).partition('/')[0]}/{name}"] = data

    return rezipped(program() if archive is None else archive, edit)
