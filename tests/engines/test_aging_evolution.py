"""What makes it aging evolution: age alone kills, a tournament picks parents, and inadmissible children stay out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.engines import Evaluation
from archlock.engines.aging_evolution import PATIENCE, AgingEvolution
from archlock.spaces.protocol import Genotype


class Line:
    """Integers 0 to ``length`` - 1; a mutation is a step of at most ``reach``. It remembers the moves asked for."""

    def __init__(self, length: int = 1000, reach: int = 20) -> None:
        self.length = length
        self.reach = reach
        self.sampled = 0
        self.mutated: list[Genotype] = []

    def sample(self, rng: np.random.Generator) -> Genotype:
        self.sampled += 1
        return (int(rng.integers(self.length)),)

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        self.mutated.append(genotype)
        low, high = max(0, genotype[0] - self.reach), min(self.length - 1, genotype[0] + self.reach)
        child = int(rng.integers(low, high))
        return (child + (child >= genotype[0]),)


def engine_on(line: Line, population: int = 10, seed: int = 0, tournament: int | None = None) -> AgingEvolution:
    return AgingEvolution(line, population, np.random.default_rng(seed), tournament)


def worth(genotype: Genotype, violation: float = 0.0) -> Evaluation:
    return Evaluation(genotype, (float(genotype[0]),), violation)


def test_the_published_run_is_ten_random_ones_and_thirty_children() -> None:
    line = Line(1_000_000, reach=1000)
    engine = engine_on(line)
    steps = []
    for _ in range(40):
        (asked,) = engine.ask(1)
        steps.append(asked)
        engine.tell([worth(asked)])
    assert len(set(steps)) == 40
    assert line.sampled == 10
    assert engine.members == tuple(steps[-10:]), "the ten youngest live, whatever they are worth"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_children_descend_from_members_a_mutation_away(seed: int, population: int) -> None:
    line = Line()
    engine = engine_on(line, population, seed)
    engine.tell([worth(genotype) for genotype in engine.ask(population)])
    for _ in range(10):
        living = engine.members
        (child,) = engine.ask(1)
        assert min(abs(child[0] - member[0]) for member in living) <= line.reach
        engine.tell([worth(child)])


def test_a_whole_tournament_almost_always_finds_the_best() -> None:
    """With replacement, the best of ten is among ten draws in 1 - 0.9^10 = 65 % of tournaments."""
    line = Line()
    engine = engine_on(line, seed=3)
    engine.tell([worth((100 * k + 50,)) for k in range(10)])
    engine.ask(4)
    winners = [engine._parent().genotype for _ in range(2000)]
    share = winners.count((50,)) / len(winners)
    assert share == pytest.approx(1 - 0.9**10, abs=0.04)


def test_a_tournament_of_one_is_a_random_parent() -> None:
    engine = engine_on(Line(), seed=3, tournament=1)
    engine.tell([worth((100 * k + 50,)) for k in range(10)])
    winners = [engine._parent().genotype for _ in range(2000)]
    assert all(150 < winners.count((100 * k + 50,)) < 250 for k in range(10))


def test_of_several_objectives_the_mean_rank_decides() -> None:
    engine = engine_on(Line(), 3, tournament=100)
    engine.tell([Evaluation((g,), worths) for g, worths in ((1, (0.0, 9.0)), (2, (1.0, 1.0)), (3, (9.0, 0.5)))])
    assert engine._parent().genotype == (3,), "all have mean rank 2: the youngest"
    engine.tell([Evaluation((2,), (1.0, 0.1))])
    assert engine._parent().genotype == (2,)


def test_an_inadmissible_child_stays_out_and_an_admissible_one_replaces_the_inadmissible_first() -> None:
    engine = engine_on(Line(), 3)
    engine.tell([worth((10,)), worth((20,), 0.5), worth((30,))])
    engine.tell([worth((40,), 0.1)])
    assert engine.members == ((10,), (20,), (30,))
    engine.tell([worth((50,))])
    assert engine.members == ((10,), (30,), (50,))
    engine.tell([worth((60,))])
    assert engine.members == ((30,), (50,), (60,))


def test_where_nothing_is_admissible_the_least_violation_is_the_parent() -> None:
    engine = engine_on(Line(), 3, tournament=100)
    engine.tell([worth((10,), 0.3), worth((20,), 0.1), worth((30,), 0.2)])
    assert engine._parent().genotype == (20,)
    engine.tell([worth((40,), 0.05)])
    assert engine.members == ((20,), (30,), (40,))


def test_after_fifteen_inadmissible_children_proposals_are_random_until_one_is_admissible() -> None:
    line = Line()
    engine = engine_on(line, 4)
    engine.tell([worth(genotype) for genotype in engine.ask(4)])
    for _ in range(PATIENCE):
        engine.tell([worth(genotype, 1.0) for genotype in engine.ask(1)])
    mutated, sampled = len(line.mutated), line.sampled
    engine.tell([worth(genotype, 1.0) for genotype in engine.ask(1)])
    assert (len(line.mutated), line.sampled) == (mutated, sampled + 1)
    engine.tell([worth(genotype) for genotype in engine.ask(1)])
    engine.ask(1)
    assert len(line.mutated) > mutated, "an admissible one turns the engine back to mutation"


def test_telling_a_member_again_changes_its_worth_and_not_its_age() -> None:
    engine = engine_on(Line(), 3, tournament=100)
    engine.tell([worth((10,)), worth((20,)), worth((30,))])
    engine.tell([Evaluation((10,), (99.0,)), Evaluation((30,), (-1.0,))])
    assert engine.members == ((10,), (20,), (30,))
    assert engine._parent().genotype == (30,)


def test_a_space_is_searched_to_its_end_and_then_nothing_is_asked() -> None:
    engine = engine_on(Line(12, reach=2), 4)
    seen: list[Genotype] = []
    while asked := engine.ask(3):
        seen += asked
        engine.tell([worth(genotype) for genotype in asked])
    assert sorted(seen) == [(index,) for index in range(12)]


def test_it_climbs_where_neighbours_are_alike() -> None:
    best = []
    for seed in range(5):
        engine = engine_on(Line(10_000), 10, seed)
        trace = [10_000]
        for _ in range(60):
            asked = engine.ask(5)
            engine.tell([worth(genotype) for genotype in asked])
            trace.append(min(trace[-1], *(genotype[0] for genotype in asked)))
        assert all(later <= earlier for earlier, later in pairwise(trace))
        best.append(trace[2] - trace[-1])
    assert np.mean(best) > 200, "the best of ten random ones was ten times as far"
