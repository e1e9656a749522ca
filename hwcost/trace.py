"""Workload of any module: one forward pass on fake tensors, read at the level of aten operators."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from archlock.errors import HardwareError
from archlock.hwcost.recorder import Recorder
from archlock.hwcost.workload import Workload


def trace(network: nn.Module, input_shape: tuple[int, int, int, int]) -> Workload:
    """The layers of one inference, without memory or data; neither the module nor any generator is changed.

    Traced in eval mode. Batch normalisation right after a convolution or linear layer is folded into it, views are
    free, work on constants alone is done beforehand, and layers whose result reaches no output are left out.
    Forward hooks of the module are not run.

    Args:
        network: any module that takes one tensor.
        input_shape: (batch, channels, height, width).

    Returns:
        The workload for int8 operands.

    Raises:
        HardwareError: an operator that cannot be costed (named, with its place), or a forward pass that fails.
    """
    recorder = Recorder()
    with _no_side_effects(), FakeTensorMode(allow_non_fake_inputs=True) as fake:
        twin = _fake_twin(network, fake, recorder, "", {})
        inputs = torch.empty(input_shape)
        recorder.start(inputs)
        try:
            with _Listener(recorder):
                outputs = twin(inputs)
        except HardwareError:
            raise
        except Exception as error:
            first = str(error).strip().splitlines()[:1] or [type(error).__name__]
            place = recorder.place or type(network).__name__
            raise HardwareError(f"{place}: input of shape {tuple(input_shape)} cannot be traced: {first[0]}") from error
        return recorder.finish(list(_tensors(outputs)), tuple(input_shape))


class _Listener(TorchDispatchMode):
    """Passes every aten call on and tells the recorder of it."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        self.recorder.record(func, args, kwargs or {}, outputs)
        return outputs


@contextmanager
def _no_side_effects() -> Iterator[None]:
    """No gradients, generators restored, and attention as the matrix products it is made of."""
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)


def _fake_twin(
    module: nn.Module, fake: FakeTensorMode, recorder: Recorder, path: str, made: dict[int, nn.Module]
) -> nn.Module:
    """A shallow copy of a module tree in eval mode, its tensors fake, that tells the recorder where it is."""
    if id(module) in made:
        return made[id(module)]

    def static(tensor: Tensor | None) -> Tensor | None:
        if tensor is None:
            return None
        twin = fake.from_tensor(tensor)
        recorder.know_constant(twin)
        return twin

    twin = module.__new__(type(module))
    made[id(module)] = twin
    state = dict(module.__dict__)
    for name, value in state.items():
        if isinstance(value, Tensor):
            state[name] = static(value)
    state["_parameters"] = {name: static(tensor) for name, tensor in module._parameters.items()}
    state["_buffers"] = {name: static(tensor) for name, tensor in module._buffers.items()}
    state["training"] = False
    for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
        state[hooks] = OrderedDict()
    state["_forward_pre_hooks"] = OrderedDict({0: lambda *_: recorder.enter(path)})
    state["_forward_hooks"] = OrderedDict({0: lambda *_: recorder.leave()})
    state["_modules"] = {
        name: child if child is None else _fake_twin(child, fake, recorder, f"{path}.{name}" if path else name, made)
        for name, child in module._modules.items()
    }
    twin.__dict__.update(state)
    return twin


def _tensors(value: object) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from _tensors(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _tensors(inner)
