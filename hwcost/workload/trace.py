"""Workload of any module: one forward pass on fake tensors, read at the level of aten operators."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from archlock.errors import HardwareError
from archlock.hwcost.workload.layers import Workload
from archlock.hwcost.workload.places import with_place
from archlock.hwcost.workload.recorder import Recorder, tensors_in
from archlock.hwcost.workload.shapes import call_on_shapes

_Call = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
_DEPENDS_ON_VALUES = (DataDependentOutputException, DynamicOutputShapeException)


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
        HardwareError: an operator that cannot be costed, or a forward pass that fails or depends on values; with the
            module's path, and file and line of the call in the user's code.
    """
    try:
        try:
            return _on_meta(network, input_shape)
        except HardwareError:
            raise
        except Exception:
            # A module that makes plain tensors on its way is more than the meta device takes; fake tensors are slower.
            return _on_fakes(network, input_shape)
    except HardwareError as error:
        raise HardwareError(with_place(str(error), error.__cause__ or error)) from error.__cause__


def _on_meta(network: nn.Module, input_shape: tuple[int, ...]) -> Workload:
    """On torch's meta device: shapes without storage."""
    with _no_side_effects():
        return _run(network, input_shape, "meta", Recorder(type(network).__name__), call_on_shapes)


def _on_fakes(network: nn.Module, input_shape: tuple[int, ...]) -> Workload:
    """On fake tensors, which claim to be on the CPU and mix with real ones."""
    recorder = Recorder(type(network).__name__)
    with _no_side_effects(), _no_log_of_faults(), FakeTensorMode(allow_non_fake_inputs=True):
        try:
            return _run(network, input_shape, "cpu", recorder, lambda func, args, kwargs: func(*args, **kwargs))
        except HardwareError:
            raise
        except Exception as error:
            raise HardwareError(f"{recorder.place}: {_fault(error, input_shape)}") from error


def _fault(error: Exception, input_shape: tuple[int, ...]) -> str:
    """Why a forward pass on shapes alone failed, and what to do."""
    if isinstance(error, _DEPENDS_ON_VALUES):
        return (
            f"the forward pass depends on the values of an activation ({error.func}), and an estimate has shapes "
            "alone; decide by shapes or settings, choose with torch.where, or estimate the parts one by one"
        )
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"input of shape {tuple(input_shape)} cannot be traced: {lines[0]}"


def _run(network: nn.Module, input_shape: tuple[int, ...], device: str, recorder: Recorder, call: _Call) -> Workload:
    twin = _Twins(recorder, device).of(network, "")
    inputs = torch.empty(input_shape, device=device)
    recorder.start(inputs)
    with _Listener(recorder, call):
        outputs = twin(inputs)
    return recorder.finish(list(tensors_in(outputs)), tuple(input_shape))


class _Listener(TorchDispatchMode):
    """Carries out every aten call and tells the recorder of it."""

    def __init__(self, recorder: Recorder, call: _Call) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it so
        self.recorder = recorder
        self.call = call

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = self.call(func, args, kwargs or {})
        self.recorder.record(func, args, kwargs or {}, outputs)
        return outputs


@contextmanager
def _no_side_effects() -> Iterator[None]:
    """No gradients, generators restored, and attention as the matrix products it is made of."""
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)


@contextmanager
def _no_log_of_faults() -> Iterator[None]:
    """Torch prints the traceback of a call that fails on fake tensors; the error raised says it in a line."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class _Twins:
    """Shallow copies of modules in eval mode, their tensors fake, that tell the recorder where the forward pass is."""

    def __init__(self, recorder: Recorder, device: str) -> None:
        self.recorder = recorder
        self.device = device
        self.modules: dict[int, nn.Module] = {}
        self.tensors: dict[int, Tensor] = {}

    def of(self, module: nn.Module, path: str) -> nn.Module:
        """The twin of a module tree; a module that stands in two places is one twin."""
        if id(module) in self.modules:
            return self.modules[id(module)]
        twin = self.modules[id(module)] = module.__new__(type(module))
        state = {name: self._tensor(value) for name, value in module.__dict__.items()}
        for kind in ("_parameters", "_buffers"):
            state[kind] = {name: self._tensor(value) for name, value in module.__dict__[kind].items()}
        state["_modules"] = {
            name: child and self.of(child, f"{path}.{name}" if path else name)
            for name, child in module.__dict__["_modules"].items()
        }
        for hooks in ("_backward_hooks", "_backward_pre_hooks"):
            state[hooks] = OrderedDict()
        state["_forward_pre_hooks"] = OrderedDict({0: lambda *_: self.recorder.enter(path)})
        state["_forward_hooks"] = OrderedDict({0: lambda *_: self.recorder.leave()})
        twin.__dict__.update(state, training=False)
        return twin

    def _tensor(self, value: object) -> Any:
        """The fake of a stored tensor, wherever the original is, and a constant; anything else as it is."""
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self.tensors:
            twin = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=self.device)
            self.recorder.know_constant(twin)
            self.tensors[id(value)] = twin
        return self.tensors[id(value)]
