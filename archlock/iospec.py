"""What goes into a network and what must come out, so that spaces need to know nothing of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OutputKind(StrEnum):
    """Kind of a network's output."""

    CLASSES = "classes"
    """One logit per class, shape (batch, outputs); targets are int64 class indices, shape (batch,)."""
    LABELS = "labels"
    """One logit per independent label, shape (batch, outputs); targets are 0/1 floats of that shape."""
    VALUES = "values"
    """Real values, shape (batch, outputs)."""
    DENSE = "dense"
    """Real values per pixel at the input's resolution, shape (batch, outputs, height, width)."""


@dataclass(frozen=True)
class IOSpec:
    """Input shape and output of a network.

    Attributes:
        channels: input channels.
        height: input rows, pixels.
        width: input columns, pixels.
        output: kind of output.
        outputs: classes, labels, values, or channels of a dense output.

    Raises:
        ValueError: a size or the number of outputs is below 1.
    """

    channels: int
    height: int
    width: int
    output: OutputKind
    outputs: int

    def __post_init__(self) -> None:
        sizes = {"channels": self.channels, "height": self.height, "width": self.width, "outputs": self.outputs}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} must be at least 1, not {size}")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)
