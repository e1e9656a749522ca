"""The seven tasks of TransNAS-Bench-101 as networks see them: inputs, outputs and heads (Duan et al., CVPR 2021)."""

from __future__ import annotations

from dataclasses import dataclass

from archlock.errors import SpaceError, did_you_mean
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.transnas_network import DenseDecoder

TILES = 9


@dataclass(frozen=True)
class TransNASTask:
    """Input, output and head of a task.

    Attributes:
        io: input shape and output; the tiles of a puzzle lie in the channels.
        decoder: decoder of a dense output.
        tiles: pieces that pass the network one by one.
    """

    io: IOSpec
    decoder: DenseDecoder = DenseDecoder.SEGMENTATION
    tiles: int = 1

    @property
    def tile_channels(self) -> int:
        """Channels that the network takes at a time."""
        return self.io.channels // self.tiles


TASKS = {
    "class_scene": TransNASTask(IOSpec(3, 256, 256, OutputKind.CLASSES, 47)),
    "class_object": TransNASTask(IOSpec(3, 256, 256, OutputKind.CLASSES, 75)),
    "room_layout": TransNASTask(IOSpec(3, 256, 256, OutputKind.VALUES, 9)),
    "jigsaw": TransNASTask(IOSpec(3 * TILES, 64, 64, OutputKind.CLASSES, 1000), tiles=TILES),
    "segmentsemantic": TransNASTask(IOSpec(3, 256, 256, OutputKind.DENSE, 17)),
    "normal": TransNASTask(IOSpec(3, 256, 256, OutputKind.DENSE, 3), DenseDecoder.IMAGE),
    "autoencoder": TransNASTask(IOSpec(3, 256, 256, OutputKind.DENSE, 3), DenseDecoder.IMAGE),
}
"""Task name to its network's input, output and head, as in the benchmark's training configurations.

The parameters that NAS-Bench-Suite-Zero gives for class_scene are those of 63 classes; the benchmark trained 47.
"""


def find_task(name: str) -> TransNASTask:
    """A task by name.

    Raises:
        SpaceError: no such task.
    """
    if name not in TASKS:
        raise SpaceError(f"TransNAS-Bench-101 has no task {name!r}.{did_you_mean(name, tuple(TASKS))}")
    return TASKS[name]
