"""When surgery undoes a lock: one rule, on the strongest edit, beyond noise, and never because of an open student."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archlock.auditing.advantage import advantages
from archlock.auditing.record import AttackLine
from archlock.auditing.recovery import Recovery, recoveries, undone

MakeLine = Callable[..., AttackLine]


def found(line: MakeLine, fraction: float = 1.0, samples: int = 1_000, **reached: float) -> Recovery:
    """What surgery recovers where the reference reaches .8 and attacks reach what is given."""
    attacks = [line(name.replace("_", ":").replace("tune", "-tune"), "t", value, fraction)
               for name, value in reached.items()]  # fmt: skip
    rows = advantages(attacks, [line("scratch:resnet8", "t", 0.8, fraction)], {"t": samples})
    [one] = recoveries(rows, attacks)
    return one


def test_more_than_half_of_the_gap_undoes_a_lock_and_half_of_it_does_not(line: MakeLine) -> None:
    assert found(line, finetune=0.4, surgery_side=0.61).undoes_lock
    assert not found(line, finetune=0.4, surgery_side=0.6).undoes_lock
    assert found(line, finetune=0.4, surgery_side=0.7).share == pytest.approx(0.75)


def test_a_gap_within_the_noise_of_few_samples_is_no_lock(line: MakeLine) -> None:
    assert found(line, finetune=0.7, surgery_side=0.79, samples=10_000).undoes_lock
    assert not found(line, finetune=0.7, surgery_side=0.79, samples=50).undoes_lock


def test_an_open_student_undoes_nothing_and_hides_no_surgery(line: MakeLine) -> None:
    assert not found(line, finetune=0.4, distil=0.8).undoes_lock
    both = found(line, finetune=0.4, distil=0.8, surgery_side=0.7)
    assert both.row.attack == "distil"
    assert both.undoes_lock
    assert both.surgery == "surgery:side"


def test_the_strongest_edit_is_chosen_on_validation_data(line: MakeLine) -> None:
    lucky = line("surgery:side", "t", 0.8).model_copy(update={"validation": 0.1})
    attacks = [line("fine-tune", "t", 0.4), lucky, line("surgery:skip", "t", 0.5)]
    rows = advantages(attacks, [line("scratch:resnet8", "t", 0.8)], {"t": 1_000})
    [one] = recoveries(rows, attacks)
    assert (one.surgery, one.undoes_lock) == ("surgery:skip", False)


def test_where_there_is_no_gap_or_no_surgery_there_is_no_share(line: MakeLine) -> None:
    assert found(line, finetune=0.9, surgery_side=0.95).share is None
    without = found(line, finetune=0.4)
    assert (without.surgery, without.share, without.gained, without.undoes_lock) == (None, None, 0.0, False)
    assert found(line, finetune=0.4, surgery_side=0.3).gained < 0


def test_a_target_is_named_once_at_the_largest_share_of_its_data(line: MakeLine) -> None:
    small, large = (found(line, fraction, finetune=0.4, surgery_side=0.7) for fraction in (0.25, 1.0))
    held = found(line, finetune=0.4, surgery_side=0.5)
    assert [one.row.fraction for one in undone([large, small])] == [1.0]
    assert [one.row.fraction for one in undone([held, small])] == [0.25]
