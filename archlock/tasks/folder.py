"""Tasks from a folder of pictures, one subfolder per class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from archlock.errors import TaskError
from archlock.tasks.samples import FloatImages, Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
LARGEST_SIDE = 224


def folder(settings: TaskSettings) -> Task:
    """The task of ``folder:PATH``: subfolders are classes in alphabetical order; a stratified fifth is the test part.

    Pictures become colour, or grey where all are grey. They are resampled to the most frequent size among them, no
    side above 224 pixels.

    Raises:
        TaskError: no such folder, fewer than two classes, a class with fewer than five pictures, a picture that
            cannot be read (named).
    """
    root = Path(settings.argument)
    classes, files = list_pictures(root, settings.name)
    sizes, grey = survey(files, settings.name)
    width, height = (min(side, LARGEST_SIDE) for side in Counter(sizes).most_common(1)[0][0])
    inputs = np.stack([read_picture(file, (width, height), grey, settings.name) for file in files])
    labels = np.array([classes.index(file.parent.name) for file in files], dtype=np.int64)
    odd = sum(size != (width, height) for size in sizes)
    note = f"{len(files)} pictures of {root.name or root}, {odd} resampled to {width}x{height}"
    return make_task(Samples(inputs, labels, TaskKind.CLASSIFICATION, classes, note), settings)


def list_pictures(root: Path, where: str) -> tuple[tuple[str, ...], list[Path]]:
    """Class names and picture files, both in alphabetical order.

    Raises:
        TaskError: no such folder, or fewer than two subfolders with pictures.
    """
    if not root.is_dir():
        raise TaskError(f"{where}: no such folder")
    try:
        found = {
            child.name: sorted(file for file in child.iterdir() if file.suffix.lower() in SUFFIXES)
            for child in sorted(root.iterdir())
            if child.is_dir() and not child.name.startswith(".")
        }
    except OSError as error:
        raise TaskError(f"{where}: cannot be read: {error.strerror}") from None
    empty = [name for name, files in found.items() if not files]
    if empty:
        raise TaskError(f"{where}: class {empty[0]!r} has no pictures ({', '.join(SUFFIXES)})")
    if len(found) < 2:
        raise TaskError(f"{where}: {len(found)} subfolders with pictures, expected one for each of two or more classes")
    return tuple(found), [file for files in found.values() for file in files]


def survey(files: list[Path], where: str) -> tuple[list[tuple[int, int]], bool]:
    """(width, height) of every picture, and whether all of them are grey.

    Raises:
        TaskError: a file is not a picture, or cannot be read.
    """
    sizes, modes = [], set()
    for file in files:
        try:
            with Image.open(file) as picture:
                sizes.append(picture.size)
                modes.add(picture.mode)
        except Exception as error:  # Pillow's decoders raise many types on damaged files
            raise _unreadable(file, where, error) from None
    return sizes, modes <= {"L", "1", "I;16"}


def read_picture(file: Path, size: tuple[int, int], grey: bool, where: str) -> FloatImages:
    """One picture, (channels, height, width) in [0, 1], resampled where its size is another.

    Raises:
        TaskError: the picture cannot be decoded; it is named.
    """
    try:
        with Image.open(file) as picture:
            picture.load()
            converted = picture.convert("L" if grey else "RGB")
            if converted.size != size:
                converted = converted.resize(size, Image.Resampling.BILINEAR)
            pixels = np.asarray(converted, dtype=np.float32) / 255
    except Exception as error:  # as above
        raise _unreadable(file, where, error) from None
    return np.asarray(pixels[None] if grey else np.moveaxis(pixels, -1, 0), dtype=np.float32)


def _unreadable(file: Path, where: str, error: Exception) -> TaskError:
    cause = " ".join(str(error).split()) or type(error).__name__
    return TaskError(f"{where}: {file.parent.name}/{file.name}: not a readable picture: {cause}")
