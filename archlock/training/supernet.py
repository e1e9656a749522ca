"""A weight-sharing supernet: one tensor per name at its largest size, of which every network takes a slice.

Channels are taken from the front and kernels from the centre (Cai et al., ICLR 2020). Statistics of batch norm are not
shared: they are measured anew for each network (Yu et al., ECCV 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from archlock.errors import SpaceError
from archlock.iospec import IOSpec
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype, SearchSpace

KERNEL_RANK = 4


class Supernet:
    """Shared tensors for all networks of a space on one input and output.

    Attributes:
        space: whose networks are served.
        io: their input and output.
        shared: parameter name to tensor, each as large as the covering networks need it.
        calibration: inputs that batch norm is measured on, shape (n, channels, height, width).
    """

    def __init__(self, space: SearchSpace, io: IOSpec, covering: Iterable[Genotype], calibration: Tensor) -> None:
        """Initialise from torch's global generator, from networks that together hold every name at its largest."""
        self.space = space
        self.io = io
        self.calibration = calibration
        self.shared: dict[str, nn.Parameter] = {}
        for genotype in covering:
            for name, tensor in space.build(genotype, io).named_parameters():
                if name not in self.shared or _covers(tensor, self.shared[name]):
                    self.shared[name] = nn.Parameter(tensor.detach().clone())

    def slices(self, network: nn.Module) -> dict[str, Tensor]:
        """The part of each shared tensor that a network uses; differentiable views.

        Raises:
            SpaceError: the network needs a tensor that the covering networks did not hold, or a larger one.
        """
        return {name: self._slice(name, tensor) for name, tensor in network.named_parameters()}

    def _slice(self, name: str, wanted: Tensor) -> Tensor:
        whole = self.shared.get(name)
        if whole is None or not _covers(whole, wanted):
            raise SpaceError(f"supernet of {self.space.name}: no shared tensor {name!r} of shape {tuple(wanted.shape)}")
        return whole[corner(whole, wanted)]

    def forward(self, genotype: Genotype, inputs: Tensor) -> Tensor:
        """Outputs of one network in training mode, with gradients to the shared tensors.

        Raises:
            SpaceError: not a genotype of the space.
        """
        with torch.device("meta"):
            skeleton = self.space.build(genotype, self.io).train()
        statistics = {name: torch.zeros(buffer.shape, dtype=buffer.dtype) for name, buffer in skeleton.named_buffers()}
        outputs: Tensor = functional_call(skeleton, self.slices(skeleton) | statistics, (inputs,))
        return outputs

    def inherit_into(self, genotype: Genotype) -> Network:
        """A network of its own with the shared weights and measured batch norm, in evaluation mode.

        Raises:
            SpaceError: not a genotype of the space.
        """
        with torch.random.fork_rng(devices=[]):
            network = self.space.build(genotype, self.io)
        with torch.no_grad():
            slices = self.slices(network)
            for name, tensor in network.named_parameters():
                tensor.copy_(slices[name])
            with _cumulative_statistics(network):
                network.train()(self.calibration)
        return network.eval()


def corner(whole: Tensor, wanted: Tensor) -> tuple[slice, ...]:
    """Which part of a shared tensor one of a smaller shape takes: front channels, centre of kernels."""
    starts = [0] * wanted.dim()
    if wanted.dim() == KERNEL_RANK:
        starts[2:] = [(have - need) // 2 for have, need in zip(whole.shape[2:], wanted.shape[2:], strict=True)]
    return tuple(slice(start, start + need) for start, need in zip(starts, wanted.shape, strict=True))


def _covers(whole: Tensor, wanted: Tensor) -> bool:
    return whole.dim() == wanted.dim() and all(h >= w for h, w in zip(whole.shape, wanted.shape, strict=True))


@contextmanager
def _cumulative_statistics(network: nn.Module) -> Iterator[None]:
    """Batch norms measure the plain mean over what passes, from nothing; their momentum is put back afterwards."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
