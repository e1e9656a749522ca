"""What loading gives: one record for models of every form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from archlock.hwcost import Workload
    from archlock.spaces.protocol import Genotype

FORMS = ("archlock", "pt2", "safetensors", "factory", "onnx")
"""Where a network comes from: a folder of ours, an exported program, a factory with weights from a file, a factory
alone, an ONNX graph."""


@dataclass(frozen=True)
class LoadedModel:
    """A model that was read without running anything its files hold.

    Attributes:
        name: for people: the file's name, SPACE:GENOTYPE, or the factory.
        form: one of `FORMS`.
        network: in evaluation mode, trainable: single precision, every parameter requires gradients, batch norm and
            dropout follow ``train()``, any batch size; None where only estimates are possible.
        input_shape: (channels, height, width).
        outputs: columns of the output: classes of a classifier.
        sha256: of the file; of both files, architecture first, for a folder; of the weights in order of name for a
            factory without a file.
        weakened: what could not be restored, one sentence each; attacks that need it are weaker than a thief's.
        workload: its layers for the cost model, where the form gives no network.
        classes: class names, where the file gives them.
        space: name of the space, where it is archlock's own.
        genotype: of that space.
        converted: what was changed on the way in and does not weaken attacks, one sentence each.
        noted: what may weaken attacks, and cannot be told from what does not, one sentence each.
    """

    name: str
    form: str
    network: nn.Module | None
    input_shape: tuple[int, int, int]
    outputs: int
    sha256: str
    weakened: tuple[str, ...] = ()
    workload: Workload | None = None
    classes: tuple[str, ...] = ()
    space: str | None = None
    genotype: Genotype | None = None
    converted: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
