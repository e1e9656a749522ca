"""The workload of whatever a user names: a genotype of a space, or a model of any form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from archlock.errors import HardwareError, ModelError, UsageError
from archlock.hwcost import Workload, trace
from archlock.iospec import IOSpec, OutputKind
from archlock.loading.factory import build_with, is_factory
from archlock.loading.limits import Limits
from archlock.loading.load import load_model
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype, SearchSpace
from archlock.spaces.registry import load_space, space_names
from archlock.spaces.text import format_genotype, parse_genotype

Shape = tuple[int, int, int]
DEFAULT_SHAPE: Shape = (3, 16, 16)
"""Input of a genotype where none is given."""


@dataclass(frozen=True)
class NamedWorkload:
    """What is estimated.

    Attributes:
        name: for people, and the same network again: SPACE:GENOTYPE, a file's name, or a factory.
        workload: its layers.
        notes: what was changed or is missing on the way from the model to its layers, one sentence each.
    """

    name: str
    workload: Workload
    notes: tuple[str, ...] = ()


def workload_of(
    what: str, *, weights: Path | None = None, input_shape: Shape | None = None, outputs: int = 10
) -> NamedWorkload:
    """The layers of a genotype ``SPACE:GENOTYPE`` (or ``SPACE:random@SEED``), or of what `load_model` takes.

    Args:
        what: the network.
        weights: of a factory.
        input_shape: (channels, height, width); `DEFAULT_SHAPE` for a genotype.
        outputs: classes of a genotype's network.

    Raises:
        UsageError: nothing of this name, or arguments that do not fit.
        SpaceError: not a genotype of the space.
        ModelError: a model that cannot be handled, or an operator that cannot be costed.
    """
    space_name, colon, text = what.partition(":")
    if not Path(what).exists() and not colon:
        raise UsageError(f"{what!r}: expected a model (.pt2, .onnx, a folder, package.module:function), "
                         "or SPACE:GENOTYPE such as hybrid:random@3")  # fmt: skip
    if not Path(what).exists() and "." not in space_name and (space_name in space_names() or _is_genotype(text)):
        if weights is not None:
            raise UsageError(f"{what}: --weights belong to a factory, package.module:function")
        return _of_genotype(space_name, text, input_shape or DEFAULT_SHAPE, outputs)
    if not Path(what).exists() and is_factory(what):
        return _of_factory(what, weights, input_shape)
    model = load_model(what, weights=weights, input_shape=input_shape)
    if model.workload is not None:
        return NamedWorkload(model.name, model.workload, (*model.converted, *model.weakened))
    if model.network is None:
        raise ModelError(f"{what}: neither a network nor its layers")
    return NamedWorkload(model.name, _traced(what, model.network, model.input_shape), model.converted)


def _of_factory(what: str, weights: Path | None, shape: Shape | None) -> NamedWorkload:
    """Any module: what is costed need not be a classifier, nor have anything to train."""
    if shape is None:
        raise UsageError(f"{what}: a factory does not say what it takes: give --input CHANNELSxHEIGHTxWIDTH")
    network, said, _ = build_with(what, weights, Limits())
    return NamedWorkload(what, _traced(what, network, shape), said)


def _traced(what: str, network: nn.Module, shape: Shape) -> Workload:
    try:
        return trace(network, (1, *shape))
    except HardwareError as error:
        raise ModelError(f"{what}: {error}") from None


def _is_genotype(text: str) -> bool:
    """Whether the part after the colon can only be a genotype, so that a misspelt space is named as such."""
    return not text.isidentifier() or "@" in text


def _of_genotype(space_name: str, text: str, shape: Shape, outputs: int) -> NamedWorkload:
    space = load_space(space_name)
    io = IOSpec(*shape, output=OutputKind.CLASSES, outputs=outputs)
    genotype = _genotype(space, text)
    workload = trace(space.build(genotype, io), (1, *io.input_shape))
    return NamedWorkload(f"{space_name}:{format_genotype(genotype)}", workload)


def _genotype(space: SearchSpace, text: str) -> Genotype:
    word, at, seed = text.partition("@")
    if word != "random":
        return parse_genotype(space, text)
    if not at or not seed.isdecimal():
        raise UsageError(f"{text!r}: expected random@SEED, with a whole number as the seed")
    return space.sample(numpy_generator(int(seed), "hw", space.name))
