"""What holds for every proxy: a score where it is valid, the same for the batch in another order, its scale laws."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import UsageError
from archlock.proxies import PROXIES, score_many, score_network
from archlock.proxies.aggregation import COMPONENTS, az_nas
from archlock.proxies.second_order import substitute
from archlock.scores import Score, ScoreBatch, ScoreFailed

ALONE = [name for name, proxy in PROXIES.items() if proxy.combine is None]
ORDERED = {"zico"}
"""Proxies of batches, which the order of the samples divides."""


@pytest.mark.parametrize("family", ["cnn", "vit", "hybrid"])
@pytest.mark.parametrize("name", ALONE)
def test_a_valid_proxy_scores_and_another_says_why_not(new_case: Any, family: str, name: str) -> None:
    case = new_case(family, double=False)
    score = score_network(case.network, case.inputs, case.targets, case.loss, [name])[name]
    if family in PROXIES[name].valid_for:
        assert isinstance(score, Score), score
        assert (score.unit, score.better) == (PROXIES[name].unit, PROXIES[name].better)
    assert isinstance(score, Score) or score.reason


@pytest.mark.parametrize("family", ["cnn", "vit"])
def test_the_order_of_the_batch_does_not_matter(new_case: Any, family: str) -> None:
    case = new_case(family)
    order = torch.randperm(len(case.inputs))
    names = [name for name in ALONE if name not in ORDERED]
    straight = score_network(case.network, case.inputs, case.targets, case.loss, names)
    shuffled = score_network(case.network, case.inputs[order], case.targets[order], case.loss, names)
    for name, score in straight.items():
        other = shuffled[name]
        if isinstance(score, ScoreFailed):
            assert other == score
        else:
            assert isinstance(other, Score)
            assert other.value == pytest.approx(score.value, rel=1e-6), name


def test_scale_laws_of_the_loss(case: Any) -> None:
    """Three times the loss: gradients three times, Fisher and grasp nine times, ratios and signs as before."""
    laws = {"grad_norm": 3.0, "snip": 3.0, "plain": 3.0, "fisher": 9.0, "grasp": 9.0, "zico": 1.0, "gradsign": 1.0}

    def threefold(outputs: Any, targets: Any) -> Any:
        return 3 * case.loss(outputs, targets)

    single = score_network(case.network, case.inputs, case.targets, case.loss, list(laws))
    triple = score_network(case.network, case.inputs, case.targets, threefold, list(laws))
    for name, factor in laws.items():
        once, thrice = single[name], triple[name]
        assert isinstance(once, Score)
        assert isinstance(thrice, Score)
        assert thrice.value == pytest.approx(factor * once.value, rel=1e-6), name


def test_scale_laws_of_the_weights() -> None:
    """Doubling all weights of a chain of three layers without norms or biases."""
    torch.manual_seed(0)
    layers = (nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.ReLU())
    network = nn.Sequential(*layers, nn.Linear(8, 3, bias=False)).double()
    double = copy.deepcopy(network)
    with torch.no_grad():
        for weight in double.parameters():
            weight.mul_(2)
    inputs, targets = torch.randn(5, 6).double(), torch.zeros(5, dtype=torch.long)
    names = ["l2_norm", "synflow", "ntk", "nwot", "swap", "jacov"]
    once, twice = (score_network(n, inputs, targets, nn.functional.cross_entropy, names) for n in (network, double))
    values = {name: (once[name].value, twice[name].value) for name in names}  # type: ignore[union-attr]
    assert values["l2_norm"][1] == pytest.approx(2 * values["l2_norm"][0])
    assert values["synflow"][1] == pytest.approx(values["synflow"][0] + 3 * math.log(2))
    for name in ("ntk", "nwot", "swap", "jacov"):
        assert values[name][1] == pytest.approx(values[name][0], rel=1e-9), name


def test_az_nas_joins_ranks_by_their_logarithms() -> None:
    batch = ScoreBatch(np.array([3.0, 2.0, 1.0]), np.array([True, True, False]), ("", "", "why"), "", "higher")
    joined = az_nas(dict.fromkeys(COMPONENTS, batch))
    assert joined.values == pytest.approx([0.0, 4 * math.log(2 / 3), 4 * math.log(1 / 3)])
    assert joined.known.tolist() == [True, True, False]
    assert joined.reasons[2] == "why"
    with pytest.raises(UsageError, match="az_nas needs scores of az_"):
        az_nas({"macs": batch})


def test_az_nas_of_networks_among_others(new_case: Any) -> None:
    cases = [new_case("cnn", seed) for seed in range(3)]
    inputs, targets, loss = cases[0].inputs, cases[0].targets, cases[0].loss
    found = score_many([case.network for case in cases], inputs, targets, loss, ["az_nas", "params"])
    assert list(found) == ["az_nas", "params"]
    parts = score_many([case.network for case in cases], inputs, targets, loss, list(COMPONENTS))
    assert found["az_nas"].values == pytest.approx(az_nas(parts).values)
    alone = score_network(cases[0].network, inputs, targets, loss, ["az_nas"])["az_nas"]
    assert "among others" in str(alone)


def test_second_derivatives_of_convolution_and_batch_norm() -> None:
    torch.manual_seed(0)
    values = torch.randn(3, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    settings = (None, (2, 1), (1, 0), (1, 1), 2)
    scale, shift = torch.rand(4, dtype=torch.float64) + 0.5, torch.randn(4, dtype=torch.float64)

    def convolve(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor | None:
        return substitute(nn.functional.conv2d, (values, weight, *settings), {})

    def normalise(values: torch.Tensor) -> torch.Tensor | None:
        return substitute(nn.functional.batch_norm, (values, None, None, scale, shift, True, 0.1, 1e-5), {})

    assert torch.allclose(convolve(values, weight), nn.functional.conv2d(values, weight, *settings))  # type: ignore[arg-type]
    assert torch.autograd.gradcheck(convolve, (values, weight))
    assert torch.autograd.gradgradcheck(convolve, (values, weight))
    assert torch.autograd.gradcheck(normalise, (values,))
    assert torch.autograd.gradgradcheck(normalise, (values,))
