"""Cosmic: which pixels of a Hubble picture a cosmic ray has hit."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

import numpy as np

from archlock.errors import TaskError
from archlock.seeding import numpy_generator
from archlock.tasks.nasbench360.arrays import Array, read_npy
from archlock.tasks.nasbench360.measures import PIXEL_AUROC
from archlock.tasks.nasbench360.official import Part, Published, chosen, last_of, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/cosmic/"
FILES = ("deepCR.ACS-WFC.train.tar", "deepCR.ACS-WFC.test.tar")
FILTER = "f435w"
GALAXY_VISITS = {
    "9490": ("a2", "a3"),
    "10182": ("pb", "pd"),
    "10190": ("13", "28"),
    "10260": ("5", "7"),
    "10342": ("3",),
    "10407": ("3",),
    "10584": ("13",),
    "10760": ("2", "4"),
    "12058": ("1", "6", "12", "16"),
    "12513": ("2", "3"),
    "13057": ("1",),
    "13364": ("95",),
    "13691": ("11",),
    "13737": ("2", "3"),
    "13804": ("6",),
    "14343": ("1",),
    "14704": ("1",),
}
"""Proposals and visits of the fields of galaxies, the ones that the benchmark uses."""
CORNER, CROP = 64, 128
VALIDATION_SHARE = 0.1
IGNORED = -1.0
"""Target of a pixel that neither the loss nor the metric counts."""


def cosmic(settings: TaskSettings) -> Task:
    """Hubble pictures of galaxies, 1x128x128, and the pixels that cosmic rays hit (Zhang and Bloom, deepCR, 2020).

    Reads ``deepCR.ACS-WFC.train.tar`` and ``.test.tar`` in place: members ``npy_{train,test}/f435w/PROPOSAL/VISIT/
    *.npy`` of picture, mask and pixels to ignore, (2 or 3, height, width), cut at 64. A tenth of train validates.
    Loss: cross-entropy over counted pixels. Metric: AUROC over counted pixels, 1 - the published error.

    Raises:
        TaskError: files are missing, damaged, hold no such member, or one that is too small.
    """
    train, test = (official(settings.name, name, f"{HOME}{name}", "cosmic") for name in FILES)
    names, test_names = _members(train, "npy_train", settings.name), _members(test, "npy_test", settings.name)
    order = numpy_generator(0, "cosmic", "published tenth").permutation(len(names))
    fit, check = (order[part] for part in last_of(len(names), VALIDATION_SHARE))
    parts = [(train, [names[i] for i in fit]), (train, [names[i] for i in check]), (test, test_names)]
    picked = chosen([len(members) for _, members in parts], settings)
    used = [
        _read(tar, [members[index] for index in keep], settings.name)
        for (tar, members), keep in zip(parts, picked, strict=True)
    ]
    note = "deepCR ACS/WFC, official files, galaxy fields in F435W, no sky augmentation"
    return official_task(used, Published(TaskKind.DENSE, note, measure=PIXEL_AUROC), settings)


def _members(path: Path, root: str, task: str) -> list[str]:
    """Names of the samples that the benchmark uses, sorted."""
    try:
        with tarfile.open(path) as tar:
            found = [member.name for member in tar.getmembers() if member.isfile() and _wanted(member.name, root)]
    except (tarfile.TarError, OSError) as error:
        raise TaskError(f"{task}: {path.name}: not a readable tar archive: {error}") from None
    if not found:
        raise TaskError(f"{task}: {path.name}: holds no {root}/{FILTER}/PROPOSAL/VISIT/*.npy of a galaxy field")
    return sorted(found)


def _wanted(name: str, root: str) -> bool:
    path = PurePosixPath(name)
    if path.suffix != ".npy" or path.name == "sky.npy" or len(path.parts) < 5:
        return False
    base, colour, proposal, visit = path.parts[-5:-1]
    return base == root and colour == FILTER and visit in GALAXY_VISITS.get(proposal, ())


def _read(path: Path, names: list[str], task: str) -> Part:
    pictures, masks = [], []
    with tarfile.open(path) as tar:
        for name in names:
            stream = tar.extractfile(name)
            if stream is None:
                raise TaskError(f"{task}: {path.name}: {name} is not a file")
            picture, mask = _sample(read_npy(stream, f"{task}: {name}"), f"{task}: {name}")
            pictures.append(picture)
            masks.append(mask)
    return Part(np.stack(pictures)[:, None], np.stack(masks)[:, None])


def _sample(layers: Array, where: str) -> tuple[Array, Array]:
    stop = CORNER + CROP
    if layers.ndim != 3 or len(layers) not in (2, 3) or min(layers.shape[1:]) < stop:
        raise TaskError(f"{where}: has shape {layers.shape}, expected 2 or 3 layers of at least {stop}x{stop}")
    cut = layers[:, CORNER:stop, CORNER:stop].astype(np.float32)
    ignored = cut[2] > 0.5 if len(cut) == 3 else np.zeros(cut[0].shape, dtype=bool)
    return cut[0], np.where(ignored, np.float32(IGNORED), cut[1])
