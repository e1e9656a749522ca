"""The paper's method on a table: what it reads, what it optimises, and that it never looks at the target."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.locking.tabular.edits import Edits
from archlock.locking.tabular.paper import KEPT, ClassMoves, Fitness, paper, robust_paper
from archlock.locking.tabular.paper_edits import Exposures
from archlock.locking.tabular.paper_source import SourceConstraint
from archlock.locking.tabular.paper_votes import COSINE, SIMULATED, embed_task, hold_vote, voters
from archlock.locking.tabular.problem import ABLATIONS, Ablation, IntArray, Pool, Problem, Proposal
from archlock.locking.tabular.registry import load_method
from archlock.predictors import RelationMLP, cosine_similarity
from archlock.scores import FloatArray

SPAN = 4
LABELS = 48
SIZES = np.stack(np.meshgrid(*[np.arange(SPAN)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
NOISE = np.random.default_rng(0).standard_normal((2, len(SIZES)))
VALUES = {
    "near": 70 + SIZES @ np.array([4.0, 2.0, 1.0, 1.0]) + 0.1 * NOISE[0],
    "far": 50 + SIZES @ np.array([1.0, 0.0, -6.0, 1.0]) + 0.1 * NOISE[1],
    "third": 10 + SIZES @ np.array([1.0, 1.0, 3.0, 0.0]),
}
"""Four genes of four options each; both tasks love genes 0 and 3 and differ over gene 2."""


def ranks(values: FloatArray) -> FloatArray:
    return np.argsort(np.argsort(values)) / (len(values) - 1)


def pool_of_grid(proxied: tuple[str, ...] = ("near", "far")) -> Pool:
    distance = np.abs(SIZES[:, None] - SIZES[None, :]).sum(axis=2)
    changed = (SIZES[:, None] != SIZES[None, :]).sum(axis=2)
    features = {"one_hot": np.eye(SPAN)[SIZES].reshape(len(SIZES), -1)}
    features["one_hot_mean"] = features["one_hot"]
    for task in proxied:
        columns = [ranks(VALUES[task] + 0.3 * k * NOISE[k % 2]) for k in range(7)]
        features[f"voters_{task}"] = np.stack(columns, axis=1)
    return Pool(
        "grid", SIZES, features, tuple(np.flatnonzero((row == 1) & (distance[i] > 0)) for i, row in enumerate(changed))
    )


POOL = pool_of_grid()


def problem_of(
    pool: Pool = POOL,
    seed: int = 0,
    labels: int = LABELS,
    values: dict[str, FloatArray] = VALUES,
    ablated: tuple[Ablation, ...] = (),
    threshold: float | None = None,
) -> Problem:
    bar = float(np.quantile(values["near"], 0.9)) if threshold is None else threshold
    rng = np.random.default_rng(seed)
    return Problem(pool, "near", "far", bar, {"near": labels}, values, rng, mode="paper", ablated=ablated)


@pytest.fixture(scope="module")
def answered() -> tuple[Problem, Proposal]:
    """One problem with the method's answer."""
    problem = problem_of()
    return problem, paper(problem)


def test_it_reads_the_source_alone_and_within_its_budget(answered: tuple[Problem, Proposal]) -> None:
    problem, proposal = answered
    assert set(problem.labels) == {"near"}
    assert {entry.task for entry in problem.ledger.entries} == {"near"}
    assert 5 <= len(problem.labels["near"]) <= LABELS
    assert set(proposal.picks) <= set(problem.labels["near"]), "every pick was verified on the source"
    assert load_method("paper") is paper


def test_picks_are_admissible(answered: tuple[Problem, Proposal]) -> None:
    problem, proposal = answered
    assert (VALUES["near"][list(proposal.picks)] >= problem.threshold).all()


class Planted:
    """A relation that compares by given values instead of what it learnt: the paper's search without its predictor.

    Args:
        near, far: shape (classes,), what it says of the source and of every simulated target.
    """

    def __init__(self, near: FloatArray, far: FloatArray) -> None:
        self.near, self.far = near, far

    def outcomes(self, features: FloatArray, tasks: FloatArray, panel: FloatArray | None = None) -> FloatArray:
        rows, others = class_of(features), class_of(features if panel is None else panel)
        said = [self.near, *[self.far] * (len(tasks) - 1)]
        return np.stack([(one[rows][:, None] > one[others][None, :]).astype(float) for one in said])


def class_of(features: FloatArray) -> IntArray:
    """Which class of the grid each row is."""
    row = features.reshape(len(features), -1, SPAN).argmax(axis=2) @ SPAN ** np.arange(3, -1, -1)
    return np.asarray(row, dtype=np.int64)


def planted_run(monkeypatch: pytest.MonkeyPatch, seed: int, near: FloatArray, far: FloatArray) -> tuple[int, ...]:
    """Picks of the whole method with a planted relation, as places among what it found admissible, fittest first.

    Fitness is counted here from the true values: targets beaten by, less twice the sources beaten by.
    """
    monkeypatch.setattr(RelationMLP, "fit", lambda *_, **__: Planted(near, far))
    problem = problem_of(seed=seed)
    picks = paper(problem).picks
    found = [index for index, value in problem.labels["near"].items() if value >= problem.threshold]
    assert len(found) <= KEPT, "else the method may have forgotten some"
    beaten = {task: (VALUES[task][found][None, :] > VALUES[task][found][:, None]).sum(axis=1) for task in VALUES}
    fittest = np.argsort(2 * beaten["near"] - beaten["far"], kind="stable")
    order = [found[at] for at in fittest]
    return (len(order), *(order.index(pick) for pick in picks))


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_signal_is_recovered_exactly(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    count, *places = planted_run(monkeypatch, seed, VALUES["near"], VALUES["far"])
    assert count > 2 * len(places)
    assert places == [0, 1, 2, 3, 4]


def test_a_planted_noise_gives_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five places drawn without return from n: their mean has variance (n + 1) (n - 5) / 60; 4 deviations are held.

    That is some 40 in sum, where the planted signal would be off by 120.
    """
    off, variance = 0.0, 0.0
    for seed in range(12):
        near, far = np.random.default_rng([7, seed]).standard_normal((2, len(SIZES)))
        count, *places = planted_run(monkeypatch, seed, near, far)
        off += np.mean(places) - (count - 1) / 2
        variance += (count + 1) * (count - 5) / 60
    assert abs(off) < 4 * variance**0.5


def test_replay_gives_the_same_picks_from_the_labels_alone(answered: tuple[Problem, Proposal]) -> None:
    first, proposal = answered
    noise = {task: 100 * np.random.default_rng(9).standard_normal(len(SIZES)) for task in VALUES}
    for index, value in first.labels["near"].items():
        noise["near"][index] = value
    assert paper(problem_of(values=noise, threshold=first.threshold)).picks == proposal.picks


@pytest.mark.parametrize("ablated", ABLATIONS)
def test_a_part_can_be_replaced_by_chance(ablated: Ablation) -> None:
    problem = problem_of(ablated=(ablated,))
    picks = paper(problem).picks
    assert all(problem.labels["near"][index] >= problem.threshold for index in picks)


def test_where_nothing_is_admissible_the_best_labelled_are_proposed() -> None:
    problem = problem_of(threshold=1e6)
    proposal = paper(problem)
    best = sorted(problem.labels["near"].values(), reverse=True)[:5]
    assert [problem.labels["near"][index] for index in proposal.picks] == best
    assert proposal.notes["admissible"] == 0


def test_simulated_targets_lie_at_the_papers_cosine_and_the_vote_says_whose_proxies_it_used() -> None:
    ballot = hold_vote(POOL, "near", np.arange(40), np.random.default_rng(0))
    assert ballot.targets.shape == (SIMULATED, 2048)
    assert cosine_similarity(ballot.targets, ballot.source[None])[:, 0] == pytest.approx(np.full(SIMULATED, COSINE))
    assert len(ballot.evidence) == 1 + SIMULATED
    assert ballot.notes == {"source vote": "near", "target votes": "far"}
    np.testing.assert_array_equal(embed_task("near"), ballot.source)
    assert not np.array_equal(embed_task("far"), embed_task("near"))


def test_the_vote_is_the_majority_of_the_proxies() -> None:
    ballot = hold_vote(POOL, "near", np.arange(60), np.random.default_rng(0))
    own = ballot.evidence[0]
    wins = (POOL.features["voters_near"][own.first] > POOL.features["voters_near"][own.second]).sum(axis=1)
    np.testing.assert_array_equal(own.outcome, (wins > 3).astype(float))


@pytest.mark.parametrize(
    ("pool", "of", "width"),
    [
        (POOL, "far", 7),
        (pool_of_grid(("near",)), "near", 7),
        (pool_of_grid(()), "size", 1),
        (replace(pool_of_grid(()), features=pool_of_grid(()).features | {"shape": SIZES.astype(float)}), "size", 2),
    ],
)
def test_what_stands_in_for_missing_proxies_is_said(pool: Pool, of: str, width: int) -> None:
    found = voters(pool, "far")
    assert (found.of, found.scores.shape) == (of, (len(SIZES), width))


def test_without_any_proxies_it_still_runs_and_says_so() -> None:
    proposal = paper(problem_of(pool_of_grid(())))
    assert proposal.notes["target votes"] == "size"


def signed(signal: dict[str, FloatArray]) -> Pool:
    """The grid with seven equal proxies of each task, which rank the classes by a signal."""
    columns = {f"voters_{task}": np.repeat(ranks(value)[:, None], 7, axis=1) for task, value in signal.items()}
    return replace(POOL, features=POOL.features | columns)


def contrast(near: FloatArray, far: FloatArray) -> FloatArray:
    """The paper's fitness by known values, up to a constant."""
    return 2 * ranks(near) - ranks(far)


class TestFitness:
    fitness = Fitness.of(problem_of())

    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_clean_vote_is_learnt_and_a_reversed_one_reversed(self, sign: int) -> None:
        """Whatever does not come from the vote, such as an order of the classes, would survive the reversal."""
        near, far = VALUES["near"], VALUES["far"]
        worth = Fitness.of(problem_of(signed({"near": near, "far": sign * far})))(list(range(len(SIZES))))
        agreement = {side: spearmanr(worth, contrast(near, side * far)).statistic for side in (1, -1)}
        assert agreement[sign] > 0.9
        assert agreement[sign] > agreement[-sign] + 0.2

    @pytest.mark.slow
    def test_a_vote_of_noise_tells_nothing(self) -> None:
        """Noise has no order in the genes that a perceptron could carry over; three draws, so that one may be odd."""
        agreements = []
        for seed in range(3):
            noise = np.random.default_rng([8, seed]).standard_normal((2, len(SIZES)))
            fitness = Fitness.of(problem_of(signed({"near": noise[0], "far": noise[1]}), seed=seed))
            worth = fitness(list(range(len(SIZES))))
            agreements.append(spearmanr(worth, contrast(VALUES["near"], VALUES["far"])).statistic)
        assert abs(np.mean(agreements)) < 0.4

    def test_it_does_not_depend_on_the_order(self) -> None:
        classes = list(range(30))
        np.testing.assert_allclose(self.fitness(classes[::-1]), self.fitness(classes)[::-1])

    def test_ranks_are_bounded(self) -> None:
        worth = self.fitness(list(range(KEPT)))
        assert worth.min() >= -2 * (KEPT - 1)
        assert worth.max() <= KEPT - 1


class TestExposures:
    """With a relation that knows the target: what is asked of the panel orders classes by their best edit."""

    def test_a_class_is_as_exposed_as_the_best_of_its_edits(self) -> None:
        panel = np.arange(len(SIZES))
        planted = cast(RelationMLP, Planted(VALUES["near"], VALUES["far"]))
        targets = np.zeros((3, 2))
        exposures = Exposures(Edits(POOL.neighbours), POOL.features["one_hot"], panel, targets, planted)
        classes = np.random.default_rng(0).permutation(len(SIZES))[:40].tolist()
        best = np.array([max(VALUES["far"][[index, *POOL.neighbours[index]]]) for index in classes])
        wanted = (np.sign(best[:, None] - best[None, :]) + 1) / 2
        # The first entry of a planted relation is the source; the simulated targets follow.
        np.testing.assert_array_equal(exposures.outcomes(classes)[1:], np.stack([wanted] * 2))
        np.testing.assert_array_equal(exposures.outcomes(classes[::-1]), exposures.outcomes(classes)[:, ::-1, ::-1])

    def test_the_robust_form_asks_no_label_of_the_target_and_keeps_the_source(self) -> None:
        problem = problem_of()
        picks = robust_paper(problem).picks
        assert set(problem.labels) == {"near"}
        assert all(problem.labels["near"][index] >= problem.threshold for index in picks)
        assert picks != paper(problem_of()).picks


class TestSourceConstraint:
    def test_most_of_what_it_calls_likely_is_better_than_the_rest(self) -> None:
        constraint = SourceConstraint(problem_of())
        likely = constraint.likely()
        assert likely.sum() >= 0.05 * len(SIZES)
        assert VALUES["near"][likely].mean() > np.quantile(VALUES["near"], 0.75)

    def test_a_shortfall_buys_one_label_once(self) -> None:
        problem = problem_of()
        constraint = SourceConstraint(problem)
        before = problem.remaining("near")
        fresh = next(index for index in range(len(SIZES)) if index not in constraint.labels)
        assert constraint.shortfall(fresh) == max(0.0, problem.threshold - VALUES["near"][fresh])
        constraint.shortfall(fresh)
        assert problem.remaining("near") == before - 1

    def test_moves_keep_to_neighbours_that_are_likely(self) -> None:
        constraint = SourceConstraint(problem_of())
        moves, rng = ClassMoves(POOL.neighbours, constraint), np.random.default_rng(0)
        likely = constraint.likely()
        for _ in range(50):
            (sampled,) = moves.sample(rng)
            assert likely[sampled]
            (child,) = moves.mutate((sampled,), rng)
            near = POOL.neighbours[sampled]
            assert child in near
            assert likely[child] or not likely[near].any()
