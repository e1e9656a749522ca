"""Seeds depend on the run's seed and the work's name, and on nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archlock.seeding import derive_seed, numpy_generator, torch_generator

names = st.lists(st.one_of(st.text(max_size=5), st.integers(), st.tuples(st.integers(), st.integers())), max_size=4)


@given(st.integers(0, 2**63 - 1), names)
def test_the_same_work_has_the_same_seed_of_63_bits(seed: int, work: list[object]) -> None:
    assert derive_seed(seed, *work) == derive_seed(seed, *work)
    assert 0 <= derive_seed(seed, *work) < 2**63


@given(st.lists(st.tuples(st.integers(0, 9), names.map(tuple)), min_size=2, max_size=8, unique_by=repr))
def test_other_work_has_another_seed(works: list[tuple[int, tuple[object, ...]]]) -> None:
    assert len({derive_seed(seed, *work) for seed, work in works}) == len(works)


@pytest.mark.parametrize(
    ("first", "second"),
    [((1, 23), (12, 3)), ((1, "2"), (1, 2)), ((1, "a", "b"), (1, "ab")), ((1, "a\x1fb"), (1, "a", "b"))],
)
def test_names_do_not_run_together(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    assert derive_seed(*first) != derive_seed(*second)


def test_a_seed_is_the_same_in_another_process() -> None:
    code = "from archlock.seeding import derive_seed; print(derive_seed(7, 'label', (1, 2)))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True
        )
        for salt in ("1", "2")
    ]
    assert {int(run.stdout) for run in runs} == {derive_seed(7, "label", (1, 2))}


def test_generators_repeat_and_differ_by_name() -> None:
    draws = [numpy_generator(3, name).integers(0, 2**31, 8).tolist() for name in ("a", "a", "b")]
    assert draws[0] == draws[1] != draws[2]
    tensors = [torch.rand(8, generator=torch_generator(3, name)) for name in ("a", "a", "b")]
    assert torch.equal(tensors[0], tensors[1])
    assert not torch.equal(tensors[0], tensors[2])


def test_a_generator_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    torch.rand(3, generator=torch_generator(0, "work"))
    assert torch.equal(before, torch.get_rng_state())
