"""`bench lock`: the lines alone let anyone recompute every figure, whatever the number of workers."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from archlock.benches.lock import LockBench, run_lock, run_trial, trial_problem, trials
from archlock.benches.lock_report import budget_notes, report_document, report_text, vote_notes
from archlock.benches.lock_table import as_document, as_text, lock_rows, pair_gaps
from archlock.benches.lock_values import target_values
from archlock.benches.record import LockRecord, read_records, write_lines
from archlock.benches.setting import TableChoice, open_setting
from archlock.benches.variants import variants
from archlock.errors import BudgetError, TaskError, UsageError
from archlock.executors import make_executor
from archlock.locking.tabular.protocol import Rules, noisy_values
from archlock.locking.tabular.registry import load_method
from archlock.tables import TableError

TASKS = ("task0", "task1", "task2")


def bench(table_file, mode="known", seeds=(0, 1), thresholds=None, tasks=(), method="random", **rules):
    return LockBench(TableChoice("", table_file, tasks), Rules(mode, 20, **rules), seeds, thresholds or {}, method)


def run(made):
    return [run_trial(trial) for trial in trials(made)]


@pytest.fixture(scope="module")
def records(table_file):
    return run(bench(table_file))


def recomputed(record, arrays, edits=None):
    """Gap closed and percentiles from the raw arrays, picks and labels; shares no code with what is tested."""
    twins, tasks = arrays["twins"], arrays["tasks"].tolist()
    first = sorted(set(twins.tolist()))
    truth = {
        task: np.array([arrays["truth"][twins == row, tasks.index(task)].mean() for row in first])
        for task in (record["source"], record["target"])
    }

    def percentile(values):
        below, equal = (values[None, :] < values[:, None]).sum(1), (values[None, :] == values[:, None]).sum(1)
        return 100 * (below + (equal - 1) / 2) / (len(values) - 1)

    source, target = percentile(truth[record["source"]]), percentile(truth[record["target"]])
    if edits is not None:
        target = np.array([max([target[one], *target[sorted(edits[one])]]) for one in range(len(first))])
    met = source >= 95
    picks = [first.index(twins[row]) for row in record["picks"]]
    chance, oracle = target[met].mean(), np.sort(target[met])[:5].mean()
    ours = np.mean([target[pick] if met[pick] else chance for pick in picks])
    return {
        "gap_closed": (chance - ours) / (chance - oracle), "target_percentile": ours, "random": chance,
        "oracle": oracle, "source_percentiles": source[picks].tolist(), "target_percentiles": target[picks].tolist(),
        "admissible": met[picks].tolist(),
    }  # fmt: skip


def check(record, arrays, edits=None):
    import json

    document = json.loads(record.to_json())
    for name, value in recomputed(document, arrays, edits).items():
        assert document[name] == pytest.approx(value), name
    for rows in document["labels"].values():
        assert len(rows) == len(set(rows)) <= 20
        assert (arrays["twins"][rows] == rows).all()
    assert len(set(arrays["twins"][document["picks"]])) == 5


def test_there_is_one_line_for_every_ordered_pair_and_seed(records):
    assert [(one.source, one.target, one.seed) for one in records] == [
        (*pair, seed) for pair in permutations(TASKS, 2) for seed in (0, 1)
    ]
    assert {one.space for one in records} == {"transnas_micro"}


def test_every_figure_follows_from_picks_and_labels_alone(records, arrays):
    for record in records[::3]:
        check(record, arrays)


def test_robust_figures_too(table_file, arrays):
    genotypes, twins = arrays["genotypes"], arrays["twins"]
    first = sorted(set(twins.tolist()))
    number = {row: index for index, row in enumerate(first)}
    lookup = {tuple(genotype): number[twins[row]] for row, genotype in enumerate(genotypes.tolist())}
    edits = [set() for _ in first]
    for genotype, one in lookup.items():
        for edge in range(6):
            edits[one] |= {lookup[(*genotype[:edge], option, *genotype[edge + 1 :])] for option in range(4)} - {one}
    (record,) = run(bench(table_file, seeds=(3,), tasks=TASKS[:2], robust=True))[:1]
    assert record.robust
    check(record, arrays, edits)


def test_a_threshold_is_the_raw_value_at_percentile_95_of_what_is_bought(table_file, records):
    table = TableChoice("", table_file).open()
    for record in records:
        admitted = (table.truth[record.source] >= record.threshold).mean()
        assert admitted == pytest.approx(0.05, abs=1 / len(table))
    harder = run_trial(trials(bench(table_file, valid=True))[0])
    assert harder.bought == "valid"
    assert (table.valid["task0"] >= harder.threshold).mean() == pytest.approx(0.05, abs=1 / len(table))
    assert harder.judged_threshold == records[0].threshold != harder.threshold


def test_a_given_threshold_is_what_counts(table_file):
    table = TableChoice("", table_file).open()
    loose = {task: float(np.quantile(table.truth[task], 0.5)) for task in TASKS}
    record = run_trial(trials(bench(table_file, thresholds=loose))[0])
    assert record.threshold == loose["task0"]
    assert all(record.admissible)
    assert min(record.source_percentiles) >= 49.9
    assert record.random != run_trial(trials(bench(table_file))[0]).random


def test_a_given_threshold_on_validation_values_admits_the_same_share_of_the_truth(table_file):
    table = TableChoice("", table_file).open()
    given = {task: float(np.quantile(table.valid[task], 0.8)) for task in TASKS}
    record = run_trial(trials(bench(table_file, thresholds=given, valid=True))[0])
    shares = [(table.valid["task0"] >= record.threshold).sum(), (table.truth["task0"] >= record.judged_threshold).sum()]
    assert shares[0] == shares[1]


def test_a_line_alone_replays(table_file, records):
    made = bench(table_file)
    setting = open_setting(made.choice)
    for trial, record in list(zip(trials(made), records, strict=True))[::5]:
        problem, _ = trial_problem(trial, setting)
        read = {task: tuple(setting.table.classes[list(rows)]) for task, rows in record.labels.items()}
        problem._values = noisy_values(setting.table.truth, read, np.random.default_rng(1))
        picks = load_method("random")(problem).picks
        assert setting.table.representatives[list(picks)].tolist() == list(record.picks)


def test_lines_survive_the_file(records, tmp_path):
    write_lines(tmp_path / "out.jsonl", [one.to_json() for one in records])
    assert read_records(tmp_path / "out.jsonl") == records
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    (tmp_path / "out.jsonl").write_text('{"format": 9}\n')
    with pytest.raises(UsageError, match=r"out.jsonl:1: a line of format 9"):
        read_records(tmp_path / "out.jsonl")


def test_workers_change_nothing(table_file, records):
    work = trials(bench(table_file, seeds=(0, 1)))[::3]
    with make_executor("processes", 2) as executor:
        found = dict(run_lock(work, executor))
    assert [found[position] for position in range(len(work))] == records[::3]


def test_the_table_puts_every_baseline_beside_ours(records):
    rows = {row.name: row for row in lock_rows(records)}
    assert list(rows) == ["ours", "source_only", "leak", "oracle"]  # a user's table has no published proxies to vote
    assert rows["oracle"].summary.mean == pytest.approx(1)
    assert rows["source_only"].target_fall == 0
    assert rows["leak"].summary.mean > rows["ours"].summary.mean
    assert rows["ours"].summary.mean == pytest.approx(np.mean([one.gap_closed for one in records]))
    assert set(pair_gaps(records)) == set(permutations(TASKS, 2))


def test_missed_admissibility_is_said(records):
    bad = [replace(one, admissible=(False,) * 5) for one in records]
    assert "MISSED: 0.0% of the picks are admissible" in as_text(bad)
    assert not as_document(bad)["admissible_enough"]


def test_records_of_different_cells_are_not_one_table(records):
    with pytest.raises(UsageError, match="not of 2"):
        lock_rows([*records, replace(records[0], mode="paper")])


def test_variants_are_the_harder_labels_and_each_part_replaced(table_file):
    beside = variants(bench(table_file))
    assert list(beside) == ["valid-to-test", "random-predictor", "random-acquisition"]
    assert beside["valid-to-test"].rules.valid
    assert beside["random-predictor"].rules.ablated == ("predictor",)
    assert "random-simulated" in variants(bench(table_file, mode="paper"))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"tasks": ("task0", "task9")}, TableError, r"no task 'task9'\. Did you mean"),
        ({"tasks": ("task0", "task0")}, TaskError, "a target cannot be its own source"),
        ({"tasks": ("task0",)}, TaskError, "at least two tasks"),
        ({"thresholds": {"task0": 1.0}}, UsageError, "none is given for task1, task2"),
        ({"thresholds": {"task0": 1.0, "task4": 2.0}}, UsageError, "'task4' is not a task in play"),
        ({"thresholds": dict.fromkeys(TASKS, 1e9)}, BudgetError, r"source 'task0'.*0 of 3585 architectures meet it"),
        ({"method": "randon"}, UsageError, "Did you mean 'random'"),
        ({"seeds": (1, 1)}, UsageError, "each once"),
    ],
)
def test_what_cannot_be_run_is_told_before_it_runs(table_file, changes, kind, words):
    with pytest.raises(kind, match=words):
        trials(bench(table_file, **changes))


def test_a_task_without_validation_values_is_named(arrays, tmp_path):
    np.savez(tmp_path / "t.npz", **{key: value for key, value in arrays.items() if key != "valid"})
    with pytest.raises(TableError, match="no validation values"):
        trials(bench(tmp_path / "t.npz", valid=True))
    assert "valid-to-test" not in variants(bench(tmp_path / "t.npz"))


def test_a_record_is_plain_json(records):
    assert isinstance(records[0], LockRecord)
    assert LockRecord.from_json(records[0].to_json()) == records[0]


def test_raw_values_of_the_target_are_means_of_the_picks_rows(records, table_file):
    """Recomputed from the file's rows, twins averaged, sharing no code with what is tested."""
    with np.load(table_file) as file:
        arrays = {name: file[name] for name in file.files}
    tasks = arrays["tasks"].tolist()

    def value(row, task):
        return arrays["truth"][arrays["twins"] == row, tasks.index(task)].mean()

    values = target_values(records, open_setting(TableChoice("", table_file)).table)
    assert [one.task for one in values] == list(TASKS)
    for one in values:
        own = [record for record in records if record.target == one.task]
        assert one.ours == pytest.approx(np.mean([value(row, one.task) for record in own for row in record.picks]))
        picked = [record.baselines["oracle"].picks for record in own]
        assert one.baselines["oracle"] == pytest.approx(np.mean([value(row, one.task) for p in picked for row in p]))
        assert one.baselines["oracle"] < one.random


def test_the_report_has_variants_values_and_says_whose_votes_are_whose(records, table_file):
    setting = open_setting(TableChoice("", table_file))
    text = report_text(records, {"other": records}, setting)
    assert text.splitlines()[0] == as_text(records).splitlines()[0]
    assert "\nother " in text
    assert "target value" in text
    document = report_document(records, {"other": records}, setting)
    assert [one["task"] for one in document["target_values"]] == list(TASKS)
    assert budget_notes(records, setting) == []
    classes = len(setting.table)
    large = [replace(one, budgets=dict.fromkeys(one.budgets, classes)) for one in records]
    assert f"no limit: the table has {classes:,} classes" in report_text(large, {}, setting)
    assert document["votes"] == []  # a user's table has no vote
    scored = replace(setting, published=SimpleNamespace(voted_by=lambda task: "task1"))
    voted = [replace(one, baselines=one.baselines | {"vote": one.baselines["oracle"]}) for one in records]
    assert vote_notes(voted, scored) == ["votes on task0, task2: by proxies on task1, which stand in"]
    assert vote_notes([replace(one, mode="paper") for one in records], setting)[0].endswith("no published proxies")
