"""Each proxy against a slow and direct computation of its published definition."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlock.proxies import PROXIES, score_network
from archlock.scores import Score, ScoreFailed

LAYERS = (nn.Conv2d, nn.Linear)


def layers_of(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, LAYERS)]


def value(case: Any, name: str) -> float:
    score = score_network(case.network, case.inputs, case.targets, case.loss, [name])[name]
    assert isinstance(score, Score), score
    assert (score.unit, score.better) == (PROXIES[name].unit, PROXIES[name].better)
    return score.value


def without_dropout(case: Any) -> nn.Module:
    """A copy for the reference to run; dropout would need the same random mask on both sides."""
    for module in case.network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    network: nn.Module = copy.deepcopy(case.network).train()
    return network


def backward(case: Any, network: nn.Module) -> None:
    case.loss(network(case.inputs), case.targets).backward()


def test_grad_norm_sums_the_layers_gradient_norms(case: Any) -> None:
    network = without_dropout(case)
    backward(case, network)
    expected = sum(float(layer.weight.grad.norm()) for layer in layers_of(network))
    assert value(case, "grad_norm") == pytest.approx(expected, rel=1e-9)


def test_snip_is_the_gradient_of_a_mask_on_each_weight(case: Any) -> None:
    network = without_dropout(case)
    weights = {
        name + ".weight": module.weight for name, module in network.named_modules() if isinstance(module, LAYERS)
    }
    masks = {name: torch.ones_like(weight, requires_grad=True) for name, weight in weights.items()}
    masked = {name: weights[name].detach() * mask for name, mask in masks.items()}
    case.loss(torch.func.functional_call(network, masked, (case.inputs,)), case.targets).backward()
    expected = sum(float(mask.grad.abs().sum()) for mask in masks.values() if mask.grad is not None)
    assert value(case, "snip") == pytest.approx(expected, rel=1e-9)


def test_plain_is_the_derivative_along_a_common_scale_of_all_weights(case: Any) -> None:
    network = without_dropout(case)
    weights = {
        name + ".weight": module.weight for name, module in network.named_modules() if isinstance(module, LAYERS)
    }

    def loss_at(scale: float) -> float:
        scaled = {name: weight.detach() * scale for name, weight in weights.items()}
        return float(case.loss(torch.func.functional_call(network, scaled, (case.inputs,)), case.targets).detach())

    step = 1e-5
    assert value(case, "plain") == pytest.approx(
        (loss_at(1 + step) - loss_at(1 - step)) / (2 * step), rel=1e-4, abs=1e-7
    )


def test_fisher_is_the_squared_gradient_of_a_mask_on_each_channel_of_each_sample(case: Any) -> None:
    network = without_dropout(case)
    masks: list[tuple[Any, Tensor]] = []

    def mask_output(layer: Any, _: Any, output: Tensor) -> Tensor:
        samples, channels = len(output), len(layer.weight)
        mask = torch.ones(samples, channels, dtype=output.dtype, requires_grad=True)
        masks.append((layer, mask))
        ones = [1] * (output.dim() - 2)
        shape = (samples, channels, *ones) if isinstance(layer, nn.Conv2d) else (samples, *ones, channels)
        return output * mask.view(shape)

    for layer in layers_of(network):
        layer.register_forward_hook(mask_output)
    backward(case, network)
    channels = ((layer, mask.grad.pow(2).mean(dim=0) / 2) for layer, mask in masks if mask.grad is not None)
    expected = sum(float(saliency.sum()) * layer.weight[0].numel() for layer, saliency in channels)
    assert value(case, "fisher") == pytest.approx(expected, rel=1e-9)


def test_jacov_is_the_published_function_of_the_correlation_matrix(case: Any) -> None:
    network = without_dropout(case)
    inputs = case.inputs.clone().requires_grad_()
    outputs = network(inputs)
    outputs.backward(torch.ones_like(outputs))
    assert inputs.grad is not None
    correlation = np.corrcoef(inputs.grad.flatten(1).numpy())
    eigenvalues = np.linalg.eigvals(correlation).real
    expected = -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))
    assert value(case, "jacov") == pytest.approx(expected, rel=1e-7)


def test_nwot_is_the_log_determinant_of_the_agreements_of_relu_codes(new_case: Any) -> None:
    case = new_case("cnn")
    network = without_dropout(case)
    kernel = np.zeros((len(case.inputs), len(case.inputs)))

    def count(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        code = (inputs[0].flatten(1) > 0).double().numpy()
        kernel.__iadd__(code @ code.T + (1 - code) @ (1 - code).T)

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(count)
    network(case.inputs)
    assert value(case, "nwot") == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-10)


def test_nwot_uses_the_sign_before_gelu_and_hardswish(new_case: Any) -> None:
    torch.manual_seed(3)
    codes = nn.Linear(20, 64).double()
    inputs, targets = torch.randn(8, 20).double(), torch.zeros(8, dtype=torch.long)
    for activation in (nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.ReLU6(), nn.ELU(), nn.PReLU().double()):
        network = nn.Sequential(codes, activation)
        score = score_network(network, inputs, targets, nn.functional.cross_entropy, ["nwot"])["nwot"]
        active = (codes(inputs) > 0).double()
        expected = torch.linalg.slogdet(active @ active.T + (1 - active) @ (1 - active).T)[1]
        assert isinstance(score, Score)
        assert score.value == pytest.approx(float(expected), rel=1e-10)


def test_synflow_is_the_log_of_the_naive_sum_without_normalisations(case: Any) -> None:
    network = without_dropout(case).double()
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.LayerNorm):
                setattr(module, name, nn.Identity())
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()
    network(torch.ones(1, 3, 12, 12).double()).sum().backward()
    expected = sum(float((layer.weight * layer.weight.grad).abs().sum().detach()) for layer in layers_of(network))
    assert value(case, "synflow") == pytest.approx(math.log(expected), rel=1e-12)


def test_l2_norm_and_params_by_a_loop(case: Any) -> None:
    assert value(case, "l2_norm") == pytest.approx(
        sum(float(layer.weight.detach().norm()) for layer in layers_of(case.network))
    )
    assert value(case, "params") == sum(weight.numel() for weight in case.network.parameters())


def test_macs_are_half_the_operations_torch_counts(case: Any) -> None:
    counter = FlopCounterMode(display=False)
    with counter:
        copy.deepcopy(case.network)(case.inputs)
    assert value(case, "macs") == counter.get_total_flops() / 2 / len(case.inputs)


def test_macs_of_multi_head_attention_einsum_and_transposed_convolution() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.MultiheadAttention(8, 2, batch_first=True)
            self.up = nn.ConvTranspose1d(8, 4, 3)

        def forward(self, tokens: Tensor) -> Tensor:
            mixed = self.heads(tokens, tokens, tokens)[0]
            mixed = torch.einsum("b t c, b s c -> b t s", mixed, tokens) @ tokens
            return self.up(mixed.transpose(1, 2)).flatten(1)  # type: ignore[no-any-return]

    torch.manual_seed(0)
    network, tokens = Mixed(), torch.randn(4, 6, 8)
    score = score_network(network, tokens, torch.zeros(4, dtype=torch.long), nn.functional.cross_entropy, ["macs"])
    counter = FlopCounterMode(display=False)
    with counter:
        network(tokens)
    assert score["macs"] == Score(counter.get_total_flops() / 2 / 4, PROXIES["macs"].unit)


def test_closed_forms_of_one_linear_layer() -> None:
    """y = W x with loss sum(y): every gradient is known by hand."""
    layer = nn.Linear(3, 2, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]]))
    inputs = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]).double()
    scores = score_network(layer, inputs, torch.zeros(2), lambda outputs, _: outputs.sum())
    values = {name: score.value for name, score in scores.items() if isinstance(score, Score)}
    total = np.array([1.0, 3.0, -1.0])  # sum of the inputs is the gradient of each row of W
    weight = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
    outputs = np.array([[-3.0, 0.5], [-5.0, 1.0]])
    assert values["grad_norm"] == pytest.approx(math.sqrt(2 * (1 + 9 + 1)))
    assert values["snip"] == pytest.approx(np.abs(weight * total).sum())
    assert values["plain"] == pytest.approx((weight * total).sum())
    assert values["fisher"] == pytest.approx(3 * (outputs**2).mean(axis=0).sum() / 2)
    assert values["l2_norm"] == pytest.approx(np.sqrt((weight**2).sum()))
    assert values["synflow"] == pytest.approx(math.log(np.abs(weight).sum()))
    assert (values["params"], values["macs"]) == (6.0, 6.0)
    # All samples have the same input gradient: eigenvalues 2 and 0 of the correlation.
    assert values["jacov"] == pytest.approx(-(math.log(2 + 1e-5) + 1 / (2 + 1e-5) + math.log(1e-5) + 1e5), rel=1e-6)
    assert scores["nwot"] == ScoreFailed("no ReLU-like activation was called")


def test_in_place_writes_into_a_layer_output_do_not_change_fisher() -> None:
    class Block(nn.Module):
        def __init__(self, in_place: bool) -> None:
            super().__init__()
            self.convolution, self.head, self.in_place = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3), in_place

        def forward(self, inputs: Tensor) -> Tensor:
            outputs = self.convolution(inputs)
            if self.in_place:
                outputs += 2.0
            else:
                outputs = outputs + 2.0
            return self.head(nn.functional.hardswish(outputs, inplace=self.in_place).mean((2, 3)))  # type: ignore[no-any-return]

    values = []
    for in_place in (False, True):
        torch.manual_seed(0)
        network, inputs, targets = Block(in_place), torch.randn(4, 3, 6, 6), torch.tensor([0, 1, 2, 0])
        score = score_network(network, inputs, targets, nn.functional.cross_entropy, ["fisher"])["fisher"]
        assert isinstance(score, Score)
        values.append(score.value)
    assert values[0] == pytest.approx(values[1], rel=1e-6)
