"""FSD50K: what is heard in a sound."""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from archlock.errors import TaskError, did_you_mean
from archlock.seeding import numpy_generator
from archlock.tasks.nasbench360.measures import MEAN_AVERAGE_PRECISION
from archlock.tasks.nasbench360.mel import RATE_HZ, log_mel
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import Tree, official_tree
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/audio/audio.zip"
MANIFESTS = ("tr.csv", "val.csv", "eval.csv")
COLUMNS = ("files", "labels", "ext")
AT_ONCE = 256


@dataclass(frozen=True)
class Clip:
    """A sound: the files of its chunks of one second, and what is heard in it."""

    files: tuple[str, ...]
    labels: tuple[str, ...]


def fsd50k(settings: TaskSettings) -> Task:
    """Sounds, log-mel pictures of one second, 1x96x101, 200 labels (Fonseca et al., FSD50K, 2021).

    Reads ``audio.zip`` in place, or unpacked: ``chunks/{tr,val,eval}.csv`` (columns files, labels, ext),
    ``chunks/lbl_map.json``, and the chunks, WAV at 22,050 Hz. One chunk of each training clip is drawn by the seed,
    all chunks of the others are kept. ``samples`` counts clips. With ``view: row`` the sound itself, 1x1x22050.
    Loss: binary cross-entropy. Metric: mAP of clips, each the mean of its chunks.

    Raises:
        TaskError: files are missing or damaged, sound at another rate, or an unknown label.
    """
    tree = official_tree(settings.name, "audio.zip", "chunks/lbl_map.json", HOME, "audio")
    places = _label_places(tree, settings.name)
    clips = [_clips(tree, name, settings.name) for name in MANIFESTS]
    picked = chosen([len(part) for part in clips], settings)
    kept = [[part[index] for index in keep] for part, keep in zip(clips, picked, strict=True)]
    generator = numpy_generator(settings.seed, settings.name, "chunks")
    kept[0] = [Clip((clip.files[generator.integers(len(clip.files))],), clip.labels) for clip in kept[0]]
    parts = [_part(tree, part, places, settings) for part in kept]
    names = tuple(sorted(places, key=lambda name: places[name]))
    note = "FSD50K, official chunks of one second, as log-mel pictures without augmentation"
    return official_task(parts, Published(TaskKind.MULTILABEL, note, names, MEAN_AVERAGE_PRECISION), settings)


def _text(tree: Tree, name: str, task: str) -> str:
    path = tree / "chunks" / name
    if not path.is_file():
        raise TaskError(f"{task}: chunks/{name} is missing from audio.zip, or from where it was unpacked")
    return path.read_text(encoding="utf-8")


def _label_places(tree: Tree, task: str) -> dict[str, int]:
    try:
        held = {str(name): int(place) for name, place in json.loads(_text(tree, "lbl_map.json", task)).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise TaskError(f"{task}: lbl_map.json: expected names and numbers: {error}") from None
    if sorted(held.values()) != list(range(len(held))) or len(held) < 2:
        raise TaskError(f"{task}: lbl_map.json: labels must be numbered from 0 without gaps")
    return held


def _clips(tree: Tree, name: str, task: str) -> list[Clip]:
    """Clips of a manifest, in the order in which they first occur."""
    rows = list(csv.DictReader(io.StringIO(_text(tree, name, task))))
    if not rows or any(column not in rows[0] for column in COLUMNS):
        raise TaskError(f"{task}: {name}: expected columns {', '.join(COLUMNS)} and at least one row")
    files: dict[str, list[str]] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for row in rows:
        files.setdefault(row["ext"], []).append(row["files"])
        labels.setdefault(row["ext"], tuple(row["labels"].split(",")))
    return [Clip(tuple(chunks), labels[ext]) for ext, chunks in files.items()]


def _part(tree: Tree, clips: list[Clip], places: dict[str, int], settings: TaskSettings) -> Part:
    pairs = [(file, index) for index, clip in enumerate(clips) for file in clip.files]
    groups = np.array([index for _, index in pairs], dtype=np.int64)
    targets = np.zeros((len(clips), len(places)), dtype=np.float32)
    for index, clip in enumerate(clips):
        for label in clip.labels:
            if label not in places:
                raise TaskError(f"{settings.name}: label {label!r} is unknown.{did_you_mean(label, list(places))}")
            targets[index, places[label]] = 1
    seen = []
    for start in range(0, len(pairs), AT_ONCE):
        sounds = np.stack([read_sound(tree, file, settings.name) for file, _ in pairs[start : start + AT_ONCE]])
        seen.append(log_mel(sounds)[:, None] if settings.view == "picture" else sounds[:, None, None])
    return Part(np.concatenate(seen), targets[groups], groups)


def read_sound(tree: Tree, file: str, task: str) -> NDArray[np.float32]:
    """One second of sound in [-1, 1], (22050,); a shorter chunk is repeated, a longer one cut.

    The manifests hold paths of the machine that wrote them: a chunk is looked for by its last two parts.

    Raises:
        TaskError: the file is missing, damaged, at another rate, or holds more than one channel.
    """
    from scipy.io import wavfile

    parts = PurePosixPath(file).parts
    found = next((path for take in (2, 1) if (path := tree.joinpath("chunks", *parts[-take:])).is_file()), None)
    if found is None:
        raise TaskError(
            f"{task}: chunk {'/'.join(parts[-2:])} is missing from audio.zip, or from where it was unpacked"
        )
    try:
        with warnings.catch_warnings(), found.open("rb") as stream:
            warnings.simplefilter("ignore")  # chunks of metadata that SciPy does not know
            rate, sound = wavfile.read(io.BytesIO(stream.read()))
    except (ValueError, OSError, EOFError) as error:
        raise TaskError(f"{task}: {found.name}: not a readable WAV file: {error}") from None
    if rate != RATE_HZ or sound.ndim != 1 or len(sound) == 0:
        raise TaskError(f"{task}: {found.name}: {rate} Hz, shape {sound.shape}; expected one channel at {RATE_HZ} Hz")
    full = -float(np.iinfo(sound.dtype).min) if np.issubdtype(sound.dtype, np.signedinteger) else 1.0
    return np.resize((sound / full).astype(np.float32), RATE_HZ)
