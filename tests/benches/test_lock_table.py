"""The printed table of a lock bench: every figure is a mean of the lines, and nothing is lost between them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.benches.lock_table import (
    as_document,
    as_text,
    budgets_by_task,
    labels_by_task,
    lock_rows,
    pair_gaps,
    variants_text,
)
from archlock.benches.record import LockRecord, Reference
from archlock.benches.terms import Terms
from archlock.benches.thresholds import read_thresholds
from archlock.errors import UsageError

TASKS = ("digits", "birds", "depth")
PAIRS = [(source, target) for source in TASKS for target in TASKS if source != target]
FIGURES = st.floats(0, 100, allow_nan=False)


def reference(percentile, gap):
    return Reference((1, 2, 3, 4, 5), gap, percentile, 1.0, 0.2, 1.5)


def record(source="digits", target="birds", seed=0, ours=30.0, room=(60.0, 10.0), budgets=None, read=8):
    chance, oracle = room
    budgets = budgets or {source: 20, target: 20}
    gap = (chance - ours) / (chance - oracle)
    return LockRecord(
        "mine", "mine", source, target, "known", False, seed, "random", (), "truth", budgets, 1.5, 1.5, chance, oracle,
        (1, 2, 3, 4, 5), {task: tuple(range(min(read, count))) for task, count in budgets.items()}, gap, ours,
        (ours,) * 5, (97.0,) * 5, (True,) * 5, ours / 100, 2.0,
        {"source_only": reference(70.0, -0.2), "oracle": reference(oracle, 1.0)}, {},
    )  # fmt: skip


def cell(values):
    """Every pair with two seeds, their values in turn."""
    trials = [(pair, seed) for pair in PAIRS for seed in (0, 1)]
    return [record(*pair, seed, ours) for (pair, seed), ours in zip(trials, values, strict=True)]


CELLS = st.lists(FIGURES, min_size=12, max_size=12).map(cell)


@settings(max_examples=30)
@given(CELLS)
def test_rows_are_means_of_the_lines(records):
    ours, source_only, oracle = lock_rows(records)
    assert [row.name for row in (ours, source_only, oracle)] == ["ours", "source_only", "oracle"]
    assert ours.summary.mean == pytest.approx(np.mean([one.gap_closed for one in records]))
    assert ours.summary.ours == pytest.approx(np.mean([one.target_percentile for one in records]))
    assert ours.target_fall == pytest.approx(np.mean([one.target_fall for one in records]))
    assert ours.largest_fall >= ours.target_fall - 1e-12
    assert ours.summary.interval
    assert ours.summary.interval.low - 1e-9 <= ours.summary.mean <= ours.summary.interval.high + 1e-9
    assert oracle.summary.mean == pytest.approx(1.0)
    assert source_only.summary.positive == 0
    assert sum(pair_gaps(records).values()) / len(PAIRS) == pytest.approx(ours.summary.mean)


def ends(summary):
    return summary.interval.low, summary.interval.high


@settings(max_examples=20)
@given(CELLS, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(records, random):
    shuffled = random.sample(records, len(records))
    for one, other in zip(lock_rows(records), lock_rows(shuffled), strict=True):
        assert one.summary.mean == pytest.approx(other.summary.mean)
        assert ends(one.summary) == pytest.approx(ends(other.summary))
        assert one.largest_fall == pytest.approx(other.largest_fall)


@settings(max_examples=20)
@given(CELLS)
def test_the_document_is_json_and_says_what_the_text_says(records):
    document, text = as_document(records), as_text(records)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    mean = document["rows"]["ours"]["summary"]["mean"]
    assert f"{mean:.3f}" in next(line for line in text.splitlines() if line.startswith("ours"))
    assert document["budgets"] == dict.fromkeys(("digits", "birds", "depth"), 20)
    assert "20 labels per readable task" in text
    assert (
        f"most labels read in a trial, by the ledger: {', '.join(f'{t} 8' for t in ('digits', 'birds', 'depth'))}"
        in text
    )
    assert set(pair_gaps(records)) == {(one["source"], one["target"]) for one in document["pairs"]}


def test_a_baseline_that_some_trials_lack_is_no_row():
    first, second = record(), record("birds", "digits")
    lacking = replace(second, baselines={"oracle": second.baselines["oracle"]})
    assert [row.name for row in lock_rows([first, lacking])] == ["ours", "oracle"]


@given(st.lists(st.integers(0, 30), min_size=3, max_size=3))
def test_most_labels_are_the_greatest_number_that_a_trial_read(counts):
    records = [record(seed=seed, read=count) for seed, count in enumerate(counts)]
    assert labels_by_task(records) == dict.fromkeys(("digits", "birds"), min(20, max(counts)))


def test_an_interval_says_what_was_drawn_again_and_none_is_given_where_nothing_was():
    two = [record(), record("birds", "digits", ours=40.0)]
    assert "no interval: with two tasks and one seed nothing can be drawn again" in as_text(two)
    assert as_document(two)["rows"]["ours"]["summary"]["interval"] is None
    by_seed = [*two, record(seed=1, ours=20.0), record("birds", "digits", seed=1, ours=50.0)]
    assert "90% interval, seeds alone resampled" in as_text(by_seed)
    assert "90% interval, tasks and seeds resampled" in as_text(cell(range(12)))


def test_budgets_of_one_task_must_agree_and_those_of_two_need_not():
    own = [record(budgets={"digits": 10, "birds": 30}), record("birds", "depth", budgets={"birds": 30, "depth": 7})]
    assert budgets_by_task(own) == {"digits": 10, "birds": 30, "depth": 7}
    with pytest.raises(UsageError, match="one budget of 'birds', not of 30 and 31 labels"):
        budgets_by_task([*own, record("depth", "birds", budgets={"depth": 7, "birds": 31})])


def test_what_was_bought_is_said_and_a_variant_is_one_line():
    records = cell([30.0] * 12)
    assert "table optimisation" in as_text(records)
    bought = [replace(one, bought="valid") for one in records]
    assert "validation values were bought, test values judged" in as_text(bought)
    ablated = [replace(one, ablated=("predictor",)) for one in records]
    assert "predictor replaced by random" in as_text(ablated).splitlines()[0]
    assert variants_text({"a": records, "b": bought}).count("\n") == 1


@given(CELLS.map(lambda records: records[0]), st.integers(0, 9))
def test_a_line_is_read_back_as_it_was(one, seed):
    line = replace(one, seed=seed).to_json()
    assert "\n" not in line
    again = LockRecord.from_json(line)
    assert again == replace(one, seed=seed)
    assert again.trial == ("digits", "birds", seed)
    assert isinstance(again, Terms)


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[: len(line) // 2],
        lambda line: line.replace('"picks"', '"pick"'),
        lambda line: line.replace('"format": 2', '"format": 1'),
        lambda line: line.replace('"gap_closed": 0.6', '"gap": 0.6'),
        lambda line: "[1, 2]",
        lambda line: "",
    ],
)
def test_a_damaged_line_is_one_clear_error(damage):
    line = record().to_json()
    assert damage(line) != line
    with pytest.raises(UsageError) as error:
        LockRecord.from_json(damage(line))
    assert "\n" not in str(error.value)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_thresholds_are_read_as_they_were_written(given):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.json")
        path.write_text(json.dumps(given), encoding="utf-8")
        assert read_thresholds(path) == given
