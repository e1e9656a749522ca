"""A program tried before it is trusted with data: its sizes, its work, its batch, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlock.errors import ModelError
from archlock.loading.folded import folded_in_program
from archlock.loading.limits import Limits
from archlock.loading.networks import first_line, rows_of
from archlock.loading.pt2.batch import FixedBatchError, open_batch
from archlock.loading.pt2.execute import execute, in_single_precision
from archlock.loading.pt2.frozen_norms import frozen_norms
from archlock.loading.pt2.network import ProgramNetwork, without_half
from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program

TOLERANCE = 1e-4
"""Largest difference, relative to the largest logit, between the program and the one with an open batch."""

LOST_DROPOUT = (
    "the program was decomposed, which forgets the rate of its dropout, so it is trained without (export without "
    "run_decompositions to keep it)"
)
FROZEN_NORMS = (
    "{} of its normalisations are arithmetic on stored statistics, which training mode does not restore, so that it is "
    "trained with them frozen (export without decomposing batch norm, and with nn.BatchNorm2d for frozen layers)"
)


@dataclass(frozen=True)
class Trial:
    """What a program turned out to be.

    Attributes:
        program: with an open batch where that was possible.
        input_shape: (channels, height, width).
        outputs: columns of its output.
        fixed_batch: its batch where it could not be opened; 0 otherwise.
        weakened: what could not be restored, one sentence each.
        noted: what may weaken attacks, and cannot be told, one sentence each.
    """

    program: Program
    input_shape: tuple[int, int, int]
    outputs: int
    fixed_batch: int
    weakened: tuple[str, ...]
    noted: tuple[str, ...]


def try_program(
    program: Program,
    tensors: Mapping[str, Tensor],
    input_shape: tuple[int, int, int] | None,
    where: str,
    limits: Limits,
) -> Trial:
    """Try a program on sizes alone, then on numbers.

    Raises:
        ModelError: it does not take pictures, takes another size, gives no logits, or asks for too much.
    """
    shape = _input_shape(program, input_shape, where)
    single = dict(without_half(tensors))
    if any(value.dtype != single[name].dtype for name, value in tensors.items()):
        program = replace(program, steps=in_single_precision(program.steps))
    metas = {name: value.to("meta") for name, value in single.items()}
    batch = program.input_sizes[0]
    sizes = _check_work(program, metas, (batch or 2, *shape), where, limits)
    weakened = [LOST_DROPOUT] if "dropout lost" in program.traits else []
    if norms := frozen_norms(program, sizes):
        weakened.append(FROZEN_NORMS.format(norms))
    if batch is not None:  # beside a fixed batch, other sizes that are open are closed to those that were asked for
        program = replace(program, sizes=dict(sizes), input_sizes=(batch, *shape))
    opened = program
    try:
        opened = open_batch(program, metas)
        fixed = 0
        if batch is not None:
            _compare(program, opened, single, (batch, *shape))
    except FixedBatchError as error:
        fixed = int(batch or 0)
        weakened.append(
            f"its batch is fixed to {fixed} ({error}), so it is trained and tested {fixed} at a time: batch norm sees "
            "no more samples at once"
        )
        opened = program
    outputs = _outputs(network_of(opened, single, fixed), shape, where)
    return Trial(opened, shape, outputs, fixed, tuple(weakened), () if norms else folded_in_program(program))


def network_of(program: Program, tensors: Mapping[str, Tensor], fixed_batch: int) -> nn.Module:
    """The module of a tried program.

    Raises:
        ModelError: tensors that do not fit their layer.
    """
    network = ProgramNetwork(program, tensors)
    return InChunks(network, fixed_batch).eval() if fixed_batch else network.eval()


class InChunks(nn.Module):
    """A network of a fixed batch that takes any: in chunks, the last filled up with its own samples."""

    def __init__(self, network: nn.Module, batch: int) -> None:
        super().__init__()
        self.network = network
        self.batch = batch

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of a batch, shape (batch, columns)."""
        return torch.cat([self._chunk(chunk) for chunk in inputs.split(self.batch)])

    def _chunk(self, chunk: Tensor) -> Tensor:
        taken = torch.arange(self.batch, device=chunk.device) % len(chunk)
        logits: Tensor = self.network(chunk[taken])
        return logits[: len(chunk)]


def _input_shape(program: Program, wanted: tuple[int, int, int] | None, where: str) -> tuple[int, int, int]:
    sizes = program.input_sizes
    if len(sizes) != 4:
        raise ModelError(
            f"{where}: takes inputs of {len(sizes)} dimensions; expected batch, channels, height and width"
        )
    if wanted is None and None in sizes[1:]:
        raise ModelError(
            f"{where}: its input sizes are open (dynamic shapes); say which: --input CHANNELSxHEIGHTxWIDTH"
        )
    if wanted and any(size not in (None, want) for size, want in zip(sizes[1:], wanted, strict=True)):
        given = "x".join("?" if size is None else str(size) for size in sizes[1:])
        raise ModelError(f"{where}: takes {given}, not {'x'.join(map(str, wanted))}; leave --input out")
    channels, height, width = wanted or sizes[1:]
    if channels is None or height is None or width is None:
        raise ModelError(f"{where}: its input sizes are open; say which: --input CHANNELSxHEIGHTxWIDTH")
    if program.size_names[2] and program.size_names[2] == program.size_names[3] and height != width:
        raise ModelError(f"{where}: its height and width are one size, not {height} and {width}; give a square --input")
    return channels, height, width


def _check_work(
    program: Program, metas: Mapping[str, Tensor], shape: tuple[int, ...], where: str, limits: Limits
) -> dict[str, tuple[int, ...]]:
    """Memory and operations per sample, from sizes alone; returns the size of every value."""
    values: dict[str, Any] = {each.value: metas[each.name] for each in program.stored}
    values[program.input] = torch.empty(shape, device="meta")
    if prod(shape[1:]) * 4 > limits.activation_bytes:
        raise ModelError(f"{where}: one input takes {prod(shape[1:]) * 4:,} bytes")
    counted = 0
    with FlopCounterMode(display=False) as counter:
        for number, step in enumerate(program.steps):
            place = f"{where}: operator {number} ({aten_name(step.target) or step.target})"
            try:
                execute(step, values, "meta")
            except Exception as error:  # whatever torch says of unfit operands
                raise ModelError(f"{place}: {first_line(error)}") from None
            made = [values[name] for name in step.results if isinstance(values.get(name), Tensor)]
            largest = max((value.numel() for value in made), default=0)
            counted += largest
            if largest * 4 > limits.activation_bytes * shape[0]:
                raise ModelError(
                    f"{place}: gives {largest * 4:,} bytes, more than {limits.activation_bytes:,} a sample"
                )
            if counter.get_total_flops() + counted > limits.flops * shape[0]:
                raise ModelError(f"{place}: more than {limits.flops:.0e} operations a sample by here")
            for name in step.refs():
                if isinstance(values.get(name), int) and abs(values[name]) > 2**40:
                    raise ModelError(f"{place}: a size of {values[name]:,}")
    if not isinstance(values.get(program.output), Tensor):
        raise ModelError(f"{where}: gives no tensor")
    return {name: tuple(value.shape) for name, value in values.items() if isinstance(value, Tensor)}


def _compare(program: Program, opened: Program, tensors: Mapping[str, Tensor], shape: tuple[int, ...]) -> None:
    """The opened program must give each sample what the program gives it."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(shape[0] + 1, *shape[1:], generator=generator)
    # Layers that start at zero, as many heads do, would hide a difference.
    tensors = {
        name: value
        if value.any() or not value.is_floating_point()
        else torch.randn(value.shape, generator=generator) / 9
        for name, value in tensors.items()
    }
    with torch.no_grad():
        wanted = network_of(program, tensors, 0)(inputs[: shape[0]])
        try:
            found = network_of(opened, tensors, 0)(inputs)
        except Exception as error:  # whatever torch says of unfit sizes
            raise FixedBatchError(first_line(error)) from None
    if found.shape[0] != shape[0] + 1 or not torch.allclose(
        found[: shape[0]], wanted, rtol=0, atol=TOLERANCE * max(1.0, float(wanted.abs().max()))
    ):
        raise FixedBatchError("with another batch it gives other logits")


def _outputs(network: nn.Module, shape: tuple[int, int, int], where: str) -> int:
    columns = 0
    for batch in (2, 3):
        try:
            with torch.no_grad():
                result = network(torch.zeros(batch, *shape))
        except Exception as error:  # whatever torch says of unfit operands
            raise ModelError(f"{where}: cannot be run on {batch} inputs: {first_line(error)}") from None
        columns = rows_of(result, batch, where)
    return columns
