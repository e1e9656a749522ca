"""Adaptation to a new device: AdaProxy's objective and limits, the Gaussian process, the design, and the commands."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from archlock.cli.main import run
from archlock.errors import UsageError
from archlock.hwcost.devices import Adaptation, Adapter, Encoding, LatencyTable, adapt, fit_adaproxy, proxy_weights
from archlock.hwcost.devices import adaproxy as adaproxy_chosen
from archlock.hwcost.devices.features import Features
from archlock.hwcost.devices.gaussian import predict
from archlock.scores import Score

POSITIONS, OPTIONS, ROWS = 5, 4, 400


def devices(seed: int = 0) -> LatencyTable:
    """Additive devices, with the costs of categories shared over positions, a device that failed often, and noise."""
    rng = np.random.default_rng(seed)
    codes = np.unique(rng.integers(OPTIONS, size=(2 * ROWS, POSITIONS)), axis=0)
    codes = rng.permutation(codes)[:ROWS]
    place = rng.uniform(0.8, 1.2, size=POSITIONS)
    costs = [[0.2, 1, 2, 4], [0.2, 3, 1, 4], [0.1, 2, 2, 3], [0.5, 1, 4, 2]]
    columns = [(np.array(cost)[codes] * place).sum(axis=1) + 2 + rng.normal(0, 0.05, len(codes)) for cost in costs]
    values = np.column_stack(columns)
    values[rng.random(len(codes)) < 0.2, 3] = -1
    return LatencyTable.of("t", ["near", "far", "mid", "new"], values, Encoding.of_matrix(codes))


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return devices()


def objective(b: np.ndarray, hot: np.ndarray, w: np.ndarray, y: np.ndarray, strength: float) -> float:
    """Equation 5 with a and c eliminated, straight from the paper and without our algebra."""
    design = np.column_stack([hot @ w, np.ones(len(y))])
    rest = y - hot @ (w * b)
    return float(
        ((rest - design @ np.linalg.lstsq(design, rest, rcond=1e-10)[0]) ** 2).mean() + strength * np.linalg.norm(b)
    )


@pytest.mark.parametrize("share", [0.9, 0.3, 0.02])
def test_no_other_shift_is_better_than_the_closed_form(table: LatencyTable, share: float) -> None:
    hot = table.known_encoding().one_hot()[:12]
    rng = np.random.default_rng(1)
    w, y = rng.uniform(0.5, 2, hot.shape[1]), table.latency_ms[:12, 1]
    fit = fit_adaproxy(hot, w, y, share)
    unpenalised = fit_adaproxy(hot, w, y, 1.0)
    assert np.allclose(unpenalised.weights, unpenalised.weights[0] / w[0] * w)
    # The strength in the paper's units: the gradient's norm at b = 0 is where the penalty begins to hold b there.
    at_zero = [
        (objective(step, hot, w, y, 0.0) - objective(-step, hot, w, y, 0.0)) / 2e-6 for step in 1e-6 * np.eye(len(w))
    ]
    strength = share * float(np.linalg.norm(at_zero))
    best = min(
        minimize(objective, start, args=(hot, w, y, strength), options={"maxiter": 2000}).fun
        for start in rng.normal(0, 0.1, size=(3, len(w)))
    )
    ours = ((fit.predict(hot) - y) ** 2).mean()
    shift = fit.weights / w
    norms = [np.linalg.norm(shift - a) for a in np.linspace(shift.min(), shift.max(), 4001)]
    assert ours + strength * min(norms) <= best * (1 + 1e-3)


def test_a_large_strength_returns_the_unadapted_proxy_and_a_rank_deficient_encoding_keeps_bounds(
    table: LatencyTable,
) -> None:
    hot = table.known_encoding().one_hot()
    assert np.linalg.matrix_rank(hot) < hot.shape[1]
    w = proxy_weights(hot, table.latency_ms[:, 0])
    y = table.latency_ms[:6, 1]
    unadapted, free = fit_adaproxy(hot[:6], w, y, 1.0), fit_adaproxy(hot[:6], w, y, 1e-4)
    slope, _ = np.polyfit(hot @ w, unadapted.predict(hot), 1)
    assert np.allclose(unadapted.predict(hot), slope * (hot @ w) + unadapted.offset, atol=1e-8)
    assert np.abs(free.predict(hot)).max() < 10 * table.latency_ms[:, 1].max()


def test_two_proxies_give_different_answers(table: LatencyTable) -> None:
    hot, y = table.known_encoding().one_hot(), table.latency_ms[:, 1]
    fits = [adaproxy_chosen(hot[:8], proxy_weights(hot, table.latency_ms[:, place]), y[:8]) for place in (0, 2)]
    assert not np.allclose(fits[0].predict(hot), fits[1].predict(hot), rtol=1e-3)
    ours = [adapt(Adapter.of(table, [name]), "far", 8, 0).after for name in ("near", "mid")]
    assert ours[0] != ours[1]


def test_ours_beats_adaproxy_and_the_unadapted_proxy_and_covers_about_what_it_says(table: LatencyTable) -> None:
    adapter = Adapter.of(table, ["near"])
    ours = [adapt(adapter, "new", 12, seed, with_coverage=True) for seed in range(5)]
    theirs = [adapt(adapter, "new", 12, seed, method="adaproxy") for seed in range(5)]
    assert mean(ours, "after") > max(mean(theirs, "after"), mean(ours, "before"), 0.9)
    assert 0.75 <= mean(ours, "covered") <= 1.0


def mean(trials: list, name: str) -> float:
    scores = [getattr(trial, name) for trial in trials]
    assert all(isinstance(score, Score) for score in scores)
    return float(np.mean([score.value for score in scores]))


def test_only_measured_rows_of_the_target_are_read(table: LatencyTable) -> None:
    first = adapt(Adapter.of(table, ["near"]), "new", 10, 3)
    values = np.where(table.measured, table.latency_ms, -1.0)
    hidden = table.measured[:, 3].copy()
    hidden[list(first.measured_rows)] = False
    values[hidden, 3] = np.random.default_rng(0).uniform(1, 9, hidden.sum())
    noisy = LatencyTable.of("t", table.devices, values, table.encoding)
    second = Adapter.of(noisy, ["near"])
    assert adapt(second, "new", 10, 3).measured_rows == first.measured_rows
    rows = np.array(first.measured_rows)
    before = predict(Adapter.of(table, ["near"]).features, rows, table.latency_ms[rows, 3])
    after = predict(second.features, rows, noisy.latency_ms[rows, 3])
    assert np.array_equal(before.latency_ms, after.latency_ms)


def test_a_failed_proxy_is_filled_in_from_the_others_and_left_out_alone(table: LatencyTable) -> None:
    both, alone = Adapter.of(table, ["new", "near"]), Adapter.of(table, ["new"])
    assert len(both.rows("far")) == len(table)
    assert len(alone.rows("far")) == len(table) - table.failed()["new"]


def test_a_new_unit_of_the_target_changes_nothing_but_the_unit(table: LatencyTable) -> None:
    rows, features = np.arange(12), Adapter.of(table, ["near"]).features
    once, thousand = (predict(features, rows, factor * table.latency_ms[rows, 1]) for factor in (1.0, 1000.0))
    assert np.allclose(1000 * once.latency_ms, thousand.latency_ms)
    assert np.allclose(1000 * once.sd_ms, thousand.sd_ms)


def test_equal_measurements_leave_the_proxys_ranking() -> None:
    features = Features.of(np.arange(1.0, 21.0)[:, None], None)
    found = predict(features, np.arange(4), np.full(4, 3.0))
    assert (np.diff(found.latency_ms) > 0).all()


def test_without_an_encoding_the_proxies_alone_serve(table: LatencyTable) -> None:
    bare = LatencyTable.of("t", table.devices, np.where(table.measured, table.latency_ms, -1.0))
    assert mean([adapt(Adapter.of(bare, ["near", "mid"]), "far", 10, 0)], "after") > 0.5
    with pytest.raises(UsageError, match="does not say what its architectures are"):
        adapt(Adapter.of(bare, ["near"]), "far", 10, 0, method="adaproxy")


@pytest.mark.parametrize(
    ("proxies", "target", "samples", "told"),
    [
        (["nera"], "new", 10, "Did you mean 'near'"),
        (["near", "near"], "new", 10, "different proxies"),
        (["new"], "new", 10, "both proxy and target"),
        (["near"], "new", 2, "2 samples"),
        (["near"], "new", ROWS, "400 samples"),
    ],
)
def test_wrong_calls(table: LatencyTable, proxies: list[str], target: str, samples: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        adapt(Adapter.of(table, proxies), target, samples, 0)


def test_the_commands_plan_adapt_and_predict(
    table: LatencyTable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    values = np.where(table.measured, table.latency_ms, -1.0)
    with path.open("w", newline="") as file:
        words = ("-".join(table.known_encoding().words(row)) for row in range(len(table)))
        csv.writer(file).writerows(
            [("arch", *table.devices), *((w, *row) for w, row in zip(words, values, strict=True))]
        )
    common = ["--table", str(path), "--proxy", "near,mid", "--json"]
    assert run(["hw", "adapt", *common, "--target", "new", "--samples", "10", "--seeds", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [0, 1]
    assert len(found["after"]) == len(found["before"]) == 2
    assert found["spearman_after"] == pytest.approx(np.mean(found["after"]), abs=1e-5)
    assert found["failed_measurements"] == table.failed()
    assert found["held_out"] == len(table) - table.failed()["new"] - 10
    assert run(["hw", "plan", *common, "--samples", "4"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
    assert run(["hw", "predict", *common, "--target", "new"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sum(row["origin"] == "predicted" for row in rows) == table.failed()["new"]
    assert run(["hw", "adapt", *common, "--target", "newer", "--samples", "10"]) == 2
    assert "no device 'newer'. Did you mean 'new'?" in capsys.readouterr().err


def test_a_score_that_could_not_be_had_is_a_dash_with_its_reason() -> None:
    good = devices()
    values = np.where(good.measured, good.latency_ms, -1.0)
    values[:, 3] = 7.0
    adapter = Adapter.of(LatencyTable.of("t", good.devices, values, good.encoding), ["near"])
    trials = [adapt(adapter, "new", 5, seed, method="ridge") for seed in range(2)]
    flat = Adaptation.of(adapter, "new", "ridge", 5, trials)
    told = "every seed: the measured latencies of the architectures held out are all equal and rank nothing"
    assert flat.as_text().splitlines()[-2:] == [f"– before, {told}", f"– after, {told}"]
    assert flat.as_dict()["failed"] == [told.removeprefix("every seed: ")]
    one = replace(trials[1], before=Score(0.5), after=Score(0.6))
    mixed = Adaptation.of(adapter, "new", "ridge", 5, [trials[0], one]).as_text()
    assert f"– after, seed 0: {told.removeprefix('every seed: ')}" in mixed
    assert "–" not in Adaptation.of(adapter, "new", "ridge", 5, [one]).as_text()
