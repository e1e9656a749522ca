"""The comparison with published scores, on the real table where it is there."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.benches.kept_scores import KeptScores
from archlock.benches.proxies import ProxyBench, ProxyBenchOptions, repeatability, run
from archlock.benches.proxy_agreement import BARS, ProxyRow, compare, spearman
from archlock.benches.proxy_data import PUBLISHED
from archlock.benches.proxy_table import proxy_text
from archlock.errors import UsageError
from archlock.proxies import PROXIES
from archlock.scores import Score, ScoreBatch, ScoreFailed
from archlock.tables import TableError

DATA = Path(os.environ.get("ARCHLOCK_DATA", "missing"))
needs_data = pytest.mark.skipif(
    not (DATA / "nasbench201_zerocost" / "nb201_zerocost.npz").is_file(),
    reason="ARCHLOCK_DATA names no folder with the published scores",
)


@needs_data
def test_parameters_are_the_published_ones_and_scores_are_taken_up_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    first = run(ProxyBenchOptions(cells=4, batch=2, names=("params", "l2_norm", "synflow"), kept=kept))
    rows = {row.name: row for row in first.results}
    assert rows["params"].with_published == pytest.approx(1.0)
    assert rows["params"].meets is True
    assert rows["params"].near is True
    assert rows["l2_norm"].with_published_tied is not None
    assert rows["synflow"].with_published_tied is None
    assert len(kept.read_text().splitlines()) == 4
    again = run(ProxyBenchOptions(cells=5, batch=2, names=("params", "l2_norm", "synflow"), kept=kept))
    assert again.cells[:4].tolist() == first.cells.tolist()
    assert again.scores["synflow"].values[:4].tolist() == first.scores["synflow"].values.tolist()
    assert len(kept.read_text().splitlines()) == 5
    json.dumps(again.rows(), allow_nan=False)


@needs_data
def test_another_draw_has_the_same_cells_and_counts_and_other_weights(tmp_path: Path) -> None:
    asked = ProxyBenchOptions(cells=4, batch=2, names=("params", "l2_norm"), kept=tmp_path / "kept.jsonl")
    first, second = run(asked), run(replace(asked, draw=1))
    assert repeatability(first, second)["params"] == pytest.approx(1.0)
    assert first.scores["l2_norm"].values.tolist() != second.scores["l2_norm"].values.tolist()
    with pytest.raises(UsageError, match="different cells"):
        repeatability(first, replace(second, cells=second.cells[::-1]))


@needs_data
def test_what_is_asked_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        run(ProxyBenchOptions(data=tmp_path, cells=4))
    with pytest.raises(UsageError, match="20000 cells asked for, expected 3 to"):
        run(ProxyBenchOptions(cells=20_000))
    with pytest.raises(UsageError, match="Did you mean 'snip'"):
        run(ProxyBenchOptions(cells=4, names=("snp",)))


@needs_data
def test_pictures_are_asked_for_where_a_proxy_needs_them_and_damaged_files_are_told(tmp_path: Path) -> None:
    for folder in ("nasbench201", "nasbench201_zerocost"):
        (tmp_path / folder).symlink_to((DATA / folder).resolve(), target_is_directory=True)
    asked = ProxyBenchOptions(data=tmp_path, cells=4, batch=2, names=("params",))
    assert run(asked).results[0].with_published == pytest.approx(1.0)
    with pytest.raises(TableError, match=r"cifar10\.npz: no such file. It holds pictures of CIFAR-10: x_train"):
        run(replace(asked, names=("params", "snip")))
    (tmp_path / "images").mkdir()
    few = {"x_train": np.zeros((1, 32, 32, 3), np.uint8), "y_train": np.zeros(1, np.int64)}
    np.savez(tmp_path / "images" / "cifar10.npz", **few)
    with pytest.raises(TableError, match="1 pictures, fewer than a batch of 2"):
        run(replace(asked, names=("snip",)))
    (tmp_path / "nasbench201_zerocost").unlink()
    (tmp_path / "nasbench201_zerocost").mkdir()
    whole = (DATA / "nasbench201_zerocost" / "nb201_zerocost.npz").read_bytes()
    (tmp_path / "nasbench201_zerocost" / "nb201_zerocost.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"nb201_zerocost\.npz: not a numpy archive, or cut off"):
        run(asked)


@needs_data
def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(UsageError, match="cannot be written"):
        run(ProxyBenchOptions(cells=4, kept=tmp_path / "none" / "kept.jsonl", progress=done.append))
    assert not done


def test_bars_and_published_columns_are_of_proxies() -> None:
    assert set(BARS) <= set(PUBLISHED) <= set(PROXIES)


def test_a_bar_is_judged_by_the_scores_as_they_are_and_ties_only_beside_them() -> None:
    published = np.array([10.0, 20.0, 30.0, 31.0, 40.0, 41.0])
    ours = ScoreBatch.of([Score(value) for value in (10.0, 20.0, 30.04, 30.01, 40.04, 40.01)])
    row = compare("l2_norm", ours, published, published)
    assert row.with_published == pytest.approx(1 - 6 * 4 / (6 * 35))
    assert (row.meets, row.meets_tied) == (False, True)
    assert compare("snip", ours, published, published).meets_tied is None


def test_near_is_within_five_hundredths_and_needs_both() -> None:
    row = ProxyRow("zen", 300, 0.5, None, 0.30, 0.34, None, "")
    assert row.near is True
    assert replace(row, published_with_accuracy=0.36).near is False
    assert replace(row, with_accuracy=None).near is None
    assert row.meets is None


def test_the_table_says_what_is_missed() -> None:
    met = ProxyRow("params", 4, 1.0, None, 0.779, 0.779, 0.95, "")
    missed = ProxyRow("l2_norm", 4, 0.936, 0.968, 0.721, 0.719, 0.95, "")
    lines = proxy_text(ProxyBench(np.arange(4), {}, (met, missed), 64, 0)).splitlines()
    assert lines[3].endswith("met near")
    assert "0.936 (0.968)" in lines[4]
    assert "missed, met in brackets" in lines[4]


def test_spearman_of_no_order_is_none() -> None:
    rising = np.arange(5.0)
    assert spearman(rising, rising**3) == pytest.approx(1.0)
    assert spearman(rising, np.ones(5)) is None
    assert spearman(rising[:2], rising[:2]) is None


def test_kept_scores_are_those_of_one_setting(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    kept = KeptScores(path, (0, 64))
    kept.add(7, {"snip": Score(2.5), "zen": ScoreFailed("why")})
    kept.add(7, {"params": Score(3.0, "parameters")})
    found = KeptScores(path, (0, 64)).of(7)
    assert found == {"snip": Score(2.5), "zen": ScoreFailed("why"), "params": Score(3.0, "parameters")}
    assert KeptScores(path, (1, 64)).of(7) == {}
    path.write_text("{}\n")
    with pytest.raises(UsageError, match=r"kept\.jsonl:1: not a line of kept scores"):
        KeptScores(path, (0, 64))
