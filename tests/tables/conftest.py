"""What the tests of tables share: the data folder, public files behind a local server, and a small table of a user."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from public_server import PublicServer, serve

Arrays = dict[str, NDArray[Any]]


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.started_with: list[tuple[str, int, int]] = []
        self.bytes: list[int] = []
        self.messages: list[str] = []

    def started(self, name: str, have_bytes: int, size_bytes: int) -> None:
        self.started_with.append((name, have_bytes, size_bytes))

    def progressed(self, have_bytes: int) -> None:
        self.bytes.append(have_bytes)

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def watcher() -> Silent:
    return Silent()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    named = os.environ.get("ARCHLOCK_DATA")
    if not named:
        pytest.skip("ARCHLOCK_DATA is not set")
    return Path(named)


@pytest.fixture(scope="session")
def public_files(shared_data: Path) -> Path:
    folder = shared_data.parent / "sources"
    if not (folder / "sources.json").is_file():
        pytest.skip("no copies of the public files beside ARCHLOCK_DATA")
    return folder


@pytest.fixture
def public_server(public_files: Path) -> Iterator[PublicServer]:
    def find(name: str) -> bytes | None:
        owner, repository, _, path = name.split("/", 3)
        file = public_files / f"{owner}__{repository}" / path
        return file.read_bytes() if file.is_file() else None

    with serve(find) as state:
        yield state


@pytest.fixture
def own_table() -> Arrays:
    """Arrays of a valid table: every genotype of two genes with three options, two tasks."""
    genotypes = np.array([[a, b] for a in range(3) for b in range(3)])
    rng = np.random.default_rng(0)
    return {
        "archlock_table": np.array(1),
        "space": np.array("my_space"),
        "genotypes": genotypes,
        "tasks": np.array(["cats", "depth"]),
        "truth": rng.random((9, 2)),
        "valid": rng.random((9, 1)),
        "valid_tasks": np.array(["cats"]),
        "better": np.array(["higher", "lower"]),
        "units": np.array(["%", "m"]),
        "twins": np.array([0, 1, 2, 1, 4, 5, 6, 7, 8]),
    }
