"""A run killed after every line that this room runs: ``crash_script.py FOLDER STEP`` prints each kill that did harm.

Each attempt is a forked process that ends itself without any cleaning up, as ``kill -9`` does, after STEP lines more
than the attempt before. What it had acknowledged by then must be there when another process goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import archlock.runs
from archlock.errors import ArchlockError
from archlock.runs import RunFolder

ROOM = str(Path(archlock.runs.__file__).parent)
UNITS = 3
FIGURES = {"loss": 0.1 + 0.2}


def work(path: Path, acknowledge: Callable[[str], None]) -> None:
    """Begin a run or go on with it: units, an event after each, and a report at the end."""
    begun = (path / "manifest.json").exists()
    with RunFolder.open(path) if begun else RunFolder.create(path, '{"seed": 1}', versions={}) as run:
        for index in range(UNITS):
            if run.get(("unit", index)) is None:
                run.put(("unit", index), "stage", FIGURES | {"index": index})
                acknowledge(f"unit {index}")
                run.event("done", index)
        run.write_text("report.txt", "whole\n" * 100)
        acknowledge("report")


def die_after(lines: int) -> Callable[[FrameType, str, Any], Any]:
    """A trace function that ends the process at once when so many lines of the room have run."""
    left = [lines]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
        return trace

    return trace


def attempt(path: Path, notes: Path, lines: int) -> bool:
    """One forked process; whether it came to its end."""
    child = os.fork()
    if child == 0:
        with notes.open("a", buffering=1) as file:
            sys.settrace(die_after(lines))
            work(path, lambda what: print(what, file=file, flush=True))
            sys.settrace(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def faults_after(path: Path, noted: set[str]) -> list[str]:
    """What another process misses when it goes on."""
    report = path / "report.txt"
    missing = ["a report that is not whole"] if report.exists() and report.read_text() != "whole\n" * 100 else []
    if (path / "manifest.json").exists():
        with RunFolder.open(path) as run:
            kept = {f"unit {unit.key[1]}" for unit in run.units() if unit.result["loss"] == FIGURES["loss"]}
    else:
        kept = set()
    missing += sorted(what for what in noted - kept if what.startswith("unit"))
    work(path, lambda _: None)
    with RunFolder.view(path) as run:
        if run.counts() != {"stage": UNITS}:
            missing.append(f"units at the end: {run.counts()}")
    litter = sorted(file.name for file in path.iterdir() if file.name.startswith(".part-"))
    return missing + litter


def main(folder: Path, step: int) -> int:
    """Kill after 0, STEP, 2 STEP ... lines until an attempt ends by itself; the last count of lines is printed last."""
    lines, finished = 0, False
    while not finished:
        path, notes = folder / f"run{lines}", folder / f"notes{lines}"
        finished = attempt(path, notes, lines)
        noted = set(notes.read_text().splitlines()) if notes.exists() else set()
        try:
            faults = faults_after(path, noted)
        except ArchlockError as error:
            faults = [str(error)]
        if faults:
            print(f"killed after {lines} lines: {'; '.join(faults)}", flush=True)  # noqa: T201
        lines += step
    print(lines)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
