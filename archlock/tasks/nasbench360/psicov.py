"""PSICOV: distances between the residues of a protein, from what is known of its sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.errors import TaskError
from archlock.seeding import numpy_generator
from archlock.tasks.nasbench360.arrays import Array, field, read_npy
from archlock.tasks.nasbench360.measures import MAE8
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import Tree, official_tree
from archlock.tasks.nasbench360.plainpickle import read_pickle
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/protein.zip"
SIZE = 128
"""Rows and columns of the maps that a network sees."""
MARGIN = 5
"""Empty rows and columns before and after a map."""
VALIDATION = 100
"""The first proteins of ``deepcov.lst`` validate."""
CAP_ANGSTROM = 16.0
"""Longer distances are taken for this; so are those outside a map and those that are not judged."""
LEAST_SEPARATION = 24
"""Places along the chain between the two residues of a judged (long-range) pair."""
PAIRED = {"ss": 3, "pssm": 22, "sa": 1, "entropy": 1}
"""Features of one residue and how many numbers each is; seen once along rows and once along columns."""
MAPS = ("ccmpred", "freecon", "potential")
CHANNELS = 2 * sum(PAIRED.values()) + len(MAPS)


def psicov(settings: TaskSettings) -> Task:
    """Protein distance maps, 57x128x128 to 1x128x128 angstrom (DeepCov to train, PSICOV to test; PDNET, 2020).

    Reads ``protein.zip`` in place, or unpacked: ``{deepcov,psicov}.lst``, ``.../features/*.pkl`` (without unpickling)
    and ``.../distance/*-cb.npy``. Training maps are cut at random to 128x128, test maps into windows. ``samples``
    counts proteins; all of them take about 13 GB. Loss: mean squared error of distances up to 16 angstrom. Metric:
    1 - MAE8 / 8 angstrom, over pairs up to 8 angstrom apart and at least 24 places along the chain.

    Raises:
        TaskError: files are missing or damaged, or maps of the wrong size.
    """
    tree = official_tree(settings.name, "protein.zip", "deepcov.lst", HOME, "protein")
    deepcov, tested = (_listed(tree, name, settings.name) for name in ("deepcov", "psicov"))
    held = min(VALIDATION, len(deepcov) // 2)
    sets = [("deepcov", deepcov[held:]), ("deepcov", deepcov[:held]), ("psicov", tested)]
    picked = chosen([len(names) for _, names in sets], settings)
    reader = _Reader(tree, settings)
    kept = [(where, [names[i] for i in keep]) for (where, names), keep in zip(sets, picked, strict=True)]
    parts = [reader.cut(*kept[0], judged=False), reader.cut(*kept[1], judged=True), reader.windows(*kept[2])]
    note = "DeepCov and PSICOV, official files, maps of 128x128"
    return official_task(parts, Published(TaskKind.DENSE, note, measure=MAE8), settings)


def _listed(tree: Tree, name: str, task: str) -> list[str]:
    path = tree / f"{name}.lst"
    if not path.is_file():
        raise TaskError(f"{task}: {name}.lst is missing from protein.zip, or from where it was unpacked")
    return [line.split()[0] for line in path.read_text(encoding="ascii").splitlines() if line.strip()]


class _Reader:
    """Reads proteins of one tree and cuts them to the size a network sees."""

    def __init__(self, tree: Tree, settings: TaskSettings) -> None:
        self.tree, self.task = tree, settings.name
        self.rng = numpy_generator(settings.seed, settings.name, "cuts")

    def cut(self, where: str, names: Sequence[str], *, judged: bool) -> Part:
        """One map of each protein, cut where it is larger; on the diagonal and judged, or anywhere to train on."""
        inputs = np.zeros((len(names), CHANNELS, SIZE, SIZE), dtype=np.float32)
        targets = np.full((len(names), 1, SIZE, SIZE), CAP_ANGSTROM, dtype=np.float32)
        for index, name in enumerate(names):
            features, distances = self.padded(where, name)
            slack = max(0, len(distances) - SIZE) + 1
            row, column = self.rng.integers(slack, size=2).tolist()
            column = row if judged else column
            known = judged_only(distances) if judged else distances
            place(inputs[index], features[:, row : row + SIZE, column : column + SIZE])
            place(targets[index, 0], known[row : row + SIZE, column : column + SIZE])
        groups = np.arange(len(names))[:, None] * np.array([1, 0, 0])
        return Part(inputs, targets, groups)

    def windows(self, where: str, names: Sequence[str]) -> Part:
        """Every window of each protein's map, side by side, with protein, row and column of the window as group."""
        inputs, targets, groups = [], [], []
        for index, name in enumerate(names):
            features, distances = self.padded(where, name)
            known = judged_only(distances)
            count = -(-len(distances) // SIZE)
            for row, column in np.ndindex(count, count):
                window = np.s_[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE]
                inputs.append(np.zeros((CHANNELS, SIZE, SIZE), dtype=np.float32))
                targets.append(np.full((1, SIZE, SIZE), CAP_ANGSTROM, dtype=np.float32))
                groups.append((index, row, column))
                place(inputs[-1], features[:, window[0], window[1]])
                place(targets[-1][0], known[window])
        return Part(np.stack(inputs), np.stack(targets), np.array(groups, dtype=np.int64))

    def padded(self, where: str, name: str) -> tuple[Array, Array]:
        """Features (57, l, l) and distances (l, l), at most 16 angstrom, with the margin of the benchmark around."""
        label = f"{self.task}: {where}: {name}"
        features = features_of(read_member(self.tree, f"{where}/features/{name}.pkl", label), label)
        with (self.tree / where / "distance" / f"{name}-cb.npy").open("rb") as stream:
            held = read_npy(stream, label)
        distances = distances_of(held, features.shape[1], label)
        edge = (MARGIN, MARGIN)
        return np.pad(features, ((0, 0), edge, edge)), np.pad(distances, (edge, edge), constant_values=CAP_ANGSTROM)


def read_member(tree: Tree, name: str, where: str) -> object:
    """Plain data of a pickled file of the tree.

    Raises:
        TaskError: it is missing, damaged, or asks for more than plain data.
    """
    path = tree / name
    if not path.is_file():
        raise TaskError(f"{where}: {name} is missing from protein.zip, or from where it was unpacked")
    with path.open("rb") as stream:
        return read_pickle(stream, where)


def place(into: Array, part: Array) -> None:
    """Write a part into the upper left corner of an array that is as large or larger."""
    into[..., : part.shape[-2], : part.shape[-1]] = part


def features_of(held: object, where: str) -> Array:
    """The 57 channels of a protein of l residues, shape (57, l, l), from its dict of features, in PDNET's order.

    Raises:
        TaskError: a feature is missing or of another size.
    """
    length = len(field(held, "seq", where))
    channels = []
    for name, count in PAIRED.items():
        values = np.asarray(field(held, name, where), dtype=np.float32)
        rows = values.T if name == "pssm" else values.reshape(count, -1)
        _expect(rows, (count, length), f"{where}: {name}")
        for row in rows:
            along = np.broadcast_to(row, (length, length))
            channels += [along, along.T]
    for name in MAPS:
        channels.append(np.asarray(field(held, name, where), dtype=np.float32))
        _expect(channels[-1], (length, length), f"{where}: {name}")
    return np.asarray(np.nan_to_num(np.stack(channels)))


def distances_of(held: Array, length: int, where: str) -> Array:
    """Distances (l, l), angstrom, between 1 and 16, from an official ``-cb.npy`` (length, sequence, map).

    The diagonal is the mean of its neighbours in the row, as in PDNET.

    Raises:
        TaskError: another content or size.
    """
    if held.shape != (3,):
        raise TaskError(f"{where}: distance file has shape {held.shape}, expected length, sequence and map")
    distances = np.array(held[2], dtype=np.float32)
    _expect(distances, (length, length), f"{where}: distance map")
    distances = np.maximum(np.nan_to_num(distances, nan=CAP_ANGSTROM), 1.0)
    beside = (
        np.pad(np.diagonal(distances, 1), (1, 1), mode="edge"),
        np.pad(np.diagonal(distances, -1), (1, 1), mode="edge"),
    )
    np.fill_diagonal(distances, (beside[0][1:] + beside[1][:-1]) / 2)
    return np.minimum(distances, CAP_ANGSTROM)


def judged_only(distances: Array) -> Array:
    """Distances with those of residues less than 24 places apart set far, where the metric does not count them."""
    places = np.arange(len(distances))
    near = np.abs(places[:, None] - places) < LEAST_SEPARATION
    return np.where(near, np.float32(CAP_ANGSTROM), distances)


def _expect(array: Array, shape: tuple[int, ...], where: str) -> None:
    if array.shape != shape:
        raise TaskError(f"{where}: has shape {array.shape}, expected {shape}")
