"""Scoring leaves everything as it was and gives the same scores again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from archlock.errors import UsageError
from archlock.proxies import PROXIES, score_many, score_network
from archlock.scores import Score, ScoreFailed


def snapshot(network: nn.Module) -> dict[str, Any]:
    """Everything that scoring could disturb; tensors by identity, version and value."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return {
        "tensors": {name: (id(tensor), tensor._version, tensor.detach().clone()) for name, tensor in tensors},
        "flags": {name: (weight.requires_grad, weight.grad) for name, weight in network.named_parameters()},
        "modes": {name: module.training for name, module in network.named_modules()},
        "hooks": [len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules()],
        "attributes": [sorted(vars(module)) for module in network.modules()],
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, (identity, version, value) in before["tensors"].items():
        assert after["tensors"][name][:2] == (identity, version), name
        assert torch.equal(after["tensors"][name][2], value), name
    for part in ("flags", "modes", "hooks", "attributes"):
        assert before[part] == after[part], part


@settings(max_examples=25, deadline=None)
@given(
    family=st.sampled_from(["cnn", "vit", "hybrid"]),
    names=st.sets(st.sampled_from(sorted(PROXIES)), min_size=1),
    training=st.booleans(),
    frozen=st.integers(0, 3),
    break_loss=st.booleans(),
    seed=st.integers(0, 5),
)
def test_nothing_of_the_caller_is_changed(
    new_case: Any, family: str, names: set[str], training: bool, frozen: int, break_loss: bool, seed: int
) -> None:
    case = new_case(family, seed, double=False)
    case.network.train(training)
    for weight in list(case.network.parameters())[:frozen]:
        weight.requires_grad_(False)
    random_state, before = torch.get_rng_state(), snapshot(case.network)
    inputs, targets = case.inputs.clone(), case.targets.clone()

    def broken(outputs: Tensor, targets: Tensor) -> Tensor:
        raise ValueError("no such loss")

    score_network(case.network, case.inputs, case.targets, broken if break_loss else case.loss, sorted(names))
    assert_same(before, snapshot(case.network))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.equal(case.inputs, inputs)
    assert torch.equal(case.targets, targets)
    assert not case.inputs.requires_grad
    assert torch.is_grad_enabled()


def test_existing_gradients_and_hooks_survive(new_case: Any) -> None:
    case = new_case("cnn", double=False)
    case.loss(case.network(case.inputs), case.targets).backward()
    gradients = [weight.grad.clone() for weight in case.network.parameters()]
    calls: list[int] = []
    case.network.register_forward_hook(lambda *_: calls.append(1))
    score_network(case.network, case.inputs, case.targets, case.loss)
    assert calls
    for weight, gradient in zip(case.network.parameters(), gradients, strict=True):
        assert torch.equal(weight.grad, gradient)


def test_scores_repeat_whatever_mode_order_grad_mode_or_random_state(new_case: Any) -> None:
    case = new_case("hybrid", double=False)  # has dropout and batch norm
    first = score_network(case.network, case.inputs, case.targets, case.loss)
    torch.manual_seed(99)
    case.network.eval()
    with torch.no_grad():
        assert score_network(case.network, case.inputs, case.targets, case.loss) == first
    with torch.inference_mode():
        again = score_network(case.network, case.inputs, case.targets, case.loss, ["synflow", "macs"])
    assert again == {name: first[name] for name in ("synflow", "macs")}


def test_one_pass_gives_what_separate_passes_give(case: Any) -> None:
    together = score_network(case.network, case.inputs, case.targets, case.loss)
    for name, score in together.items():
        alone = score_network(case.network, case.inputs, case.targets, case.loss, [name])[name]
        if isinstance(score, ScoreFailed):
            assert alone == score
        else:
            assert isinstance(alone, Score)
            assert alone.value == pytest.approx(score.value, rel=1e-9)


def test_frozen_weights_are_scored_like_any_other(new_case: Any) -> None:
    case = new_case("cnn")
    open_scores = score_network(case.network, case.inputs, case.targets, case.loss)
    case.network.requires_grad_(False)
    assert score_network(case.network, case.inputs, case.targets, case.loss) == open_scores


def test_shared_weights_count_once(new_case: Any) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(6, 6)
    network = nn.Sequential(layer, nn.ReLU(), layer)
    inputs, targets = torch.randn(8, 6), torch.zeros(8, dtype=torch.long)
    scores = score_network(network, inputs, targets, nn.functional.cross_entropy)
    assert scores["params"] == Score(42.0, "parameters")
    assert scores["macs"] == Score(72.0, "MAC/sample")
    assert isinstance(scores["l2_norm"], Score)
    assert scores["l2_norm"].value == pytest.approx(float(layer.weight.detach().norm()), rel=1e-6)


@pytest.mark.parametrize("wrapper", ["weight_norm", "spectral_norm"])
def test_parametrised_weights_are_scored(wrapper: str) -> None:
    torch.manual_seed(0)
    wrap = getattr(nn.utils.parametrizations, wrapper)
    network = nn.Sequential(wrap(nn.Linear(6, 12)), nn.ReLU(), nn.Linear(12, 3))
    before = snapshot(network)
    scores = score_network(network, torch.randn(8, 6), torch.zeros(8, dtype=torch.long), nn.functional.cross_entropy)
    assert_same(before, snapshot(network))
    unfit = {"dss", "zen", "meco", "az_nas", "az_expressivity", "az_progressivity", "az_trainability"}
    assert {name for name, score in scores.items() if isinstance(score, ScoreFailed)} == unfit  # no feature maps


def test_score_many_is_score_network_in_order(new_case: Any) -> None:
    cases = [new_case("cnn", seed) for seed in range(3)]
    inputs, targets, loss = cases[0].inputs, cases[0].targets, cases[0].loss
    dead = nn.Sequential(nn.Flatten(), nn.ReLU())
    batches = score_many((c.network for c in cases), inputs, targets, loss)
    for row, c in enumerate(cases):
        for name, score in score_network(c.network, inputs, targets, loss).items():
            if isinstance(score, Score):
                assert batches[name].values[row] == score.value
            else:
                assert PROXIES[name].combine or batches[name].reasons[row] == score.reason
    mixed = score_many([dead, cases[0].network], inputs, targets, loss, ["l2_norm", "params"])
    assert list(mixed) == ["l2_norm", "params"]
    assert mixed["l2_norm"].known.tolist() == [False, True]
    assert "no convolution or linear layer" in mixed["l2_norm"].reasons[0]
    failed = score_many([dead], inputs, targets, loss, ["synflow"])["synflow"]
    assert (failed.known.any(), failed.unit, failed.better) == (False, "nat", "higher")


def test_wrong_calls_say_what_to_do(new_case: Any) -> None:
    case = new_case("cnn")
    with pytest.raises(UsageError, match=r"unknown proxy 'synflw'\. Did you mean 'synflow'"):
        score_network(case.network, case.inputs, case.targets, case.loss, ["synflw"])
    with pytest.raises(UsageError, match="targets of shape"):
        score_network(case.network, case.inputs, case.targets[:3], case.loss)
    with pytest.raises(UsageError, match="inputs of shape"):
        score_network(case.network, case.inputs[:0], case.targets[:0], case.loss)
    with pytest.raises(UsageError, match="NaN"):
        score_network(case.network, case.inputs * float("nan"), case.targets, case.loss)


def test_the_registry_says_what_each_proxy_needs() -> None:
    expected = "grad_norm snip fisher plain l2_norm synflow jacov nwot params macs"
    assert set(PROXIES) >= set(expected.split())
    for name, proxy in PROXIES.items():
        assert proxy.name == name
        assert proxy.description
        assert proxy.source
        assert proxy.valid_for <= {"cnn", "vit", "hybrid"}
        assert proxy.needs <= {"labels", "backward", "data"}
    with pytest.raises(TypeError):
        PROXIES["mine"] = PROXIES["snip"]  # type: ignore[index]
