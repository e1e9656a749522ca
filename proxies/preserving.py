"""Leaving a network as it was found: modes, buffers, frozen flags and the random state of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.seeding import derive_seed

_DROPOUT_SEED = derive_seed(0, "proxies", "dropout")


@contextmanager
def training_mode(network: nn.Module) -> Iterator[None]:
    """Every module in training mode, every weight open to gradients, until the block ends.

    The forward pass writes into copies of the buffers (running statistics), so that the caller's tensors are not
    touched. Modules' own ``train()`` is not called, because some do more there than set the flag. Dropout draws from
    a fixed seed, so that a score depends on the network and the batch alone; the global random state is put back.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(parametrize.cached())  # type: ignore[no-untyped-call]
        stack.enter_context(_fixed_randomness(network))
        stack.enter_context(swapped(network, "_buffers", Tensor.clone))
        stack.enter_context(_flags(network))
        yield


@contextmanager
def swapped(network: nn.Module, table: str, replace: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Each tensor of the modules' ``_parameters`` or ``_buffers`` stands replaced until the block ends.

    A tensor that several modules share is replaced by one shared tensor.
    """
    originals: list[tuple[dict[str, Tensor | None], dict[str, Tensor | None]]] = []
    replacements: dict[int, Tensor] = {}
    try:
        for module in network.modules():
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
def _flags(network: nn.Module) -> Iterator[None]:
    resting = [module for module in network.modules() if not module.training]
    frozen = [weight for weight in network.parameters() if weight.is_floating_point() and not weight.requires_grad]
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


@contextmanager
def _fixed_randomness(network: nn.Module) -> Iterator[None]:
    devices = {weight.device for weight in network.parameters() if weight.device.type == "cuda"}
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
