"""Laws of what the benches print: ranks, agreements, settings; each against the same figure worked out another way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from archlock.benches.engine import EngineResult, engine_document, engine_rows
from archlock.benches.lock import LockBench, run_trial, trials
from archlock.benches.predictor import (
    PredictorTrial,
    contrast,
    predictor_trials,
    run_predictor_trial,
)
from archlock.benches.predictor_table import predictor_document, predictor_rows
from archlock.benches.proxy_agreement import BARS, NEAR, TIED, compare, spearman
from archlock.benches.setting import TableChoice, open_setting
from archlock.benches.variants import ABLATED_IN, variants
from archlock.errors import UsageError
from archlock.locking.tabular.protocol import Rules
from archlock.proxies import PROXIES
from archlock.scores import ScoreBatch
from archlock.tables import TableError
from archlock.testing import arrays_of, small_table

SEEDS = st.integers(0, 2**32 - 1)
NAMES = ("first", "second", "third")


def results(seed, tasks=3, runs=2, shift=0.0):
    rng = np.random.default_rng(seed)
    return [
        EngineResult("t", f"task{task}", name, run, 20, 50.0, float(rng.uniform(0, 9)) + shift)
        for task in range(tasks)
        for name in NAMES
        for run in range(runs)
    ]


@given(SEEDS, st.randoms(use_true_random=False))
def test_engines_share_all_ranks_whatever_the_order_of_the_runs(seed, random):
    made = results(seed)
    rows = engine_rows(made)
    assert sum(row.mean_rank for row in rows) == pytest.approx(1 + 2 + 3)
    assert [row.mean_rank for row in rows] == sorted(row.mean_rank for row in rows)
    again = {row.engine: row for row in engine_rows(random.sample(made, len(made)))}
    for row in rows:
        assert again[row.engine].mean_rank == pytest.approx(row.mean_rank)
        assert again[row.engine].mean_regret == pytest.approx(row.mean_regret)
        assert again[row.engine].worst_task == row.worst_task
        assert row.mean_regret <= row.worst_regret


@given(SEEDS, st.floats(0.1, 50))
def test_regret_that_all_engines_share_changes_no_rank(seed, shift):
    plain, moved = ({row.engine: row for row in engine_rows(results(seed, shift=by))} for by in (0.0, shift))
    for name in NAMES:
        assert moved[name].mean_rank == plain[name].mean_rank
        assert moved[name].mean_regret == pytest.approx(plain[name].mean_regret + shift)


def test_an_engine_that_is_best_everywhere_has_rank_one():
    made = results(0)
    best = [EngineResult("t", f"task{task}", "best", run, 20, 99.0, 0.0) for task in range(3) for run in range(2)]
    first, *_ = engine_rows([*made, *best])
    assert (first.engine, first.mean_rank, first.worst_regret) == ("best", 1.0, 0.0)
    assert len(engine_document([*made, *best])["trials"]) == len(made) + len(best)


def batch_of(values, known=None):
    values = np.asarray(values, dtype=float)
    known = np.ones(len(values), dtype=bool) if known is None else known
    return ScoreBatch(np.where(known, values, 0.0), known, tuple("" if one else "broken" for one in known))


@given(SEEDS, st.sampled_from(sorted(set(PROXIES) - set(TIED))))
def test_agreement_sees_the_order_alone_and_turns_with_the_direction(seed, name):
    rng = np.random.default_rng(seed)
    ours, theirs, accuracy = rng.standard_normal((3, 40))
    row = compare(name, batch_of(ours), theirs, accuracy)
    other = compare(name, batch_of(np.exp(ours)), theirs**3, 5 * accuracy)
    assert other.with_published == pytest.approx(row.with_published)
    assert other.with_accuracy == pytest.approx(row.with_accuracy)
    sign = 1 if PROXIES[name].better == "higher" else -1
    assert row.with_accuracy == pytest.approx(sign * spearman(ours, accuracy))
    assert row.published_with_accuracy == pytest.approx(spearman(theirs, accuracy))
    assert row.bar == BARS.get(name)
    assert row.near == (abs(row.with_accuracy - row.published_with_accuracy) <= NEAR)
    alone = compare(name, batch_of(ours), None, accuracy)
    assert (alone.with_published, alone.near) == (None, None)


@given(SEEDS)
def test_cells_that_either_side_lacks_are_left_out(seed):
    rng = np.random.default_rng(seed)
    ours, theirs, accuracy = rng.standard_normal((3, 40))
    known, there = rng.random(40) < 0.8, rng.random(40) < 0.8
    row = compare("snip", batch_of(ours, known), np.where(there, theirs, np.nan), accuracy)
    both = known & there
    whole = compare("snip", batch_of(ours[both]), theirs[both], accuracy[both])
    assert row.with_published == pytest.approx(whole.with_published)
    assert row.with_accuracy == pytest.approx(whole.with_accuracy)
    assert row.known == known.sum()
    assert row.reason == ("" if known.all() else "broken")


@given(SEEDS)
def test_contrast_is_a_difference_of_ranks(seed):
    source, target = np.random.default_rng(seed).standard_normal((2, 30))
    found = contrast(source, target)
    assert found.sum() == pytest.approx(0)
    np.testing.assert_allclose(contrast(np.exp(source), target**3), found)
    above = int(np.argmax(found))
    assert (source < source[above]).sum() - (target < target[above]).sum() >= 0


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small.npz"
    np.savez(path, **arrays_of(small_table(rows=260, tasks=3)))
    return path


def test_taus_follow_from_the_labels_that_were_drawn(small_file):
    choice = TableChoice("", small_file, ("task0", "task2"))
    trial = PredictorTrial(choice, "extra-trees", 60, 1)
    result, again = run_predictor_trial(trial), run_predictor_trial(trial)
    assert result == again
    assert result.labels == 2 * 60
    assert set(result.taus) == {"task0", "task2"}
    assert list(result.contrasts) == ["task0/task2"]
    assert all(-1 <= tau <= 1 for tau in result.taus.values())
    perfect = kendalltau(np.arange(9), np.arange(9)).statistic
    assert max(result.taus.values()) < perfect


def test_more_labels_predict_better(small_file):
    choice = TableChoice("", small_file)
    rows = {
        labels: predictor_rows(
            [run_predictor_trial(one) for one in predictor_trials(choice, ["extra-trees"], labels, range(3))]
        )[0]
        for labels in (10, 120)
    }
    assert rows[120].tau > rows[10].tau
    assert rows[120].worst_tau <= rows[120].tau


def test_the_predictors_document_names_every_trial(small_file):
    work = predictor_trials(TableChoice("", small_file), ["extra-trees", "gaussian-process"], 30, range(2))
    assert [(one.predictor, one.seed) for one in work] == [
        (name, seed) for name in ("extra-trees", "gaussian-process") for seed in (0, 1)
    ]
    document = predictor_document([run_predictor_trial(one) for one in work[:1]])
    assert [row["predictor"] for row in document["predictors"]] == ["extra-trees"]


@given(st.sampled_from(["known", "unknown", "paper"]), st.booleans())
@settings(max_examples=12)
def test_variants_change_one_thing_each(small_file_rules, mode, robust):
    bench = LockBench(small_file_rules, Rules(mode, 20, robust), (0,))
    for name, other in variants(bench).items():
        assert other.choice == bench.choice
        assert other.rules.robust == robust
        changed = [other.rules.valid != bench.rules.valid, other.rules.ablated != bench.rules.ablated]
        assert changed.count(True) == 1, name
    named = [name for name in variants(bench) if name.startswith("random-")]
    assert named == [f"random-{part}" for part in ABLATED_IN[mode]]


@pytest.fixture(scope="module")
def small_file_rules(small_file):
    return TableChoice("", small_file)


def test_a_choice_names_its_tasks_and_keeps_its_table(small_file):
    choice = TableChoice.of("", small_file, "task2, task0", None)
    assert choice.tasks_in_play() == ("task2", "task0")
    assert open_setting(choice) is open_setting(TableChoice("", small_file, ("task2", "task0")))
    assert open_setting(choice).pool.classes == len(choice.open())
    with pytest.raises(UsageError, match="name a table"):
        TableChoice.of("", None, "", None)
    with pytest.raises(UsageError, match=r"not of 'nasbench201'"):
        TableChoice("nasbench201", small_file).open()
    with pytest.raises(TableError, match="Did you mean 'task1'"):
        TableChoice("", small_file, ("task1", "task11")).tasks_in_play()


@pytest.mark.parametrize(("mode", "method"), [("known", "known"), ("unknown", "unknown"), ("paper", "random")])
def test_a_trial_spends_no_more_than_it_is_given_and_says_what_it_was_given(small_file, mode, method):
    own = {"task0": 9, "task1": 14, "task2": 6}
    work = trials(LockBench(TableChoice("", small_file), Rules(mode, own), (4,), {}, method))
    record = run_trial(work[0])
    assert set(record.labels) == set(record.budgets)
    assert record.budgets == {task: own[task] for task in record.budgets}
    assert all(len(rows) <= own[task] for task, rows in record.labels.items())
    assert run_trial(work[0]) == record
