"""ECG: the rhythm of a heart from one electrode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import Array, field, pickled_file
from archlock.tasks.nasbench360.measures import MACRO_F1
from archlock.tasks.nasbench360.official import Groups, Part, Published, chosen, official_task
from archlock.tasks.nasbench360.places import official
from archlock.tasks.nasbench360.signals import seen_as, standardised
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

HOME = "https://pde-xd.s3.amazonaws.com/ECG/challenge2017.pkl"
CODES = ("N", "A", "O", "~")
CLASSES = ("normal", "atrial fibrillation", "other rhythm", "noise")
WINDOW, STRIDE = 1000, 500
STRIDE_PARTS = (1, 6, 2, 20)
"""By what the stride of each class is divided, so that rare classes give more windows."""


def ecg(settings: TaskSettings) -> Task:
    """ECG windows, one channel of 1,000 steps, four rhythms (PhysioNet challenge 2017).

    Reads ``challenge2017.pkl``, a dict of ``data`` (recordings) and ``label`` (N, A, O, ~), without unpickling.
    Recordings are standardised, parted 80/10/10 by the published random state, and cut into windows whose stride
    depends on the class. ``samples`` counts recordings. ``view`` says how a window is seen. Metric: F1 of recordings
    (a majority of their windows), averaged over classes.

    Raises:
        TaskError: the file is missing or damaged, or holds another label.
    """
    path = official(settings.name, "challenge2017.pkl", HOME, "ECG")
    where = f"{settings.name}: {path.name}"
    held = pickled_file(path, settings.name)
    signals = [np.asarray(signal, dtype=np.float32) for signal in field(held, "data", where)]
    labels = encoded(field(held, "label", where), where)
    if len(signals) != len(labels):
        raise TaskError(f"{where}: {len(signals)} recordings and {len(labels)} labels")
    parts = published_parts(len(signals))
    picked = chosen([len(part) for part in parts], settings)
    used = [_windows(signals, labels, part[keep], settings) for part, keep in zip(parts, picked, strict=True)]
    note = f"ECG, official file, windows of 1,000 steps at 300 Hz seen as a {settings.view}"
    return official_task(used, Published(TaskKind.CLASSIFICATION, note, CLASSES, MACRO_F1), settings)


def encoded(codes: Sequence[str], where: str) -> Groups:
    """Class indices of the official codes.

    Raises:
        TaskError: another code.
    """
    for code in codes:
        if str(code) not in CODES:
            raise TaskError(f"{where}: label {str(code)!r}, expected one of {', '.join(CODES)}")
    return np.array([CODES.index(str(code)) for code in codes], dtype=np.int64)


def published_parts(count: int) -> tuple[Groups, Groups, Groups]:
    """Recordings of train, validation and test as the benchmark parts them: scikit-learn, random state 0, twice."""
    from sklearn.model_selection import train_test_split

    train, rest = train_test_split(np.arange(count), test_size=0.2, random_state=0)
    validation, test = train_test_split(rest, test_size=0.5, random_state=0)
    return train, validation, test


def _windows(signals: list[Array], labels: Groups, recordings: Groups, settings: TaskSettings) -> Part:
    """Windows of some recordings, their classes, and the recording of each."""
    found, classes, groups = [], [], []
    for recording in recordings.tolist():
        label = int(labels[recording])
        signal = standardised(signals[recording]).astype(np.float32)
        starts = range(0, len(signal) - WINDOW, STRIDE // STRIDE_PARTS[label])
        found += [signal[start : start + WINDOW] for start in starts]
        classes += [label] * len(starts)
        groups += [recording] * len(starts)
    stacked = np.stack(found) if found else np.empty((0, WINDOW), dtype=np.float32)
    seen = seen_as(stacked[:, None], settings.view)
    return Part(seen, np.array(classes, dtype=np.int64), np.array(groups, dtype=np.int64))
