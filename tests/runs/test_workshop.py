"""Units of work are done once, remembered at once, and come back the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from search_script import search

from archlock.errors import InterruptedRunError, RunFailedError, RunFolderError
from archlock.executors import ProcessExecutor, SerialExecutor
from archlock.runs import InMemoryRun, Produced, Workshop
from archlock.runs.repeatable import global_randomness
from archlock.runs.work import weights_name


class Recorder:
    """A `Progress` that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def start(self, stage: str, total: int, done: int = 0) -> None:
        self.told.append(("start", stage, total, done))

    def advance(self, units: int = 1) -> None:
        self.told.append(("advance", units))

    def finish(self) -> None:
        self.told.append(("finish",))

    def message(self, text: str) -> None:
        self.told.append(("message", text))


CALLS: list[int] = []


def triple(number: int) -> tuple[int, float]:
    CALLS.append(number)
    return number * 3, number / 3


def draw(_: int) -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def stumble(number: int) -> int:
    if number == 2:
        raise KeyboardInterrupt
    if number == 5:
        raise ZeroDivisionError("five")
    return number


def not_json(_: int) -> float:
    return float("nan")


def grow(size: int) -> Produced:
    return Produced({"size": size}, {"w": torch.full((size,), 1 / 3)} if size else None)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop(InMemoryRun(), SerialExecutor())


def test_results_are_the_same_computed_or_found_and_in_the_order_asked(workshop: Workshop) -> None:
    CALLS.clear()
    first = workshop.do("triple", triple, {("t", 1): 1, ("t", 2): 2})
    second = Workshop(workshop.store, SerialExecutor()).do("triple", triple, {("t", 3): 3, ("t", 2): 2, ("t", 1): 1})
    assert first == {("t", 1): [3, 1 / 3], ("t", 2): [6, 2 / 3]}
    assert list(second) == [("t", 3), ("t", 2), ("t", 1)]
    assert second.items() >= first.items()
    assert CALLS == [1, 2, 3]
    assert [unit.seconds > 0 for unit in workshop.store.units("triple")] == [True] * 3


def test_progress_counts_found_units_apart() -> None:
    recorder = Recorder()
    workshop = Workshop(InMemoryRun(), SerialExecutor(), recorder)
    workshop.do("triple", triple, {"a": 1})
    workshop.do("triple", triple, {"a": 1, "b": 2})
    assert recorder.told == [
        ("start", "triple", 1, 0), ("advance", 1), ("finish",), ("start", "triple", 2, 1), ("advance", 1), ("finish",),
    ]  # fmt: skip


def test_two_stages_cannot_share_a_key(workshop: Workshop) -> None:
    workshop.do("triple", triple, {("a", 1): 1})
    with pytest.raises(ValueError, match="stage triple has a unit of that key"):
        workshop.do("grow", grow, {("a", 1): 1})


def test_weights_are_kept_by_key(workshop: Workshop) -> None:
    results = workshop.do("grow", grow, {("net", 2): 2, ("net", 0): 0})
    assert results == {("net", 2): {"size": 2}, ("net", 0): {"size": 0}}
    assert workshop.weights(("net", 2))["w"].tolist() == torch.full((2,), 1 / 3).tolist()
    with pytest.raises(RunFolderError, match="no weights"):
        workshop.weights(("net", 0))


def test_names_of_weights_differ_where_keys_do() -> None:
    keys = ["a b", "a-b", ("a", "b"), ("a-b",), ("a", 1), ("a", "1"), "ä", "x" * 300, "../..", ""]
    assert len({weights_name(key) for key in keys}) == len(keys)
    store = InMemoryRun()
    for key in keys:
        store.save_weights(weights_name(key), {"w": torch.ones(1)})


@pytest.mark.parametrize(("last", "error"), [(2, InterruptedRunError), (5, RunFailedError)])
def test_what_was_done_before_a_fault_is_kept(last: int, error: type[Exception]) -> None:
    store = InMemoryRun()
    with pytest.raises(error):
        Workshop(store, SerialExecutor()).do("stumble", stumble, {"0": 0, "1": 1, "last": last, "3": 3})
    assert [unit.key for unit in store.units()] == ["0", "1"]


def test_nan_is_refused_with_the_name_of_the_unit(workshop: Workshop) -> None:
    with pytest.raises(RunFailedError, match=r'unit \["odd",1\]: the result is not plain JSON'):
        workshop.do("odd", not_json, {("odd", 1): 1})


def test_global_draws_depend_on_seed_and_key_and_on_nothing_else() -> None:
    def draws(seed: int, keys: list[str]) -> dict[str, list[float]]:
        random.random(), np.random.rand(), torch.rand(3)
        return Workshop(InMemoryRun(), SerialExecutor(), seed=seed).do("draw", draw, dict.fromkeys(keys, 0))

    forward, backward = draws(1, ["a", "b"]), draws(1, ["b", "a"])
    assert forward == backward
    assert forward["a"] != forward["b"]
    assert draws(2, ["a"])["a"] != forward["a"]


def test_global_generators_are_put_back() -> None:
    for begin in (lambda: random.seed(1), lambda: np.random.seed(1), lambda: torch.manual_seed(1)):
        begin()
    expected = draw(0)
    for begin in (lambda: random.seed(1), lambda: np.random.seed(1), lambda: torch.manual_seed(1)):
        begin()
    with global_randomness(7):
        draw(0)
    assert draw(0) == expected


def test_a_search_is_the_same_serially_and_on_one_or_two_processes() -> None:
    expected = search(InMemoryRun(), SerialExecutor())
    for workers in (1, 2):
        with ProcessExecutor(workers) as executor:
            assert search(InMemoryRun(), executor) == expected
