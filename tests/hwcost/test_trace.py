from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.errors import HardwareError
from archlock.hwcost import OpKind, Workload, trace
from archlock.hwcost.workload.layers import NETWORK_INPUT, Layers
from archlock.hwcost.workload.trace import _on_fakes, _on_meta


class Calls(nn.Module):
    """Any function as a module."""

    def __init__(self, call, **modules: nn.Module) -> None:
        super().__init__()
        self.call = call
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.call(self, inputs)


def kinds(workload: Workload) -> list[str]:
    return [OpKind(int(kind)).label for kind in workload.layers.kind]


def counted_macs(network: nn.Module, shape: tuple[int, int, int, int]) -> int:
    """Multiply-accumulates counted by hooks on real data, as an independent check."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    for module in network.modules():
        module.register_forward_hook(count)
    network(torch.zeros(shape))
    return total


def test_sizes_kinds_and_edges_of_a_small_hybrid(hybrid: Workload) -> None:
    assert kinds(hybrid)[:6] == ["conv", "activation", "grouped conv", "gelu", "conv", "elementwise"]
    stem, layers = 0, hybrid.layers
    assert (layers.m[stem], layers.k[stem], layers.n[stem], layers.count[stem]) == (256, 27, 16, 1)
    depthwise = kinds(hybrid).index("grouped conv")
    assert (layers.m[depthwise], layers.k[depthwise], layers.n[depthwise], layers.count[depthwise]) == (256, 9, 1, 16)
    assert hybrid.predecessors(0) == (NETWORK_INPUT,)
    assert hybrid.predecessors(5) == (1, 4), "the add reads the skip and the block"
    scores, values = (i for i, kind in enumerate(kinds(hybrid)) if kind == "matmul")
    assert layers.dynamic[[scores, values]].all()
    assert (layers.m[scores], layers.k[scores], layers.n[scores], layers.count[scores]) == (64, 8, 64, 2)
    assert layers.is_output.tolist() == [False] * (len(hybrid) - 1) + [True]


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 3, 9, 20)])
def test_macs_agree_with_hooks_on_real_data(zoo: SimpleNamespace, shape: tuple[int, int, int, int]) -> None:
    assert trace(zoo.PlainConvs((4, 8, 12)), shape).macs == counted_macs(zoo.PlainConvs((4, 8, 12)), shape)


def test_weight_bytes_are_int8_weights_and_int32_biases(zoo: SimpleNamespace) -> None:
    network = zoo.PlainConvs()
    expected = sum(p.numel() * (1 if p.dim() > 1 else 4) for p in network.parameters())
    assert trace(network, (1, 3, 8, 8)).weight_bytes == expected


def test_module_mode_weights_and_generators_stay_as_they_were(zoo: SimpleNamespace) -> None:
    network = zoo.SmallHybrid().train()
    fired: list[int] = []
    network.register_forward_hook(lambda *_: fired.append(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    trace(network, (1, 3, 16, 16))
    assert network.training
    assert network.stem[1].training
    assert fired == []
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_batch_norm_folds_after_a_convolution_and_costs_alone() -> None:
    after = trace(nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), nn.BatchNorm2d(8)), (1, 3, 4, 4))
    assert kinds(after) == ["conv"]
    assert after.weight_bytes == 3 * 8 + 4 * 8
    before = trace(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 8, 1)), (1, 3, 4, 4))
    assert kinds(before) == ["normalisation", "conv"]


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(8), nn.BatchNorm2d(8, track_running_stats=False)])
def test_a_norm_by_the_statistics_of_the_activations_is_not_folded(norm: nn.Module) -> None:
    workload = trace(nn.Sequential(nn.Conv2d(3, 8, 1), norm), (1, 3, 4, 4))
    assert kinds(workload) == ["conv", "layer norm"]
    assert workload.layers.work.tolist() == [0, 8 * 16]


def test_products_of_vectors_and_sums_of_products_have_their_sizes() -> None:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        return torch.addbmm(x[0, 0], x[0], x[0]) + torch.dot(x[0, 0, 0], x[0, 0, 1])

    layers = trace(Calls(call), (1, 4, 8, 8)).layers
    sizes = np.stack([layers.m, layers.k, layers.n, layers.count], axis=1)[layers.is_matrix]
    assert sizes.tolist() == [[8, 4 * 8, 8, 1], [1, 8, 1, 1]]
    assert layers.dynamic[layers.is_matrix].all()


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_cells_multiply_at_every_step(cell: type[nn.RNNBase]) -> None:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        return m.cell(x.flatten(2).transpose(1, 2))[0]

    network = Calls(call, cell=cell(4, 6, batch_first=True))
    gates = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[cell]
    steps = 9
    macs = trace(network, (1, 4, 3, 3)).macs
    assert macs == gates * 6 * (steps * 4 + (steps - 1) * 6), "the first state is a constant"


def test_a_transposed_convolution_takes_its_batch_norm_in_too() -> None:
    workload = trace(nn.Sequential(nn.ConvTranspose2d(3, 8, 2, bias=False), nn.BatchNorm2d(8)), (1, 3, 4, 4))
    assert kinds(workload) == ["conv"]
    assert workload.weight_bytes == 3 * 8 * 4 + 4 * 8


def test_a_bias_added_by_hand_folds_and_a_position_embedding_does_not() -> None:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        tokens = m.project(x.flatten(2).transpose(1, 2)) + m.bias
        return tokens + m.positions

    network = Calls(call, project=nn.Linear(4, 6, bias=False))
    network.bias, network.positions = nn.Parameter(torch.zeros(6)), nn.Parameter(torch.zeros(1, 16, 6))
    workload = trace(network, (2, 4, 4, 4))
    assert kinds(workload) == ["linear", "elementwise"]
    assert (workload.layers.m[0], workload.layers.count[0]) == (32, 1)
    assert workload.layers.weight_bytes.tolist() == [4 * 6 + 4 * 6, 4 * 16 * 6]


def test_a_large_network_takes_no_memory() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 10**6))
    assert trace(network, (1, 3, 64, 64)).macs == 3 * 64 * 64 * 10**6


def test_transposed_and_dilated_convolutions_multiply_what_they_must() -> None:
    transposed = trace(nn.ConvTranspose2d(4, 6, 2, stride=2), (1, 4, 5, 5))
    assert transposed.macs == 25 * 4 * 6 * 4
    dilated = trace(nn.Conv2d(4, 6, 3, dilation=2, groups=2), (1, 4, 8, 8))
    assert dilated.macs == 16 * 6 * 2 * 9


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda m, x: functional.interpolate(x, scale_factor=2, mode="bilinear"), ["interpolation"]),
        (lambda m, x: functional.interpolate(x, size=(3, 5)), ["interpolation"]),
        (lambda m, x: functional.adaptive_avg_pool2d(x, 2), ["pooling"]),
        (lambda m, x: functional.max_pool2d(x, 2).amax(dim=(2, 3)), ["pooling", "pooling"]),
        (lambda m, x: functional.group_norm(x, 2), ["layer norm"]),
        (lambda m, x: functional.layer_norm(x, x.shape[1:]), ["layer norm"]),
        (lambda m, x: x.flatten(1).softmax(1), ["softmax"]),
        (lambda m, x: functional.silu(x) + functional.hardswish(x), ["gelu", "activation", "elementwise"]),
        (lambda m, x: torch.cat([x, x], 1).roll(1, 2), ["data movement", "data movement"]),
        (lambda m, x: x.flatten(2) @ x.flatten(2).transpose(1, 2), ["matmul"]),
        (lambda m, x: torch.einsum("bchw,bdhw->bcd", x, x), ["matmul"]),
        (lambda m, x: functional.pixel_shuffle(x, 2).mean((2, 3)), ["data movement", "pooling"]),
        (lambda m, x: functional.pad(x, (1, 1, 1, 1), mode="reflect"), ["data movement"]),
        (lambda m, x: x.mul_(2).add_(1).relu_(), ["elementwise", "elementwise", "activation"]),
        (lambda m, x: x[:, ::2].reshape(1, 2, -1).permute(0, 2, 1).unsqueeze(1).relu(), ["activation"]),
        (lambda m, x: x.var(dim=1, keepdim=True) + torch.arange(8.0), ["pooling", "elementwise"]),
        (lambda m, x: functional.celu(x) + functional.softshrink(x), ["gelu", "activation", "elementwise"]),
        (lambda m, x: functional.grid_sample(x, torch.zeros(1, 8, 8, 2), align_corners=False), ["interpolation"]),
        (lambda m, x: torch.dot(x.flatten(), x.flatten()), ["matmul"]),
        (lambda m, x: torch.addmv(x[0, 0, 0], x[0, 0], x[0, 0, 0]), ["matmul"]),
        (lambda m, x: torch.addbmm(x[0, 0], x[0], x[0]), ["matmul"]),
        (lambda m, x: x.rot90(1, (2, 3)).cumprod(1), ["data movement", "elementwise"]),
    ],
)
def test_functional_calls_are_seen(call, expected: list[str]) -> None:
    assert [
        kind for kind in kinds(trace(Calls(call), (1, 4, 8, 8))) if kind != "data movement" or kind in expected
    ] == (expected)


@pytest.mark.parametrize("written", ["module", "function", "plain"])
def test_attention_counts_however_it_is_written(zoo: SimpleNamespace, written: str) -> None:
    def module(m: nn.Module, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return m.inner(tokens, tokens, tokens, need_weights=False)[0]

    def function(m: nn.Module, x: Tensor) -> Tensor:
        query, key, value = m.inner(x.flatten(2).transpose(1, 2)).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return m.out(mixed.transpose(1, 2).flatten(2))

    def plain(m: nn.Module, x: Tensor) -> Tensor:
        return m.inner(x.flatten(2).transpose(1, 2))

    networks = {
        "module": Calls(module, inner=nn.MultiheadAttention(8, 2, batch_first=True)),
        "function": Calls(function, inner=nn.Linear(8, 24), out=nn.Linear(8, 8)),
        "plain": Calls(plain, inner=zoo.Attention(8, 2)),
    }
    workload = trace(networks[written], (1, 8, 6, 6))
    assert workload.macs == 36 * 8 * 24 + 2 * 2 * 36 * 36 * 4 + 36 * 8 * 8
    assert workload.layers.dynamic.sum() == 2
    assert "softmax" in kinds(workload)


def test_shapes_worked_out_here_are_those_of_torch(zoo: SimpleNamespace) -> None:
    mixed = nn.Sequential(
        nn.Conv2d(3, 8, (3, 5), stride=2, padding=1, dilation=(1, 2)),
        nn.BatchNorm2d(8),
        nn.Hardswish(inplace=True),
        nn.ConvTranspose2d(8, 6, 3, stride=2),
        nn.Upsample(scale_factor=1.7, mode="bilinear"),
        nn.GroupNorm(3, 6),
        Calls(lambda m, x: x.new_ones(6, 1, 1) * x * 0.5 + x.mean(dim=1, keepdim=True)),
        nn.Conv2d(6, 6, 3, groups=3),
        nn.Softmax(dim=1),
    )
    for network in (mixed, zoo.SmallHybrid(), zoo.PlainConvs()):
        quick, careful = (way(network, (2, 3, 17, 21)) for way in (_on_meta, _on_fakes))
        assert kinds(quick) == kinds(careful)
        for name in Layers.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(quick.layers, name), getattr(careful.layers, name), name)


def test_work_on_constants_is_done_beforehand_and_dead_layers_are_left_out() -> None:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        weight = m.conv.weight - m.conv.weight.mean(dim=(1, 2, 3), keepdim=True)
        m.unused(x)
        return functional.conv2d(x, weight)

    workload = trace(Calls(call, conv=nn.Conv2d(4, 6, 3), unused=nn.Conv2d(4, 50, 3)), (1, 4, 8, 8))
    assert kinds(workload) == ["conv"]
    assert workload.layers.weight_bytes.tolist() == [4 * 6 * 9]


def test_a_shared_module_is_charged_each_time_under_its_own_name() -> None:
    shared = nn.Conv2d(4, 4, 1)
    workload = trace(nn.Sequential(shared, nn.ReLU(), shared), (1, 4, 4, 4))
    assert kinds(workload) == ["conv", "activation", "conv"]
    assert len(set(workload.names)) == 3


def test_writing_through_a_slice_keeps_the_edge() -> None:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        out = torch.zeros(1, 8, 8, 8)
        out[:, :4] = x.relu()
        out[:, 4:] = m.conv(x)
        return out.sigmoid()

    workload = trace(Calls(call, conv=nn.Conv2d(4, 4, 1)), (1, 4, 8, 8))
    assert {"activation", "conv", "gelu"} <= set(kinds(workload))
    assert np.isin(kinds(workload).index("conv"), workload.layers.edge_source)


def test_an_unknown_operator_is_named_with_its_place() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), Calls(lambda m, x: torch.linalg.svdvals(x)))
    line = inspect.currentframe().f_lineno - 1
    with pytest.raises(HardwareError, match=rf"^1: operator aten\..*svd.* cannot be costed.*test_trace\.py:{line}\)$"):
        trace(network, (1, 3, 4, 4))


class Gate(nn.Module):
    """Decides by what it is given."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.conv, self.how = nn.Conv2d(3, 4, 1), how

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "if" and x.sum() > 0:
            return self.conv(x)
        if self.how == "while":
            while x.max() > 1:
                x = x / 2
        return self.conv(x[x > 0].reshape(1, 3, 2, 2) if self.how == "mask" else x[:, : int(x.argmax())])


@pytest.mark.parametrize(
    ("how", "words"),
    [("if", "x.sum() > 0"), ("while", "x.max() > 1"), ("mask", "x[x > 0]"), ("int", "int(x.argmax())")],
)
def test_a_forward_pass_that_depends_on_values_is_told_with_its_line_and_what_to_do(
    how: str, words: str, caplog
) -> None:
    lines, first = inspect.getsourcelines(Gate)
    line = first + next(place for place, text in enumerate(lines) if words in text)
    with pytest.raises(HardwareError) as caught:
        trace(nn.Sequential(nn.ReLU(), Gate(how)), (1, 3, 4, 4))
    message = str(caught.value)
    assert message.startswith("1: the forward pass depends on the values of an activation (aten."), message
    assert "torch.where" in message
    assert message.endswith(f"test_trace.py:{line})"), (line, message)
    assert "\n" not in message
    assert not caplog.records, "torch's own traceback is not printed beside it"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Conv2d(5, 4, 1), "cannot be traced"),
        (Calls(lambda m, x: x * float(x.sum())), "depends on the values of an activation"),
        (nn.Identity(), "does not depend on any layer"),
    ],
)
def test_a_network_that_cannot_run_is_one_clear_line(network: nn.Module, message: str) -> None:
    with pytest.raises(HardwareError, match=message) as caught:
        trace(network, (1, 3, 4, 4))
    assert "\n" not in str(caught.value)
