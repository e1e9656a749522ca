"""One proxy device for a search: fronts, hypervolume, and what of the target is read."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from archlock.benches.one_proxy import (
    DEVICES,
    Ground,
    adapted_latency,
    hypervolume,
    load_ground,
    one_proxy_trial,
    pareto_front,
)
from archlock.benches.one_proxy_table import one_proxy_document, one_proxy_text
from archlock.cli.bench import command
from archlock.errors import UsageError
from archlock.hwcost.devices import Adapter, Encoding, LatencyTable
from archlock.spaces.registry import load_space
from archlock.tables.folder import data_folder
from archlock.tables.published import HARDWARE_FILE

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Sixty cells; the target's latency is the proxy's, stretched."""
    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    genotypes = tuple(sorted({space.canonical(space.sample(rng)) for _ in range(80)}))[:60]
    work = np.array([sum({0: 0, 1: 0.1, 2: 1, 3: 5, 4: 2}[gene] for gene in each) for each in genotypes]) + 1.0
    accuracy = 50 + 3 * np.sqrt(work) + rng.normal(0, 1, len(work))
    # The third device is slow where the proxy is quick.
    other = np.array([sum({0: 0, 1: 0.1, 2: 6, 3: 1, 4: 0.5}[gene] for gene in each) for each in genotypes]) + 1.0
    latency = np.stack([work, 0.2 * work**1.5, other], axis=1)
    latency[5, 1] = -1
    encoding = Encoding.of_words([[str(gene) for gene in each] for each in genotypes])
    return Ground(genotypes, accuracy, LatencyTable.of("t", ("proxy", "target", "other"), latency, encoding))


@given(POINTS)
def test_a_front_holds_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    accuracy, latency = np.array(points, dtype=float).T
    front = set(pareto_front(accuracy, latency).tolist())
    for i in range(len(points)):
        beaten = ((accuracy >= accuracy[i]) & (latency <= latency[i])) & (
            (accuracy > accuracy[i]) | (latency < latency[i])
        )
        twin = any(points[j] == points[i] for j in front)
        assert (i in front) <= (not beaten.any())
        assert twin == (not beaten.any())


@given(POINTS)
def test_hypervolume_counts_the_unit_squares_that_a_set_dominates(points: list[tuple[int, int]]) -> None:
    accuracy, latency = np.array(points, dtype=float).T
    squares = sum(any(a >= x + 1 and t <= y for a, t in points) for x in range(9) for y in range(1, 9))
    assert hypervolume(accuracy, latency, (0.0, 9.0)) == pytest.approx(squares)


def test_a_monotone_target_has_the_proxys_front(ground: Ground) -> None:
    trial = one_proxy_trial(ground, "proxy", "target", 10, 0)
    assert trial.unadapted_hypervolume > 0.9
    assert trial.hypervolume > 0.9
    assert trial.verified >= trial.failed


def test_a_target_of_another_kind_is_served_better_by_adaptation_than_by_the_bare_proxy(ground: Ground) -> None:
    trials = [one_proxy_trial(ground, "proxy", "other", 30, seed) for seed in range(3)]
    assert np.mean([one.hypervolume for one in trials]) > np.mean([one.unadapted_hypervolume for one in trials])


def test_only_the_measured_rows_of_the_target_are_read(ground: Ground) -> None:
    """Noise in the place of every other latency of the target changes nothing."""
    plan = [row for row, _ in Adapter.of(ground.latency, ["proxy"]).plan(10, 3)]
    noisy = np.where(ground.latency.measured, ground.latency.latency_ms, -1.0)
    others = np.setdiff1d(np.arange(len(noisy)), plan)
    noisy[others, 1] = np.random.default_rng(1).uniform(1, 9, len(others))
    table = LatencyTable.of("t", ground.latency.devices, noisy, ground.latency.encoding)
    changed = Ground(ground.genotypes, ground.accuracy, table)
    np.testing.assert_array_equal(
        adapted_latency(ground, "proxy", "target", 10, 3), adapted_latency(changed, "proxy", "target", 10, 3)
    )


def test_unfit_devices_are_told(ground: Ground) -> None:
    with pytest.raises(UsageError, match="both proxy and target"):
        one_proxy_trial(ground, "proxy", "proxy", 10, 0)
    flat = Ground(ground.genotypes, np.ones(len(ground.genotypes)), ground.latency)
    with pytest.raises(UsageError, match="front of one"):
        one_proxy_trial(flat, "proxy", "target", 10, 0)
    with pytest.raises(UsageError, match="no device"):
        one_proxy_trial(ground, "proxi", "target", 10, 0)


def test_on_the_published_devices_the_target_front_is_nearly_found() -> None:
    if not (data_folder(None) / HARDWARE_FILE).is_file():
        pytest.skip("HW-NAS-Bench is not in the data folder")
    published = load_ground()
    assert published.latency.devices == DEVICES
    assert len(published.genotypes) == len(published.accuracy) == 6466
    trial = one_proxy_trial(published, "pixel3", "edgegpu", 20, 0)
    assert trial.hypervolume > max(0.9, trial.unadapted_hypervolume)
    assert trial.overlap > trial.unadapted_overlap
    searched = one_proxy_trial(published, "pixel3", "edgegpu", 20, 0, evaluations=60)
    assert searched == one_proxy_trial(published, "pixel3", "edgegpu", 20, 0, evaluations=60)
    assert searched.found <= 60


def test_a_table_has_a_line_per_target_with_the_worst_seed(ground: Ground) -> None:
    trials = [one_proxy_trial(ground, "proxy", target, 20, seed) for target in ("target", "other") for seed in (0, 1)]
    _, first, second = one_proxy_text(trials).splitlines()
    assert first.startswith("target ")
    worst = min(trial.hypervolume for trial in trials[2:])
    assert second.startswith("other ")
    assert f" {worst:.4f} " in second
    mean, low, high = (float(value) for value in re.findall(r"([.\d]+) \(([.\d]+) to ([.\d]+)\)", second)[1])
    assert worst <= low <= mean <= high <= max(trial.hypervolume for trial in trials[2:]) + 1e-4
    assert [row["seed"] for row in one_proxy_document(trials)] == [0, 1, 0, 1]


def test_the_command_searches_with_one_proxy_for_every_other_device() -> None:
    if not (data_folder(None) / HARDWARE_FILE).is_file():
        pytest.skip("HW-NAS-Bench is not in the data folder")
    asked = ["hardware", "--one-proxy", "pixel3", "--seeds", "1", "--json"]
    result = CliRunner().invoke(command, asked)
    assert result.exit_code == 0, result.output
    trials = json.loads(result.stdout)
    assert [trial["target"] for trial in trials] == [device for device in DEVICES if device != "pixel3"]
    assert all(trial["hypervolume"] > 0.9 for trial in trials)


def test_two_benches_at_once_are_refused() -> None:
    result = CliRunner().invoke(command, ["hardware", "--one-proxy", "pixel3", "--rows", "some.csv"])
    assert isinstance(result.exception, UsageError)
