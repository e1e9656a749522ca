"""A run as it is remembered: manifest, event log, weights, progress, and units of work that are done only once.

Knows nothing of networks or tasks. Importing it does not import torch.
"""

from __future__ import annotations

from archlock.runs.folder import RunFolder
from archlock.runs.manifest import Manifest
from archlock.runs.memory import InMemoryRun
from archlock.runs.progress import PlannedStage, Progress, SilentProgress, TimeLeft
from archlock.runs.records import EventRecord, Json, Key, UnitRecord
from archlock.runs.store import RunStore
from archlock.runs.work import Produced, Workshop

__all__ = [
    "EventRecord",
    "InMemoryRun",
    "Json",
    "Key",
    "Manifest",
    "PlannedStage",
    "Produced",
    "Progress",
    "RunFolder",
    "RunStore",
    "SilentProgress",
    "TimeLeft",
    "UnitRecord",
    "Workshop",
]
