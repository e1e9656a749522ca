"""What an entry of the corpus is, and how it gets onto the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

Make = Callable[[Path], bytes]


@dataclass(frozen=True)
class Hostile:
    """A file that must be refused.

    Attributes:
        file: its name on disk; the suffix decides which reader gets it.
        reason: what the refusal must say, a regular expression.
        make: its contents, for the path of the canary.
    """

    file: str
    reason: str
    make: Make


@dataclass(frozen=True)
class Corpus:
    """The entries of one container."""

    files: dict[str, Hostile] = field(default_factory=dict)

    def add(self, file: str, reason: str) -> Callable[[Make], Make]:
        """Register a function as an entry of its name."""

        def add(make: Make) -> Make:
            self.put(make.__name__, Hostile(file, reason, make))
            return make

        return add

    def each(self, name: str, file: str, cases: Mapping[Any, str], make: Callable[[Path, Any], bytes]) -> None:
        """Register an entry per value, with its own reason."""
        for at, (value, reason) in enumerate(cases.items()):
            self.put(f"{name}_{at}", Hostile(file, reason, partial(make, value=value)))

    def put(self, name: str, entry: Hostile) -> None:
        assert name not in self.files, name
        self.files[name] = entry


def written(files: Mapping[str, Hostile], folder: Path, canary: Path) -> Iterator[tuple[Hostile, str, Path]]:
    """Entries with their names and paths, each in a folder of its own."""
    for name, entry in files.items():
        home = folder / name
        home.mkdir(parents=True)
        path = home / entry.file
        path.write_bytes(entry.make(canary))
        if name.startswith("external"):
            (home / "link").symlink_to("/etc/passwd")
        yield entry, name, path
