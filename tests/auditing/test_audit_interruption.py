"""Audits that are cancelled go on where they stopped, and a folder holds one audit."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import audited_models as models
import pytest

from archlock.auditing.budgets import AuditBudget
from archlock.auditing.record import AuditRecord
from archlock.audits import audit, gate
from archlock.errors import InterruptedRunError, RunFolderError, UsageError
from archlock.tasks.settings import TaskSettings

TARGET = TaskSettings(name="textures", samples=60)
SMALL = AuditBudget("standard", ("linear-probe", "fine-tune"), 2, 8, (0.01,), (1.0,), (0,), 40, True, (1,))


class Counting:
    """Progress that sets an event after so many units of work, and counts those that were done before."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.cancel = Event()
        self.units = 0
        self.found = 0
        self._stop_after = stop_after

    def start(self, stage: str, total: int, done: int = 0) -> None:
        self.found += done

    def advance(self, units: int = 1) -> None:
        self.units += units
        if self.units >= self._stop_after:
            self.cancel.set()

    def finish(self) -> None:
        pass

    def message(self, text: str) -> None:
        pass


def audited(out: Path | None, progress: Counting, **changes: object) -> AuditRecord:
    arguments: dict[str, object] = {"source": "digits", "targets": [TARGET], "budget": SMALL} | changes
    return audit(
        models.good(), input_shape=(3, 12, 12), out=out, progress=progress, cancel=progress.cancel, **arguments  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("units", [1, 5])
def test_a_cancelled_audit_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path, units: int) -> None:
    stopped, resumed, whole = Counting(units), Counting(), Counting()
    with pytest.raises(InterruptedRunError, match=r"the same audit into .* goes on from there") as caught:
        audited(tmp_path / "a", stopped)
    assert caught.value.exit_code == 130
    assert not (tmp_path / "a" / "report.json").exists()
    with pytest.raises(UsageError, match="the audit is not finished"):
        gate(tmp_path / "a", "release")
    record = audited(tmp_path / "a", resumed)
    straight = audited(None, whole)
    assert resumed.found == units
    assert resumed.units + units == whole.units
    exclude = {"created_at", "report_sha256"}
    assert record.model_dump(exclude=exclude) == straight.model_dump(exclude=exclude)


def test_a_finished_audit_asked_for_again_computes_nothing(tmp_path: Path) -> None:
    first = audited(tmp_path / "a", Counting())
    again = Counting()
    second = audited(tmp_path / "a", again)
    assert again.units == 0
    assert second.advantages == first.advantages


def test_a_folder_of_another_audit_is_left_alone(tmp_path: Path) -> None:
    audited(tmp_path / "a", Counting())
    before = (tmp_path / "a" / "report.json").read_bytes()
    with pytest.raises(RunFolderError, match=r"holds an audit with other settings \(source\)"):
        audited(tmp_path / "a", Counting(), source=TaskSettings(name="digits", fold=1))
    assert (tmp_path / "a" / "report.json").read_bytes() == before
