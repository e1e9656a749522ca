"""The predictor on foreign networks: an encoding of any module, a population that ships, and no word beyond it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from torch import Tensor, nn

from archlock.auditing.prediction.encoding import NAMES, encode_workload
from archlock.auditing.prediction.foresight import (
    ReferenceTask,
    fit_relation,
    foresee,
    foresight_lines,
    placed,
    shipped_population,
)
from archlock.hwcost import trace
from archlock.scores import FloatArray, Origin, ScoreFailed
from archlock.tasks.registry import load_task

SHAPE = (3, 16, 16)


class Foreign(nn.Module):
    """Two convolutions and a head, the second past a skip where asked, with a kernel that takes its rows in groups."""

    def __init__(self, width: int = 12, groups: int = 1, *, skip: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 2, 1)
        self.body = nn.Conv2d(width, width, 3, 1, 1, groups=groups)
        self.head = nn.Linear(width, 10)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) to (batch, 10)."""
        x = torch.relu(self.stem(x))
        y = torch.relu(self.body(x)) + (x if self.skip else 0.0)
        logits: Tensor = self.head(y.mean(dim=(2, 3)))
        return logits


def encoded(network: nn.Module, side: int = 16) -> dict[str, float]:
    return dict(zip(NAMES, encode_workload(trace(network.eval(), (1, 3, side, side))).tolist(), strict=True))


def test_an_encoding_says_how_large_wide_and_deep_a_network_is_and_what_it_does() -> None:
    plain, skipped, grouped, wide = (encoded(Foreign(**given)) for given in
                                     ({}, {"skip": True}, {"groups": 12}, {"width": 24}))  # fmt: skip
    assert skipped["skips"] > plain["skips"] == 0.0
    assert grouped["macs_grouped_conv"] > plain["macs_grouped_conv"] == 0.0
    assert plain["macs_conv"] + plain["macs_linear"] == pytest.approx(1.0)
    assert plain["log_depth"] == pytest.approx(np.log10(3))
    assert plain["macs_halved_1"] == pytest.approx(1.0)  # the stem halves both sides
    assert wide["log_mean_width"] - plain["log_mean_width"] == pytest.approx(np.log10(2))
    for name in ("log_parameters", "log_macs", "log_least_bytes"):
        assert wide[name] > plain[name]


def test_resolution_is_relative_to_the_input_and_every_number_is_finite() -> None:
    small, large = encoded(Foreign()), encoded(Foreign(), side=64)
    shares = [name for name in NAMES if "halved" in name]
    assert [small[name] for name in shares] == pytest.approx([large[name] for name in shares], abs=0.01)
    assert all(np.isfinite(list(encoded(nn.Sequential(nn.Flatten(), nn.ReLU())).values())))


def test_the_population_that_ships_is_whole_and_its_predictor_ranks_what_it_has_not_seen() -> None:
    known = shipped_population()
    assert known.names == NAMES
    assert all(len(encoding) == len(NAMES) for encoding in known.encodings)
    assert sorted(place for task in known.tasks for place in task.networks) == list(range(len(known.encodings)))
    assert all(len(task.reached) == len(task.networks) for task in known.tasks)
    assert known.left_out.cases == len(known.encodings) >= 200
    assert 0 < known.left_out.low < known.left_out.kendall_tau < known.left_out.high


def test_the_predictor_learns_an_order_from_half_of_the_networks() -> None:
    known = shipped_population()
    encodings = np.array(known.encodings)

    def half(task: ReferenceTask, rest: int) -> ReferenceTask:
        taken = {"networks": task.networks[rest::2], "reached": task.reached[rest::2]}
        return task.model_copy(update=taken)

    model = fit_relation(encodings, [half(task, 0) for task in known.tasks])
    unseen = [half(task, 1) for task in known.tasks]
    scores = [model.score(encodings[list(task.networks)], np.array(task.embedding))[0] for task in unseen]
    taus = [kendalltau(found, task.reached).statistic for found, task in zip(scores, unseen, strict=True)]
    assert np.mean(taus) > 0.15


def test_a_place_follows_the_score() -> None:
    known = shipped_population()
    embedding = np.array(known.tasks[0].embedding)
    found = [placed(np.array(encoding), SHAPE, embedding) for encoding in known.encodings[:8]]
    places = [each for each in found if not isinstance(each, ScoreFailed)]
    assert len(places) == 8
    assert [place for _, place in sorted(places)] == sorted(place for _, place in places)
    assert all(0 <= place <= 1 for _, place in places)


def middle() -> FloatArray:
    """An encoding in the middle of the population."""
    return np.median(np.array(shipped_population().encodings), axis=0)


def test_nothing_is_said_of_networks_unlike_the_population() -> None:
    embedding = np.array(shipped_population().tasks[0].embedding)
    assert not isinstance(placed(middle(), SHAPE, embedding), ScoreFailed)
    other_size = placed(middle(), (3, 224, 224), embedding)
    assert isinstance(other_size, ScoreFailed)
    assert "input 3x224x224 (3x16x16)" in other_size.reason
    huge = middle()
    huge[NAMES.index("log_parameters")] = 8.0
    unlike = placed(huge, SHAPE, embedding)
    assert isinstance(unlike, ScoreFailed)
    assert "log_parameters" in unlike.reason


def test_a_foreign_network_is_placed_on_a_classification_and_on_nothing_else() -> None:
    network = Foreign(width=16).eval()
    found = foresee(network, SHAPE, load_task("glyphs"))
    assert not isinstance(found, ScoreFailed)
    assert 0 <= found[1] <= 1
    other = foresee(network, SHAPE, load_task("presence"))
    assert isinstance(other, ScoreFailed)
    assert "no classification" in other.reason


def test_lines_bear_the_predicted_class_the_place_or_the_reason() -> None:
    placed_line, failed = foresight_lines({("foresight", "a"): [0.3, 0.75], ("foresight", "b"): "too wide"})
    assert placed_line.figure is not None
    assert placed_line.figure.origin is Origin.PREDICTED
    assert (placed_line.target, placed_line.percentile) == ("a", 0.75)
    assert (failed.figure, failed.reason) == (None, "too wide")
