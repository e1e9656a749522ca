"""Leaving a network as it was found: modes, buffers, frozen flags and the random state of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from archlock.seeding import derive_seed

_DROPOUT_SEED = derive_seed(0, "proxies", "dropout")


@contextmanager
def training_mode(network: nn.Module) -> Iterator[tuple[nn.Module, ...]]:
    """Every module in training mode, every weight open to gradients, until the block ends; gives the modules.

    The forward pass writes into copies of the buffers (running statistics), so that the caller's tensors are not
    touched. Modules' own ``train()`` is not called, because some do more there than set the flag. Dropout draws from
    a fixed seed, so that a score depends on the network and the batch alone; the global random state is put back.
    """
    modules = tuple(network.modules())
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(fixed_randomness(modules))
        stack.enter_context(swapped(modules, "_buffers", Tensor.clone))
        stack.enter_context(_flags(modules))
        yield modules


@contextmanager
def swapped(
    modules: Sequence[nn.Module], table: Literal["_parameters", "_buffers"], replace: Callable[[Tensor], Tensor]
) -> Iterator[None]:
    """Each tensor of the modules' parameters or buffers stands replaced until the block ends.

    A tensor that several modules share is replaced by one shared tensor.
    """
    originals: list[tuple[dict[str, Tensor | None], dict[str, Tensor | None]]] = []
    replacements: dict[int, Tensor] = {}
    try:
        for module in modules:
            tensors: dict[str, Tensor | None] = getattr(module, table)
            if not tensors:
                continue
            originals.append((tensors, dict(tensors)))
            for name, tensor in tensors.items():
                if tensor is not None:
                    if id(tensor) not in replacements:
                        replacements[id(tensor)] = replace(tensor)
                    tensors[name] = replacements[id(tensor)]
        yield
    finally:
        for tensors, original in originals:
            tensors.clear()
            tensors.update(original)


@contextmanager
def _flags(modules: Sequence[nn.Module]) -> Iterator[None]:
    resting = [module for module in modules if not module.training]
    frozen = [weight for weight in parameters_of(modules) if weight.is_floating_point() and not weight.requires_grad]
    try:
        for module in resting:
            module.training = True
        for weight in frozen:
            weight.requires_grad_(True)
        yield
    finally:
        for module in resting:
            module.training = False
        for weight in frozen:
            weight.requires_grad_(False)


def parameters_of(modules: Sequence[nn.Module]) -> list[Tensor]:
    """Parameters of a network's modules, a shared one once."""
    tables = [module._parameters for module in modules if module._parameters]
    return list({id(tensor): tensor for table in tables for tensor in table.values() if tensor is not None}.values())


@contextmanager
def fixed_randomness(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Torch's global generators start from a fixed seed, and have their state back when the block ends."""
    devices = {weight.device for weight in parameters_of(modules) if weight.is_cuda}
    state = torch.get_rng_state()
    device_states = {device: torch.cuda.get_rng_state(device) for device in devices}
    try:
        torch.default_generator.manual_seed(_DROPOUT_SEED)
        for device in devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(_DROPOUT_SEED)
        yield
    finally:
        torch.set_rng_state(state)
        for device, device_state in device_states.items():
            torch.cuda.set_rng_state(device_state, device)
