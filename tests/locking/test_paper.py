"""The paper's method on a table: what it reads, what it optimises, and that it never looks at the target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archlock.locking.tabular.paper import KEPT, ClassMoves, Fitness, paper
from archlock.locking.tabular.paper_source import SourceConstraint
from archlock.locking.tabular.paper_votes import COSINE, SIMULATED, embed_task, hold_vote, voters
from archlock.locking.tabular.problem import ABLATIONS, Ablation, Pool, Problem, Proposal
from archlock.locking.tabular.registry import load_method
from archlock.predictors import cosine_similarity
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


def test_picks_are_admissible_and_lock_better_than_chance_where_the_proxies_are_right(
    answered: tuple[Problem, Proposal],
) -> None:
    problem, proposal = answered
    admissible = VALUES["near"] >= problem.threshold
    picks = list(proposal.picks)
    assert admissible[picks].all()
    assert VALUES["far"][picks].mean() < VALUES["far"][admissible].mean()


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


class TestFitness:
    fitness = Fitness.of(problem_of())

    def test_good_on_the_source_and_poor_on_the_targets_is_fit(self) -> None:
        everyone = list(range(0, len(SIZES), 2))
        worth = self.fitness(everyone)
        contrast = 2 * VALUES["near"][everyone] - VALUES["far"][everyone]
        assert np.corrcoef(worth, contrast)[0, 1] > 0.5

    def test_it_does_not_depend_on_the_order(self) -> None:
        classes = list(range(30))
        np.testing.assert_allclose(self.fitness(classes[::-1]), self.fitness(classes)[::-1])

    def test_ranks_are_bounded(self) -> None:
        worth = self.fitness(list(range(KEPT)))
        assert worth.min() >= -2 * (KEPT - 1)
        assert worth.max() <= KEPT - 1


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
