"""A network without a score gets a reason, never NaN; flows beyond float64 stay exact."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archlock.proxies import PROXIES, score_network
from archlock.scores import Score, ScoreFailed

INPUTS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2])


def scores_of(network: nn.Module, inputs: Tensor = INPUTS, loss: Any = nn.functional.cross_entropy) -> dict[str, Any]:
    scores = score_network(network, inputs, TARGETS, loss)
    assert set(scores) == set(PROXIES)
    for score in scores.values():
        assert math.isfinite(score.value) if isinstance(score, Score) else score.reason
    return dict(scores)


def reason(score: Any) -> str:
    assert isinstance(score, ScoreFailed), score
    return score.reason


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.zeros(len(inputs), 3) + self.linear.bias.sum() * 0


def test_constant_outputs() -> None:
    scores = scores_of(Constant())
    assert "does not depend on the weight" in reason(scores["grad_norm"])
    assert "no gradient of the loss" in reason(scores["fisher"])
    assert "do not depend on the inputs" in reason(scores["jacov"])
    assert "no ReLU-like" in reason(scores["nwot"])
    reason(scores["synflow"])
    assert isinstance(scores["params"], Score)


def test_dead_units() -> None:
    """Every ReLU is off for every sample: no gradient reaches the first layer or the inputs."""
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3, bias=False))
    with torch.no_grad():
        network[0].bias.fill_(-1e6)  # type: ignore[union-attr, operator]
    scores = scores_of(network)
    assert "zero for every weight" in reason(scores["grad_norm"])
    assert "zero for every weight" in reason(scores["snip"])
    assert "zero for every layer output" in reason(scores["fisher"])
    assert "constant" in reason(scores["jacov"])
    assert "linearly dependent" in reason(scores["nwot"])


def test_zero_weights() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    for weight in network.parameters():
        nn.init.zeros_(weight)
    scores = scores_of(network)
    assert "no synaptic flow" in reason(scores["synflow"])
    assert isinstance(scores["l2_norm"], Score)
    assert scores["l2_norm"].value == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(bad: float) -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        network[0].weight[0, 0] = bad  # type: ignore[union-attr, index]
    scores = scores_of(network)
    for name in ("grad_norm", "snip", "plain", "fisher", "jacov", "synflow", "l2_norm"):
        assert "not finite" in reason(scores[name])
    assert isinstance(scores["params"], Score)
    assert isinstance(scores["macs"], Score)


def test_no_layers_no_parameters() -> None:
    scores = scores_of(nn.Sequential(nn.ReLU()))
    for name in ("grad_norm", "snip", "plain", "fisher", "synflow", "l2_norm", "macs"):
        reason(scores[name])
    assert scores["params"] == Score(0.0, "parameters")


def test_a_network_that_raises_or_returns_a_pair() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            return self.linear(inputs), inputs

    assert "returns a tuple" in reason(scores_of(Pair())["grad_norm"])
    assert "forward pass failed" in reason(scores_of(nn.Linear(5, 3))["grad_norm"])


def test_a_loss_that_fails_leaves_the_other_scores() -> None:
    network = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3))

    def broken(outputs: Tensor, targets: Tensor) -> Tensor:
        raise RuntimeError("targets do not fit\nand more")

    scores = scores_of(network, loss=broken)
    for name in ("grad_norm", "snip", "plain", "fisher"):
        assert reason(scores[name]) == "the backward pass failed: targets do not fit"
    assert all(isinstance(scores[name], Score) for name in ("jacov", "nwot", "synflow", "macs"))
    not_finite = scores_of(network, loss=lambda outputs, _: outputs.sum() * float("nan"))
    assert "the loss is not finite" in reason(not_finite["snip"])


def test_one_sample_and_equal_samples() -> None:
    network = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3))
    one = score_network(network, INPUTS[:1], TARGETS[:1], nn.functional.cross_entropy)
    assert "two samples" in reason(one["jacov"])
    equal = scores_of(network, INPUTS[:1].repeat(6, 1))
    assert "linearly dependent" in reason(equal["nwot"])


def test_integer_inputs_have_no_input_gradient() -> None:
    network = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(8, 3))
    scores = scores_of(network, torch.randint(0, 10, (6, 2), generator=torch.Generator().manual_seed(0)))
    assert "do not depend" in reason(scores["jacov"])
    assert isinstance(scores["grad_norm"], Score)


class Scalar(nn.Module):
    """y = act(w x), or x + w x, for one number x."""

    def __init__(self, weight: float, residual: bool, activation: nn.Module) -> None:
        super().__init__()
        self.linear, self.residual, self.activation = nn.Linear(1, 1, bias=False), residual, activation
        nn.init.constant_(self.linear.weight, weight)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.activation(self.linear(inputs))
        return inputs + outputs if self.residual else outputs


def chain(weight: float, depth: int, residual: bool = False, activation: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(*(Scalar(weight, residual, activation or nn.ReLU()) for _ in range(depth)))


def synflow(network: nn.Module, inputs: Tensor) -> Score | ScoreFailed:
    return score_network(network, inputs, inputs, nn.functional.mse_loss, ["synflow"])["synflow"]


@pytest.mark.parametrize("weight", [1e-9, 0.25, 1e3, 1e12])
@pytest.mark.parametrize("residual", [False, True])
def test_synflow_of_deep_chains_has_its_closed_form(weight: float, residual: bool) -> None:
    """A chain's flow is depth * w^depth; with skips depth * w * (1 + w)^(depth - 1). Up to 10^2400 here."""
    depth, exact = 200, float(torch.tensor(weight))
    log = depth * math.log(exact) if not residual else math.log(exact) + (depth - 1) * math.log1p(exact)
    score = synflow(chain(weight, depth, residual), torch.ones(2, 1))
    assert isinstance(score, Score)
    assert score.value == pytest.approx(math.log(depth) + log, rel=1e-9)


@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.Mish()])
def test_synflow_follows_smooth_activations_beyond_float64(activation: nn.Module) -> None:
    depth = 120
    huge = synflow(chain(1e6, depth, activation=activation), torch.ones(2, 1))
    assert isinstance(huge, Score)
    assert huge.value == pytest.approx(math.log(depth) + depth * math.log(1e6), rel=1e-6)


def test_synflow_beyond_float64_in_a_convolutional_network() -> None:
    """Scaling the weights of k layers in a row by c multiplies the flow by c^k, whatever lies between."""
    torch.manual_seed(0)

    def network(scale: float) -> nn.Module:
        torch.manual_seed(0)
        body: list[nn.Module] = []
        for _ in range(12):
            layer = nn.Conv2d(3, 3, 3, padding=1, bias=False)
            layer.weight.data.mul_(scale)
            body += [layer, nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3, 1, 1)]
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    inputs = torch.ones(2, 3, 6, 6)
    targets = torch.zeros(2, dtype=torch.long)
    small, huge = (
        score_network(network(scale), inputs, targets, nn.functional.cross_entropy, ["synflow"])["synflow"]
        for scale in (1.0, 2.0**100)
    )
    assert isinstance(small, Score)
    assert isinstance(huge, Score)
    assert huge.value - small.value == pytest.approx(12 * 100 * math.log(2), rel=1e-9)


def test_synflow_that_cannot_be_followed_says_where() -> None:
    class Squared(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.square()

    failed = synflow(nn.Sequential(chain(1e12, 60), Squared()), torch.ones(2, 1))
    assert "leaves the range of float64 in square" in reason(failed)
