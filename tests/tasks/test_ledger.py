"""The ledger: what is read is noted, what is sealed is not read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import RunFolderError, SealedError, UsageError
from archlock.tasks.ledger import HELD_OUT_ATTACK, Ledger

WORDS = st.sampled_from(["digits", "shapes", "textures(seed=1)", 'ü, "x"\n'])
STAGES = st.sampled_from(["micro-training", "validation attack", HELD_OUT_ATTACK])
READINGS = st.lists(st.tuples(WORDS, st.text(min_size=1, max_size=5), STAGES, st.integers(1, 50)), max_size=30)


def filled(readings: list[tuple[str, str, str, int]]) -> Ledger:
    ledger = Ledger()
    for task, subject, stage, labels in readings:
        ledger.read(task, subject, stage, lambda: None, labels=labels)
    return ledger


@settings(deadline=None)
@given(READINGS)
def test_every_reading_is_kept_in_order_and_the_counts_add_up(readings: list[tuple[str, str, str, int]]) -> None:
    ledger = filled(readings)
    assert [(one.task, one.subject, one.stage, one.labels) for one in ledger.entries] == readings
    rows = ledger.counts()
    assert sum(row.readings for row in rows) == len(readings)
    assert sum(row.labels for row in rows) == sum(labels for *_, labels in readings)
    assert len({(row.task, row.stage) for row in rows}) == len(rows)
    assert all(1 <= row.subjects <= row.readings for row in rows)


@settings(deadline=None)
@given(READINGS, st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3))
def test_json_round_trip(readings: list[tuple[str, str, str, int]], sealed: list[str], opened: list[str]) -> None:
    ledger = filled(readings)
    ledger.seal(*sealed)
    ledger.unseal(HELD_OUT_ATTACK, *(task for task in opened if task in sealed))
    assert Ledger.from_json(ledger.to_json()) == ledger


@settings(deadline=None)
@given(READINGS, WORDS, STAGES)
def test_a_sealed_task_is_never_read_nor_noted(
    readings: list[tuple[str, str, str, int]], sealed: str, open_stage: str
) -> None:
    ledger = Ledger()
    ledger.seal(sealed)
    ledger.unseal(open_stage, sealed)
    called = []
    for task, subject, stage, _ in readings:
        allowed = task != sealed or stage == open_stage
        if allowed:
            assert ledger.read(task, subject, stage, lambda: 7) == 7
        else:
            with pytest.raises(SealedError) as refusal:
                ledger.read(task, subject, stage, lambda: called.append(1))
            assert repr(task) in str(refusal.value)
            assert repr(stage) in str(refusal.value)
    assert not called
    assert all(one.task != sealed or one.stage == open_stage for one in ledger.entries)


def test_held_out_targets_open_only_for_the_length_of_their_stage() -> None:
    ledger = Ledger()
    ledger.seal("shapes", "darcy")
    with ledger.opened(HELD_OUT_ATTACK, "shapes"):
        assert ledger.read("shapes", "a", HELD_OUT_ATTACK, lambda: 0.5) == 0.5
        with pytest.raises(SealedError, match="held-out attack"):
            ledger.read("shapes", "a", "micro-training", lambda: 0.5)
        with pytest.raises(SealedError, match="darcy"):
            ledger.read("darcy", "a", HELD_OUT_ATTACK, lambda: 0.5)
    with pytest.raises(SealedError, match="not open at any stage"):
        ledger.read("shapes", "a", HELD_OUT_ATTACK, lambda: 0.5)
    assert ledger.sealed == ("shapes", "darcy")


def test_the_seal_comes_back_after_an_error_inside_the_stage() -> None:
    ledger = Ledger()
    ledger.seal("shapes")
    with pytest.raises(ZeroDivisionError), ledger.opened(HELD_OUT_ATTACK, "shapes"):
        ledger.read("shapes", "a", HELD_OUT_ATTACK, lambda: 1 / 0)
    assert len(ledger.entries) == 1, "a reading that failed was asked for all the same"
    with pytest.raises(SealedError):
        ledger.check("shapes", HELD_OUT_ATTACK)


def test_wrong_use_is_refused() -> None:
    ledger = Ledger()
    with pytest.raises(UsageError, match="not sealed"):
        ledger.unseal(HELD_OUT_ATTACK, "shapes")
    with pytest.raises(UsageError, match="at least one label"):
        ledger.read("shapes", "a", "x", lambda: 1, labels=0)
    assert ledger.entries == ()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "entries": [{}], "seals": {}}', '{"format": 1, "entries": 3}'],
)
def test_a_damaged_ledger_is_refused(text: str) -> None:
    with pytest.raises(RunFolderError, match="ledger"):
        Ledger.from_json(text)
