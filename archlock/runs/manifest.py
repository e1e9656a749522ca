"""The manifest of a run: which settings it belongs to and what wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from archlock.errors import RunFolderError
from archlock.runs.artifacts import write_atomically
from archlock.runs.log import now_utc
from archlock.runs.records import Json

FORMAT_VERSION = 1
"""Version of the layout of a run folder; a folder of another version is refused."""

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a run is of.

    Attributes:
        format_version: layout of the folder.
        settings: the resolved settings, plain JSON.
        settings_digest: SHA-256 of the settings in canonical form, hexadecimal.
        seed: the settings' seed where they have one.
        created_at: ISO 8601 in UTC.
        versions: versions of what ran, by name (python, archlock, torch, numpy ...).
    """

    format_version: int
    settings: Json
    settings_digest: str
    seed: int | None
    created_at: str
    versions: dict[str, str]

    @classmethod
    def of(cls, settings_json: str, versions: Mapping[str, str]) -> Manifest:
        """The manifest of a new run.

        Raises:
            RunFolderError: the settings are not JSON.
        """
        try:
            settings = json.loads(settings_json)
        except json.JSONDecodeError as error:
            raise RunFolderError(f"the settings of a run must be JSON: {error}") from None
        seed = settings.get("seed") if isinstance(settings, dict) else None
        known = seed if isinstance(seed, int) and not isinstance(seed, bool) else None
        return cls(FORMAT_VERSION, settings, digest_of(settings), known, now_utc(), dict(versions))

    def save(self, folder: Path) -> None:
        """Write the manifest; raises `RunFolderError` where the disk refuses."""
        write_atomically(folder / MANIFEST, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a run folder.

        Raises:
            RunFolderError: missing, damaged, of an unknown format, or with settings that were edited.
        """
        path = folder / MANIFEST
        data = _read(path)
        version = data.get("format_version")
        if version != FORMAT_VERSION:
            raise RunFolderError(f"{path}: run format {version!r}; this archlock reads format {FORMAT_VERSION}")
        try:
            manifest = cls(**data)
        except TypeError as error:
            raise RunFolderError(f"{path}: damaged: {str(error).partition('() ')[2]}") from None
        if manifest.settings_digest != digest_of(manifest.settings):
            raise RunFolderError(f"{path}: the settings do not match their digest: the file was edited or is damaged")
        return manifest


def digest_of(settings: Json) -> str:
    """SHA-256 of settings, whatever the order of their keys, hexadecimal."""
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read(path: Path) -> dict[str, Json]:
    if not path.parent.is_dir():
        raise RunFolderError(f"{path.parent}: no such run folder")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent}: not a run: it has no {MANIFEST}") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunFolderError(f"{path}: damaged: {error}") from None
    if not isinstance(data, dict):
        raise RunFolderError(f"{path}: damaged: expected an object")
    return data
