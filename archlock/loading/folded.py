"""Convolutions without any normalisation, whose batch norm may have been folded into them before a file was written.

Folding scales a convolution's weights and moves its bias, and leaves nothing that tells it from a network that never
had batch norm. So it is noted as what it is, and weakens nothing for certain: attacks train the convolutions as they
stand, and a thief who knows better puts batch norm back.
"""

from __future__ import annotations

from torch import nn

from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program, Step

CONVOLUTIONS = frozenset(("conv1d", "conv2d", "convolution"))
FEWEST = 2
"""Convolutions below which nothing is noted: batch norm after a single one changes little."""
SAID = (
    "no normalisation beside {} convolutions, all with biases: batch norm was folded into them or was never there, "
    "which nothing tells apart; attacks train them as they are, where a thief may put batch norm back"
)


def folded_in_program(program: Program) -> tuple[str, ...]:
    """What to note of an exported program, if anything.

    Args:
        program: its normalisations are operators whose names say so; those that are arithmetic are told elsewhere.
    """
    names = [aten_name(step.target) for step in program.steps]
    convolutions = [step for step, name in zip(program.steps, names, strict=True) if name in CONVOLUTIONS]
    if any("norm" in name for name in names) or not all(map(_is_biased, convolutions)):
        return ()
    return (SAID.format(len(convolutions)),) if len(convolutions) >= FEWEST else ()


def folded_in_network(network: nn.Module) -> tuple[str, ...]:
    """What to note of a network of modules, if anything.

    Args:
        network: its normalisations are modules whose classes say so.
    """
    modules = list(network.modules())
    convolutions = [module for module in modules if isinstance(module, (nn.Conv1d, nn.Conv2d))]
    if any("norm" in type(module).__name__.lower() for module in modules):
        return ()
    if len(convolutions) < FEWEST or any(module.bias is None for module in convolutions):
        return ()
    return (SAID.format(len(convolutions)),)


def _is_biased(step: Step) -> bool:
    """Whether a convolution adds a bias; input, weight and bias are its first arguments."""
    return (step.args[2] if len(step.args) > 2 else step.kwargs.get("bias")) is not None
