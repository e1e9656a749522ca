"""One contract for every executor, on real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from executor_units import (
    Training,
    complain_at_length,
    crash,
    divide,
    fail_on_three,
    fail_pickily,
    give_what_cannot_be_sent,
    leave,
    nap,
    square,
    threads_of,
    train_small_network,
)

from archlock.errors import ArchlockError, ModelError, RunFailedError, UsageError
from archlock.executors import KINDS, Executor, ProcessExecutor, SerialExecutor, make_executor


@pytest.fixture(scope="module", params=KINDS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with make_executor(request.param, 2) as made:
        yield made


def test_is_an_executor(executor: Executor) -> None:
    assert isinstance(executor, Executor)


def test_every_job_comes_back_once_with_its_index(executor: Executor) -> None:
    assert sorted(executor.map(square, range(7))) == [(n, n * n) for n in range(7)]


def test_no_jobs_no_results(executor: Executor) -> None:
    assert list(executor.map(square, [])) == []


def test_units_have_one_thread_and_the_caller_keeps_its_own(executor: Executor) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert [threads for _, threads in executor.map(threads_of, range(3))] == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_archlock_error_keeps_its_type_and_what_was_done_comes_first(executor: Executor) -> None:
    seen: list[int] = []
    with pytest.raises(ModelError, match=r"^layer 3: unknown operation$"):
        seen.extend(result for _, result in executor.map(fail_on_three, range(4)))
    assert sorted(seen) == [0, 1, 2]


def test_an_error_with_a_constructor_of_its_own_keeps_its_nearest_type(executor: Executor) -> None:
    with pytest.raises(ModelError, match="conv: 5 is too large"):
        list(executor.map(fail_pickily, [5]))


def test_another_error_is_wrapped_and_named(executor: Executor) -> None:
    with pytest.raises(RunFailedError, match="ZeroDivisionError: division by zero") as raised:
        list(executor.map(divide, [0]))
    assert "in divide" in str(raised.value.__cause__)


def test_a_unit_cannot_exit_the_program(executor: Executor) -> None:
    with pytest.raises(RunFailedError, match="SystemExit: 7"):
        list(executor.map(leave, [0]))


def test_a_message_of_many_lines_is_one(executor: Executor) -> None:
    with pytest.raises(RunFailedError, match="ValueError: line one of 4 line two") as raised:
        list(executor.map(complain_at_length, [4]))
    assert "\n" not in str(raised.value)


def test_the_first_failure_is_told_and_later_units_do_not_start(executor: Executor) -> None:
    seen: list[int] = []
    with pytest.raises(ModelError, match="layer 3"):
        seen.extend(index for index, _ in executor.map(fail_on_three, [3] * 3 + [1] * 40))
    assert len(seen) < 40


def test_works_again_after_an_error(executor: Executor) -> None:
    with pytest.raises(ArchlockError):
        list(executor.map(divide, [0]))
    assert list(executor.map(square, [4])) == [(0, 16)]


def test_a_caller_may_stop_listening(executor: Executor) -> None:
    assert next(executor.map(square, range(100)))[1] >= 0
    assert sorted(executor.map(square, range(3))) == [(0, 0), (1, 1), (2, 4)]


def test_training_is_bitwise_the_same_serially_and_on_two_processes() -> None:
    jobs = [Training(seed) for seed in range(4)]
    serial = dict(SerialExecutor().map(train_small_network, jobs))
    with ProcessExecutor(2) as two, ProcessExecutor(1) as one:
        assert dict(two.map(train_small_network, jobs)) == serial
        assert dict(one.map(train_small_network, list(reversed(jobs)))) == {3 - i: w for i, w in serial.items()}
    assert serial[0] != serial[1]


@pytest.mark.parametrize(
    ("function", "job"), [(lambda number: number, 1), (square, lambda: 1), (give_what_cannot_be_sent, 1)]
)
def test_what_cannot_be_sent_between_processes_is_an_error_of_one_line(function: Any, job: Any) -> None:
    with ProcessExecutor(1) as executor:
        with pytest.raises(
            RunFailedError, match=r"^a unit of work failed: (AttributeError|PicklingError|.*pickle)"
        ) as it:
            list(executor.map(function, [job]))
        assert "\n" not in str(it.value)
        assert list(executor.map(square, [3])) == [(0, 9)]


def test_processes_yield_in_completion_order() -> None:
    with ProcessExecutor(2) as executor:
        list(executor.map(nap, [0.0, 0.0]))  # both workers are up
        assert [index for index, _ in executor.map(nap, [1.0, 0.01, 0.01])] == [1, 2, 0]


def test_a_crashed_worker_is_one_clear_line_and_the_executor_recovers() -> None:
    with ProcessExecutor(1) as executor:
        with pytest.raises(RunFailedError, match=r"^a worker process died.*resume") as raised:
            list(executor.map(crash, [0, 1]))
        assert "\n" not in str(raised.value)
        assert list(executor.map(square, [3])) == [(0, 9)]


@pytest.mark.parametrize(("kind", "workers"), [("serial", 0), ("processes", -1), ("proceses", 1)])
def test_wrong_usage_is_refused(kind: str, workers: int) -> None:
    with pytest.raises(UsageError, match=r"at least 1|Did you mean 'processes'"):
        make_executor(kind, workers)
