"""The estimate of the time left: exact where units take equal time, and never a promise from looked-up units."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from archlock.cli.progress import RichProgress
from archlock.runs import InMemoryRun
from archlock.runs.progress import PlannedStage, SilentProgress, TimeLeft, about, mean_seconds, measured_plan

PLAN = (PlannedStage("label", 10, 2.0), PlannedStage("attack", 4, 5.0))


def test_before_anything_is_measured_the_priors_stand() -> None:
    assert TimeLeft(PLAN).seconds(0.0) == 40.0


def test_measured_units_replace_their_prior() -> None:
    left = TimeLeft(PLAN)
    left.start("label", 10, 0, 100.0)
    left.advance(2, 108.0)
    assert left.seconds_per_unit("label") == 4.0
    assert left.seconds(108.0) == 8 * 4.0 + 4 * 5.0


def test_units_found_from_an_earlier_run_are_done_but_not_fast() -> None:
    left = TimeLeft(PLAN)
    left.start("label", 10, 9, 0.0)
    assert left.seconds(0.0) == 2.0 + 20.0


def test_a_stage_that_ended_early_no_longer_counts() -> None:
    left = TimeLeft(PLAN)
    left.start("label", 3, 0, 0.0)
    left.advance(3, 3.0)
    left.finish()
    left.start("attack", 4, 0, 3.0)
    assert left.seconds(3.0) == 20.0


def test_a_stage_that_nobody_planned_counts_while_it_runs() -> None:
    left = TimeLeft(PLAN)
    left.start("label", 10, 10, 0.0)
    left.finish()
    left.start("surprise", 5, 0, 0.0)
    left.advance(1, 7.0)
    assert left.seconds(7.0) == 4 * 7.0 + 20.0


def test_a_stage_may_begin_many_times() -> None:
    left = TimeLeft([PlannedStage("generation", 20, 1.0)])
    for generation in range(2):
        left.start("generation", 5, 0, generation * 10.0)
        left.advance(5, generation * 10.0 + 10.0)
        left.finish()
    assert left.seconds(20.0) == 10 * 2.0


@settings(deadline=None)
@given(
    units=st.integers(1, 30),
    each_s=st.floats(0.01, 100),
    prior_s=st.floats(0, 100),
    known=st.integers(0, 29),
)
def test_equal_units_are_foretold_after_the_first(units: int, each_s: float, prior_s: float, known: int) -> None:
    known = min(known, units - 1)
    left = TimeLeft([PlannedStage("label", units, prior_s)])
    left.start("label", units, known, 0.0)
    for done in range(1, units - known + 1):
        left.advance(1, done * each_s)
        assert left.seconds(done * each_s) == pytest.approx((units - known - done) * each_s, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_waiting_never_lengthens_the_estimate_nor_makes_it_negative(first_s: float, second_s: float) -> None:
    left = TimeLeft(PLAN)
    left.start("label", 10, 0, 0.0)
    early, late = sorted((first_s, second_s))
    assert 0 <= left.seconds(late) <= left.seconds(early)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 s"),
        (7, "about 7 s"),
        (44, "about 40 s"),
        (200, "about 3 min"),
        (9000, "about 2.5 h"),
    ],
)
def test_durations_are_said_as_a_person_would(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_a_resumed_run_plans_with_what_it_measured() -> None:
    store = InMemoryRun()
    store.put("a", "label", 1, seconds=3.0)
    store.put("b", "label", 1, seconds=5.0)
    plan = measured_plan(PLAN, mean_seconds(store.units()), workers=2)
    assert plan == [PlannedStage("label", 10, 2.0), PlannedStage("attack", 4, 5.0)]
    assert measured_plan(PLAN, {"attack": 1.0}, workers=1)[1] == PlannedStage("attack", 4, 1.0)


def _show(terminal: bool) -> str:
    clock = iter(range(0, 10_000, 3))
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=100)
    with RichProgress(PLAN, console, clock=lambda: float(next(clock))) as progress:
        progress.message("begun [sic]")
        progress.start("label", 10, 4)
        progress.advance()
        progress.finish()
    return screen.getvalue()


def test_without_a_terminal_a_stage_is_one_plain_line() -> None:
    lines = _show(terminal=False).splitlines()
    assert lines[0] == "begun [sic]"
    assert len(lines) == 2
    assert lines[1].startswith("label: 5/10 done, ")
    assert "about" in lines[1]
    assert lines[1].endswith(" left")
    assert "\x1b" not in "".join(lines)


def test_without_a_terminal_a_stage_that_comes_back_is_told_once() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=False, width=100)
    with RichProgress(PLAN, console, clock=lambda: 0.0) as progress:
        for _ in range(3):
            progress.start("label", 2)
            progress.advance(2)
            progress.finish()
        progress.start("attack", 1)
        progress.advance()
        progress.finish()
    lines = screen.getvalue().splitlines()
    assert [line.split(" done")[0] for line in lines] == ["label: 6/6", "attack: 1/1"]


def test_on_a_terminal_there_is_a_bar_that_leaves_nothing_behind() -> None:
    shown = _show(terminal=True)
    assert "\x1b[2K" in shown
    assert "begun [sic]" in shown


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    progress = SilentProgress()
    progress.start("label", 2)
    progress.advance()
    progress.message("text")
    progress.finish()
    assert capsys.readouterr() == ("", "")
