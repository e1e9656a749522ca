"""New proxies on tiny networks whose scores are known by hand, or against a slow direct computation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.proxies import score_network
from archlock.proxies.blocks import block_entropy, block_norm
from archlock.proxies.noise_response import log_scale
from archlock.proxies.patterns import UnitPatterns
from archlock.scores import Score, ScoreFailed


def value(
    network: nn.Module, inputs: Tensor, targets: Tensor, name: str, loss: Any = functional.cross_entropy
) -> float:
    score = score_network(network, inputs, targets, loss, [name])[name]
    assert isinstance(score, Score), score
    return score.value


def linear(weight: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight, dtype=torch.float64))
    return layer


def squares(outputs: Tensor, _: Tensor) -> Tensor:
    return outputs.square().sum() / 2


def test_grasp_of_a_quadratic() -> None:
    """L = |W x|^2 / 2 has g = W S and H g = g S, S = x x^T summed: the score is -tr(W^T W S S)."""
    layer = linear([[1.0, -2.0], [0.5, 3.0]])
    inputs = torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]]).double()
    weight, spread = layer.weight.detach(), inputs.T @ inputs
    expected = -float((weight * (weight @ spread @ spread)).sum())
    assert value(layer, inputs, torch.zeros(3), "grasp", squares) == pytest.approx(expected)


def test_grasp_of_a_linear_loss_has_no_curvature() -> None:
    score = score_network(linear([[1.0]]), torch.ones(2, 1).double(), torch.zeros(2), lambda o, _: o.sum(), ["grasp"])
    assert "does not depend on the weights" in str(score["grasp"])


def test_grasp_against_autograd_alone(case: Any) -> None:
    for module in case.network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    layers = [module for module in case.network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    weights: list[Tensor] = [layer.weight for layer in layers]
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        loss = case.loss(case.network(case.inputs), case.targets)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    step = sum((g * g.detach()).sum() for g in gradients)
    products = torch.autograd.grad(step, weights)
    expected = -sum(float((w * h).sum().detach()) for w, h in zip(weights, products, strict=True))
    assert value(case.network, case.inputs, case.targets, "grasp") == pytest.approx(expected, rel=1e-8)


def test_zico_of_two_gradients() -> None:
    """L = w x: the gradients of the halves are their sums of x, and the ratio is mean / deviation of their sizes."""
    layer = linear([[1.0, 1.0]])
    inputs = torch.tensor([[1.0, -2.0], [3.0, -8.0]]).double()
    expected = math.log((1 + 3) / (3 - 1) + (2 + 8) / (8 - 2))
    assert value(layer, inputs, torch.zeros(2), "zico", lambda o, _: o.sum()) == pytest.approx(expected)
    same = score_network(layer, inputs[:1].repeat(2, 1), torch.zeros(2), lambda o, _: o.sum(), ["zico"])["zico"]
    assert "does not vary" in str(same)


def test_gradsign_counts_agreeing_samples() -> None:
    """L = sum(w x): a sample's gradient is x; signs sum to 1 and to -3 over the three samples."""
    inputs = torch.tensor([[1.0, -1.0], [2.0, -5.0], [-3.0, -1.0]]).double()
    assert value(linear([[1.0, 2.0]]), inputs, torch.zeros(3), "gradsign", lambda o, _: o.mean()) == 1 + 3


def test_ntk_of_one_layer_is_the_condition_number_of_the_inputs_gram() -> None:
    torch.manual_seed(1)
    inputs = torch.randn(3, 5).double()
    expected = math.log(np.linalg.cond((inputs @ inputs.T).numpy()))
    assert value(linear([[1.0] * 5, [2.0] * 5]), inputs, torch.zeros(3), "ntk", squares) == pytest.approx(expected)
    dependent = score_network(linear([[1.0]]), torch.ones(3, 1).double(), torch.zeros(3), squares, ["ntk"])["ntk"]
    assert "linearly dependent" in str(dependent)


def test_ntk_and_gradsign_are_those_of_samples_run_alone(new_case: Any) -> None:
    """Without batch norm a sample's gradient is the gradient of a batch of one."""
    case = new_case("vit")
    layers = [module for module in case.network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    weights: list[Tensor] = [layer.weight for layer in layers]
    rows, signs = [], []
    for sample, target in zip(case.inputs, case.targets, strict=True):
        outputs = case.network(sample[None])
        for kept, scalar in ((rows, outputs.sum()), (signs, case.loss(outputs, target[None]))):
            found = torch.autograd.grad(scalar, weights, retain_graph=True)
            kept.append(torch.cat([gradient.flatten() for gradient in found]))
    jacobian = torch.stack(rows).numpy()
    agreement = float(torch.stack(signs).sign().sum(dim=0).abs().sum())
    expected = math.log(np.linalg.cond(jacobian @ jacobian.T))
    assert value(case.network, case.inputs, case.targets, "ntk") == pytest.approx(expected, rel=1e-6)
    assert value(case.network, case.inputs, case.targets, "gradsign") == agreement


@pytest.mark.parametrize("settings", [{"stride": 2, "padding": 1}, {"groups": 2}, {"dilation": 2, "padding": 2}])
def test_gradients_of_single_samples_of_convolutions(settings: dict[str, int]) -> None:
    torch.manual_seed(0)
    body = nn.Conv2d(4, 6, 3, **settings).double()
    network = nn.Sequential(body, nn.ReLU(), nn.Flatten(), nn.LazyLinear(2, dtype=torch.float64))
    inputs = torch.randn(4, 4, 7, 7).double()
    network(inputs)
    rows = []
    for sample in inputs:
        found = torch.autograd.grad(network(sample[None]).sum(), [body.weight, network[3].weight])
        rows.append(torch.cat([gradient.flatten() for gradient in found]))
    gram = (torch.stack(rows) @ torch.stack(rows).T).numpy()
    score = value(network, inputs, torch.zeros(4, dtype=torch.long), "ntk")
    assert score == pytest.approx(math.log(np.linalg.cond(gram)), rel=1e-6)


def test_vkdnw_of_one_layer_is_one_plus_the_entropy_of_equal_deciles() -> None:
    """One weight has one eigenvalue: nine equal deciles, entropy log 9."""
    inputs = torch.tensor([[1.0], [2.0], [-1.0]]).double()
    assert value(linear([[1.0], [2.0]]), inputs, torch.zeros(3), "vkdnw", squares) == pytest.approx(1 + math.log(9))


def test_epe_nas_of_two_pairs() -> None:
    """Equal input gradients within a class correlate by one in all four entries."""
    network, inputs = linear([[1.0, -2.0, 4.0]]), torch.randn(4, 3).double()
    targets = torch.tensor([0, 0, 1, 1])
    expected = 2 * abs(4 * math.log(1 + 1e-5))
    score = value(network, inputs, targets, "epe_nas", lambda o, _: o.sum())
    assert score == pytest.approx(expected, rel=1e-6)
    failed = score_network(network, inputs, targets.double(), lambda o, _: o.sum(), ["epe_nas"])["epe_nas"]
    assert failed == ScoreFailed("the targets are not classes")


def test_swap_and_linear_regions_of_three_thresholds() -> None:
    """Units x > 0, x > 1, x > 1 and never, on x = -1, 0.5, 0.6, 2: three patterns of units, three regions."""
    layer = nn.Linear(1, 4).double()
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.copy_(torch.tensor([0.0, -1.0, -1.0, -9.0]))
    network = nn.Sequential(layer, nn.ReLU())
    inputs = torch.tensor([[-1.0], [0.5], [0.6], [2.0]]).double()
    assert value(network, inputs, torch.zeros(4), "swap", squares) == 3
    assert value(network, inputs, torch.zeros(4), "linear_regions", squares) == 3


@pytest.mark.parametrize("batch", [3, 52, 60, 120])
def test_patterns_are_those_of_rows(batch: int) -> None:
    active = (torch.rand(batch, 40, generator=torch.Generator().manual_seed(0)) > 0.9).float()
    patterns = UnitPatterns(batch)
    patterns.add(active[:, :25])
    patterns.add(active[:, 15:])
    assert patterns.count() == len(np.unique(active.numpy().T, axis=0))


def test_logsynflow_of_a_chain_within_and_beyond_float64() -> None:
    """y = w^n x: each weight adds w log(1 + w^(n-1))."""
    for weight, depth in ((2.0, 3), (1e30, 12)):
        chain = nn.Sequential(*(linear([[weight]]) for _ in range(depth)))
        log_gradient = (depth - 1) * math.log(weight)
        expected = depth * weight * float(np.logaddexp(log_gradient, 0))
        score = value(chain, torch.ones(2, 1).double(), torch.zeros(2), "logsynflow", squares)
        assert score == pytest.approx(expected, rel=1e-9)


class SelfAttention(nn.Module):
    """Products written out, so that nothing but the flow of tensors tells which layers attend."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(3, 3, bias=False) for _ in range(4))
        self.mlp = nn.Linear(3, 3, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        scores = (self.query(tokens) @ self.key(tokens).transpose(1, 2)).softmax(dim=-1)
        return self.mlp(tokens + self.out(scores @ self.value(tokens)))  # type: ignore[no-any-return]


def test_dss_is_nuclear_in_attention_and_saliency_elsewhere() -> None:
    torch.manual_seed(0)
    network = SelfAttention().double()
    positive = SelfAttention().double()
    positive.load_state_dict({name: weight.abs() for name, weight in network.state_dict().items()})
    positive(torch.ones(1, 4, 3).double()).sum().backward()
    expected = 0.0
    for name, layer in positive.named_children():
        weight, gradient = layer.weight.detach(), layer.weight.grad
        nuclear = float(torch.linalg.matrix_norm(weight, "nuc") * torch.linalg.matrix_norm(gradient, "nuc"))
        expected += float((weight * gradient).abs().sum()) if name == "mlp" else nuclear
    score = value(network, torch.randn(2, 4, 3).double(), torch.zeros(2), "dss", squares)
    assert score == pytest.approx(math.log(expected), rel=1e-9)


def test_block_entropy_and_norm_by_hand() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 2, 1, 1, dtype=torch.float64, generator=generator)
    assert block_entropy(features) == pytest.approx(math.log(2), abs=0.01)
    assert block_entropy(torch.ones(4, 2, 3, 3)) == 0.0
    before = torch.randn(512, 2, 4, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    assert block_norm(before, 3 * before, generator) == pytest.approx(3, rel=0.05)
    assert block_norm(before, torch.ones_like(before), generator) is None


def test_meco_of_a_layer_of_equal_and_of_other_channels() -> None:
    equal = nn.Conv2d(1, 2, 1, bias=False).double()
    nn.init.ones_(equal.weight)
    inputs = torch.randn(4, 1, 6, 6).double()
    failed = score_network(equal, inputs, torch.zeros(4), squares, ["meco"])["meco"]
    assert isinstance(failed, ScoreFailed)
    split = nn.Conv2d(2, 2, 1, bias=False).double()
    with torch.no_grad():
        split.weight.copy_(torch.eye(2).view(2, 2, 1, 1))
    score = value(split, torch.randn(4, 2, 40, 40).double(), torch.zeros(4), "meco", squares)
    assert score == pytest.approx(1.0, abs=0.1)


def test_zen_adds_the_scale_that_batch_norm_takes_away() -> None:
    """More channels in, more variance before batch norm, and the same response after it."""
    inputs, targets = torch.randn(8, 3, 6, 6), torch.zeros(8, dtype=torch.long)

    def network(width: int) -> nn.Module:
        body = (nn.Conv2d(3, width, 1), nn.BatchNorm2d(width), nn.Conv2d(width, 4, 1), nn.BatchNorm2d(4))
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    narrow, wide = (value(network(width), inputs, targets, "zen") for width in (4, 64))
    running = [0.81 + 0.19 * width for width in (4, 64)]
    assert wide - narrow == pytest.approx(0.5 * math.log(running[1] / running[0]), abs=0.4)


def test_the_scale_in_zen_is_torchs_running_variance() -> None:
    batches = [scale * torch.randn(8, 3, 5, 5) for scale in (2.0, 5.0)]
    norm = nn.BatchNorm2d(3)
    for batch in batches:
        norm(batch)
    assert norm.running_var is not None
    variances = [[float(batch.var(dim=(0, 2, 3)).mean())] for batch in batches]
    assert log_scale(*variances) == pytest.approx(0.5 * math.log(float(norm.running_var.mean())), rel=1e-6)


def test_average_pooling_counts_as_the_depthwise_convolution_that_it_is() -> None:
    inputs = torch.randn(2, 4, 6, 6)
    pooled = value(nn.AvgPool2d(3, 1, 1), inputs, torch.zeros(2), "macs", squares)
    convolved = value(nn.Conv2d(4, 4, 3, padding=1, groups=4), inputs, torch.zeros(2), "macs", squares)
    assert pooled == convolved == 9 * inputs[0].numel()
