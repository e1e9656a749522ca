"""The sentence at the head of an audit says the budget, the advantage and what was not run, and nothing more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archlock.auditing.advantage import SHARES, advantages, prices, summarise
from archlock.auditing.record import AttackLine, AuditRecord, NotRun
from archlock.auditing.verdict import headline

from .conftest import MakeRecord

MakeLine = Callable[..., AttackLine]


def said(record: AuditRecord) -> str:
    return headline(
        record.budget,
        record.advantages,
        record.summaries,
        record.predicted,
        record.not_run,
        record.attacks,
        record.references,
    )


def test_not_broken_is_not_secure(make_record: MakeRecord) -> None:
    sentence = said(make_record(not_run=(NotRun(attack="undo", reason="no source data"),)))
    assert sentence.startswith(
        "Not broken by the attacks that were run, 80 steps, 2 learning rates and 1 seed per attack"
    )
    assert "transfer advantage -5.0 points on average over 2 targets with 100% of the data" in sentence
    assert sentence.endswith("not run: undo.")
    assert "secure" not in sentence


def test_what_was_repeated_is_counted_and_a_budget_that_repeats_nothing_says_no_more(make_record: MakeRecord) -> None:
    sentence = said(make_record())
    # Two of six attacks and the only reference, on two targets at two shares of their data.
    assert "1 seed per attack (3 for the strongest: 8 of 24 attacks and 4 of 4 references):" in sentence
    assert "3 seeds per attack: transfer" in said(make_record(seeds=(0, 1, 2), repeats=()))
    assert "3 seeds per attack: transfer" in said(make_record(seeds=(0, 1, 2)))
    promised = make_record(repeats=())
    asked = promised.budget.model_copy(update={"repeats": (1, 2)})
    assert "1 seed per attack: transfer" in said(promised.model_copy(update={"budget": asked}))


def test_a_model_that_helps_is_said_to_help_and_where(make_record: MakeRecord) -> None:
    sentence = said(make_record(attacked=0.6))
    assert sentence.startswith("The model helps on 2 of 2 targets")
    assert "+10.0 points" in sentence


def test_surgery_that_recovers_most_of_the_gap_is_the_first_thing_said(make_record: MakeRecord) -> None:
    # As released .2, reference .5: a side network that reaches .4 recovers two thirds of the gap.
    sentence = said(make_record(attacked=0.2, by_surgery=0.4))
    assert sentence.startswith("Surgery undoes the lock on glyphs (side recovers 67% of the gap), darcy (side recovers")
    assert "not broken" not in sentence.lower()
    assert "no attack that was run ended above a reference, 80 steps" in sentence
    assert sentence.count(". ") == 0  # one sentence
    assert said(make_record(attacked=0.2, by_surgery=0.34)).startswith("Not broken")


def test_a_model_that_helps_after_surgery_is_said_to_help_and_why(make_record: MakeRecord) -> None:
    sentence = said(make_record(attacked=0.2, by_surgery=0.6))
    assert sentence.startswith("The model helps on 2 of 2 targets (most on glyphs, +10.0 points by surgery:side)")
    assert "Surgery undoes the lock on glyphs (side recovers 133% of the gap)" in sentence


def test_validation_chooses_and_test_is_told(line: MakeLine) -> None:
    lucky = line("fine-tune", "t", 0.5).model_copy(update={"validation": 0.9})
    attacks = [lucky, line("adapters", "t", 0.8)]
    [row] = advantages(attacks, [line("scratch:resnet8", "t", 0.6)], {"t": 100})
    assert (row.attack, row.value.value) == ("fine-tune", 0.5)
    assert row.advantage.value < 0


def test_students_and_surgery_are_not_the_model_as_released(line: MakeLine) -> None:
    attacks = [line("fine-tune", "t", 0.3), line("distil", "t", 0.7), line("surgery:side", "t", 0.6)]
    [row] = advantages(attacks, [line("scratch:resnet8", "t", 0.6)], {"t": 100})
    assert (row.released_attack, row.as_released.value) == ("fine-tune", 0.3)
    assert row.attack == "distil"


def test_intervals_shrink_with_samples_and_hold_the_difference(line: MakeLine) -> None:
    widths = []
    for samples in (50, 5_000):
        [row] = advantages([line("fine-tune", "t", 0.5)], [line("scratch:resnet8", "t", 0.4)], {"t": samples})
        low, high = row.advantage.low, row.advantage.high
        assert low is not None
        assert high is not None
        assert low < 0.1 < high
        widths.append(high - low)
    assert widths[0] > 9 * widths[1]


def test_seeds_are_averaged(line: MakeLine) -> None:
    attacks = [line("fine-tune", "t", value, seed=seed) for seed, value in enumerate((0.4, 0.6))]
    references = [line("scratch:resnet8", "t", 0.5, seed=seed) for seed in (0, 1)]
    [row] = advantages(attacks, references, {"t": 100})
    assert row.value.value == 0.5
    assert [mean.targets for mean in summarise([row])] == [1]


def test_the_price_is_the_cheapest_way_to_each_share(line: MakeLine) -> None:
    attacks = [line("fine-tune", "t", 0.3, 0.25), line("fine-tune", "t", 0.45), line("adapters", "t", 0.2, 0.25)]
    found = prices(attacks, [line("scratch:resnet8", "t", 0.5)])
    assert [price.share for price in found] == list(SHARES)
    assert [(price.attack, price.macs) for price in found] == [
        ("fine-tune", 0.25e9), ("fine-tune", 1e9), ("fine-tune", 1e9), (None, None),
    ]  # fmt: skip
    macs = [price.macs for price in found if price.macs is not None]
    assert macs == sorted(macs)  # more of the reference never costs less


def test_what_is_paid_for_is_chosen_on_validation_data_and_told_on_test_data(line: MakeLine) -> None:
    cheap_and_lucky = line("adapters", "t", 0.5, 0.25).model_copy(update={"validation": 0.1})
    chosen = line("fine-tune", "t", 0.2).model_copy(update={"validation": 0.5})
    found = prices([cheap_and_lucky, chosen], [line("scratch:resnet8", "t", 0.5)])
    assert {price.attack for price in found} == {"fine-tune"}
    assert [price.value.value for price in found if price.value is not None] == [0.2] * len(SHARES)


def test_one_lucky_seed_pays_for_nothing(line: MakeLine) -> None:
    attacks = [line("fine-tune", "t", value, seed=seed) for seed, value in enumerate((0.5, 0.1))]
    found = {price.share: price for price in prices(attacks, [line("scratch:resnet8", "t", 0.5)])}
    assert found[0.5].attack == "fine-tune"
    assert found[0.5].value is not None
    assert found[0.5].value.value == pytest.approx(0.3)
    assert found[1.0].attack is None
