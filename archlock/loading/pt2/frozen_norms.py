"""Batch norm that a program writes out as arithmetic on stored statistics: training mode does not bring it back.

Decomposing a program with a table of one's own, folding batch norm into a scale and a shift, and layers that are frozen
by design all end so. A thief who has the file sees it and puts a batch norm there; an attack here trains without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program, Ref, Step, Stored, refs_in

Sizes = Mapping[str, tuple[int, ...]]
ROOTS, POWERS = frozenset(("sqrt", "sqrt_", "rsqrt")), frozenset(("pow", "pow_"))
"""What turns a variance into a deviation."""
STATISTICS = frozenset(("running_mean", "running_var", "moving_mean", "moving_variance"))
"""Names that tell of a statistic even where it is stored as a parameter."""
SCALES = frozenset(("mul", "mul_", "div", "div_", "true_divide"))
SHIFTS = frozenset(("add", "add_", "sub", "sub_"))
COPIES = frozenset(("_to_copy", "to", "clone", "contiguous", "detach", "alias"))
WEIGHTED = frozenset(("conv1d", "conv2d", "convolution", "linear", "addmm", "mm", "matmul", "bmm", "baddbmm", "einsum"))
NORMS = {
    "batch_norm": (3, 4),
    "native_batch_norm": (3, 4),
    "_native_batch_norm_legit": (3, 4),
    "_native_batch_norm_legit_no_training": (3, 4),
}
"""Batch norms to the places of their statistics; with computed ones they stay operators of evaluation mode."""


@dataclass(frozen=True)
class _Made:
    """Where a value comes from.

    Attributes:
        fed: from the input, at least in part.
        kept: from a buffer or a constant, at least in part; such values are not trained.
        roots: places of the roots taken of buffers and constants on the way to it.
        weighted: from the input through a layer with weights.
        scaled, shifted: only by stored values of one number per channel since the last other operator.
        frozen: a scale among them was not a parameter.
    """

    fed: bool = False
    kept: bool = False
    roots: frozenset[int] = frozenset()
    weighted: bool = False
    scaled: bool = False
    shifted: bool = False
    frozen: bool = False


@dataclass
class _Walk:
    """The values so far, and the places where stored statistics meet what comes from the input."""

    sizes: Sizes
    values: dict[str, _Made]
    stored: frozenset[str]
    found: set[int] = field(default_factory=set)

    def take(self, at: int, step: Step) -> None:
        name = aten_name(step.target)
        given = [self.values[ref] for ref in step.refs() if ref in self.values]
        fed, kept = any(each.fed for each in given), any(each.kept for each in given)
        roots = frozenset().union(*(each.roots for each in given))
        if not fed:
            if kept and _is_root(step) and self.many(step):
                roots |= {at}
            made = _Made(kept=kept, roots=roots)
        else:
            self.found |= roots
            if name in NORMS and self.computed_statistics(step, NORMS[name]):
                self.found.add(at)
            weighted = any(each.weighted for each in given) or name in WEIGHTED
            made = (None if roots else self.per_channel(at, name, step)) or _Made(fed=True, weighted=weighted)
        self.values |= dict.fromkeys(filter(None, step.results), made)

    def many(self, step: Step) -> bool:
        """Whether a result has a number for each of several channels."""
        return prod(self.sizes.get(step.results[0], ())) > 1

    def computed_statistics(self, step: Step, places: tuple[int, ...]) -> bool:
        """Whether statistics of a batch norm are made by earlier steps, so that no layer stores them."""
        given = [step.args[place] for place in places if place < len(step.args)]
        return any(isinstance(each, Ref) and each.name not in self.stored for each in given)

    def per_channel(self, at: int, name: str, step: Step) -> _Made | None:
        """A scale or a shift per channel, noted where both are there and the scale is not trained."""
        operands = [ref for ref in refs_in(step.args) if ref in self.values]
        streams = [each for each in operands if self.values[each].fed]
        others = [each for each in operands if not self.values[each].fed]
        if len(streams) != 1 or not self.values[streams[0]].weighted:
            return None
        stream = self.values[streams[0]]
        if name in COPIES:
            return stream
        scales = name in SCALES and len(others) == 1
        both = name == "addcmul" and len(others) == 2
        if not (scales or both or (name in SHIFTS and len(others) == 1)):
            return None
        if not all(self.is_per_channel(each, step.results[0]) for each in others):
            return None
        frozen = stream.frozen or ((scales or both) and any(self.values[each].kept for each in others))
        shifted = stream.shifted or not scales
        made = _Made(True, weighted=True, scaled=stream.scaled or scales or both, shifted=shifted, frozen=frozen)
        if made.scaled and made.shifted and made.frozen:
            self.found.add(at)
            return _Made(fed=True, weighted=True)  # one norm, counted once
        return made

    def is_per_channel(self, name: str, result: str) -> bool:
        """Whether a stored value has one number for each channel, the second size of the result."""
        own, wanted = self.sizes.get(name, ()), self.sizes.get(result, ())
        aligned = (1,) * (len(wanted) - len(own)) + tuple(own)
        return len(wanted) >= 2 and prod(aligned) == wanted[1] > 1 and aligned[1] == wanted[1]


def frozen_norms(program: Program, sizes: Sizes) -> int:
    """How many normalisations by stored statistics a program writes out as arithmetic.

    Told are: roots of buffers or constants that meet what comes from the input, in any operator; batch norm operators
    whose statistics are computed; and a scale and a shift per channel after a layer with weights, the scale no
    parameter. What was folded into a layer's own weights leaves no trace and is not told.

    Args:
        program: checked.
        sizes: of each of its values at some batch.
    """
    values = {each.value: _Made(kept=_is_kept(each)) for each in program.stored}
    walk = _Walk(sizes, values | {program.input: _Made(fed=True)}, frozenset(values))
    for at, step in enumerate(program.steps):
        walk.take(at, step)
    return len(walk.found)


def _is_kept(stored: Stored) -> bool:
    return stored.kind != "parameter" or stored.name.rpartition(".")[2] in STATISTICS


def _is_root(step: Step) -> bool:
    name = aten_name(step.target)
    if name in POWERS:
        return len(step.args) > 1 and step.args[1] in (0.5, -0.5)
    return name in ROOTS
