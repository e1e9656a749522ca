"""Weights where no optimiser finds them: buffers, plain attributes, closures, hooks, globals, modules in lists.

A model that a factory builds is any Python object, so what its forward pass can reach is followed from its modules:
what attributes hold, and what functions close over, default to or name. The walk is bounded; what lies in files, in
plain numbers or deeper is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from archlock.auditing.evasion.features import takes_part
from archlock.auditing.evasion.modes import settled
from archlock.spaces.network import Network

MOST_HELD = 0.01
"""Share of the body's values outside of its parameters above which tuning counts as weakened: constants that a network
needs, such as the mean of its inputs, kernels that blur or tables of places, are fewer."""
CODES = (torch.int8, torch.uint8, torch.int16)
"""Integers that nothing is looked up by: where a network holds them, they are weights."""
DEPTH, MOST_OBJECTS = 8, 50_000
"""How far from a module, and how many objects in all, are looked at."""
LIBRARIES = ("torch", "numpy", "builtins", "archlock")
"""Packages whose functions hold no weights of a model, and are not followed."""


def held_back(network: Network, inputs: Tensor) -> str | None:
    """What to say where more than `MOST_HELD` of the values that make the features are no parameters; else None.

    A tensor takes part where nudging it changes the features, whether or not gradients reach it. They are asked as in
    training, where networks do without what they keep of their parameters for evaluation.

    Args:
        network: is changed.
        inputs: shape (batch, channels, height, width).
    """
    body = network.body.train()

    def ask() -> Tensor:
        torch.manual_seed(0)
        return torch.as_tensor(body(inputs))

    weights = sum(parameter.numel() for parameter in body.parameters())
    with torch.random.fork_rng(devices=[]), torch.no_grad(), settled(body):
        before = ask()
        apart = list(tensors_apart(body))
        if sum(tensor.numel() for tensor in apart) <= MOST_HELD * weights:
            return None
        held = sum(tensor.numel() for tensor in apart if takes_part(tensor, ask, before))
    if held <= MOST_HELD * (weights + held):
        return None
    share = held / (weights + held)
    return (
        f"{held:,} values, {share:.0%} of the body's, lie in buffers, attributes or code, where no attack trains them"
    )


def tensors_apart(body: nn.Module) -> Iterator[Tensor]:
    """Tensors of numbers that a body can reach, and that are neither its parameters nor statistics of norms."""
    known = {id(parameter) for parameter in body.parameters()}
    for module in body.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            known |= {id(module._buffers.get(name)) for name in ("running_mean", "running_var")}
    for tensor in _reached(body):
        if id(tensor) not in known and (tensor.is_floating_point() or tensor.dtype in CODES):
            known.add(id(tensor))
            yield tensor


def _reached(body: nn.Module) -> Iterator[Tensor]:
    """Every tensor within reach, arrays as tensors of the same memory, nearest first."""
    # Modules are taken to be near whatever they lie in, so that depth is that of what hides beyond them.
    waiting: list[tuple[object, int]] = [(body, 0)]
    seen: dict[int, object] = {}  # keeps what it names, so that no other object gets its identity
    while waiting and len(seen) < MOST_OBJECTS:
        thing, depth = waiting.pop()
        if id(thing) in seen or depth > DEPTH:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, Tensor):
            yield thing
        elif isinstance(thing, np.ndarray) and thing.dtype.kind in "fi" and thing.flags.writeable:
            yield torch.from_numpy(thing)
        else:
            waiting += [(each, 0 if isinstance(each, nn.Module) else depth + 1) for each in _within(thing)]


def _within(thing: object) -> Iterator[object]:
    """What an object holds, or a function can name."""
    if isinstance(thing, str | bytes | int | float | complex | type | ModuleType | torch.device | torch.dtype | None):
        return
    if isinstance(thing, dict):
        yield from list(dict.values(thing))
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from list(thing)
    elif isinstance(thing, FunctionType):
        yield from _of_function(thing)
    elif isinstance(thing, MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, partial):
        yield from (thing.func, thing.args, thing.keywords)
    else:
        yield from list(getattr(thing, "__dict__", {}).values())
        for kind in type(thing).__mro__:  # what its methods can name, and tensors that the class holds
            if not _is_library(kind.__module__):
                yield from list(vars(kind).values())


def _of_function(function: FunctionType) -> Iterator[object]:
    """What a function closes over, defaults to, bears, and names among globals, modules of its own included."""
    yield from vars(function).values()
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    if _is_library(function.__module__):
        return
    names = set(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType) and not _is_library(value.__name__):
            yield from [vars(value)[each] for each in names if each in vars(value)]
        else:
            yield value


def _names(code: CodeType) -> Iterator[str]:
    """Names that code looks up, that of functions within it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in LIBRARIES
