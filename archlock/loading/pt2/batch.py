"""A program exported with one fixed batch, made to take any: sizes that hold the batch become sizes of the input.

A size written as a number may hold the batch or not; which it is follows from where the batch lies in the operand. A
view leaves the order of elements as it is, so the number of elements to the right of the batch is the same before and
after it, and that says which of the new sizes holds it. The result is checked by running both programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from archlock.loading.pt2.execute import execute
from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program, Ref, Step

PREFIX = "open_batch"
VIEWS = frozenset(("view", "reshape", "_unsafe_view"))
EXPANSIONS = frozenset(("expand", "broadcast_to"))
FILLS = frozenset(("zeros", "ones", "full"))
NEW_FILLS = frozenset(("new_zeros", "new_ones", "new_full"))
REPEATS = frozenset(("repeat", "tile"))
MOST_TRIES = 20
"""Steps that are tried, in lengths of the program, before the batch counts as fixed."""
JOINS = frozenset(("cat", "concat"))
GROUP_NORM = "native_group_norm"
"""Takes the number of its samples as an argument."""


class FixedBatchError(Exception):
    """A step whose batch cannot be told from its other sizes."""


@dataclass(frozen=True)
class _Place:
    """Where the batch lies in a value: in which dimension, and how many of its elements belong to one sample."""

    dimension: int
    inner: int


def open_batch(program: Program, weights: Mapping[str, Tensor]) -> Program:
    """The program with its first size open.

    Args:
        program: exported with a fixed batch.
        weights: by dotted name, on the meta device: only their sizes are used.

    Raises:
        FixedBatchError: a step whose batch cannot be told from its other sizes, named.
    """
    batch = program.input_sizes[0]
    if batch is None:
        return program
    steps = tuple(_Opening(program, weights, batch).steps())
    return replace(program, steps=steps, input_sizes=(None, *program.input_sizes[1:]))


@dataclass(frozen=True)
class _Option:
    """One way to rewrite a step.

    Attributes:
        steps: the step, after those that compute its sizes.
        place: where the batch lies in its first result; None to find it from the sizes.
    """

    steps: tuple[Step, ...]
    place: _Place | None = None


@dataclass
class _State:
    """How far the walk is: the steps so far, what stands for each value, and where the batch lies in it."""

    at: int
    steps: list[Step]
    values: dict[str, Any]
    places: dict[str, _Place]

    def copy(self) -> _State:
        return _State(self.at, self.steps.copy(), self.values.copy(), self.places.copy())


class _Opening:
    """Walks the steps with sizes alone, at another batch, and rewrites the sizes that do not follow.

    A size that may hold the batch in two ways is tried in both: a wrong guess shows in a later operand that does not
    fit, and the walk goes back to the last guess.
    """

    def __init__(self, program: Program, weights: Mapping[str, Tensor], batch: int) -> None:
        self.program = program
        self.batch = batch
        self.other = 7 if batch % 7 else 11
        self.sizes = {name: tuple(map(_closed, sizes)) for name, sizes in program.sizes.items()}
        self.read = {name for step in program.steps for name in step.refs()} | {program.output}
        values: dict[str, Any] = {each.value: weights[each.name] for each in program.stored}
        values[program.input] = torch.empty(self.other, *self.sizes[program.input][1:], device="meta")
        values[PREFIX] = self.other
        self.state = _State(0, [], values, {program.input: _Place(0, 1)})
        self.factors = {1: PREFIX}
        self.guesses: list[tuple[_State, list[_Option]]] = []

    def steps(self) -> list[Step]:
        """The rewritten steps, after the products of the batch that they need.

        Raises:
            FixedBatchError: no way fits.
        """
        most = MOST_TRIES * len(self.program.steps)
        for _ in range(most):
            if self.state.at == len(self.program.steps):
                return [*self.products(), *self.state.steps]
            try:
                first, *others = self.options(self.program.steps[self.state.at])
                if others:
                    self.guesses.append((self.state.copy(), others))
                self.take(first)
            except FixedBatchError as error:
                self.go_back(error)
        raise FixedBatchError(f"not found in {most} steps")

    def products(self) -> list[Step]:
        """The batch as a size of the input, and the multiples of it that were used."""
        read = Step("torch.ops.aten.sym_size.int", (Ref(self.program.input), 0), {}, (PREFIX,))
        used = {name for step in self.state.steps for name in step.refs()}
        return [read] + [
            Step("_operator.mul", (Ref(PREFIX), factor), {}, (name,))
            for factor, name in self.factors.items()
            if name in used and factor != 1
        ]

    def go_back(self, error: FixedBatchError) -> None:
        """Take the next option of the last guess that has one."""
        while self.guesses:
            state, (option, *others) = self.guesses.pop()
            if others:
                self.guesses.append((state.copy(), others))
            self.state = state
            try:
                self.take(option)
                return
            except FixedBatchError:
                continue
        raise error

    def take(self, option: _Option) -> None:
        """Carry out a rewritten step and go on."""
        step, state = self.program.steps[self.state.at], self.state
        place = f"operator {state.at} ({aten_name(step.target)})"
        for new in option.steps:
            try:
                execute(new, state.values, "meta")
            except Exception as error:  # whatever torch says of sizes that do not fit
                raise FixedBatchError(f"{place}: {(str(error).strip().splitlines() or [''])[0][:120]}") from None
        if option.place:
            state.places[step.results[0]] = option.place
        for name in step.results:
            if name in self.read:
                self.note(name, step, place)
        state.steps.extend(option.steps)
        state.at += 1

    def note(self, name: str, step: Step, where: str) -> None:
        """Where the batch lies in a result, from how its sizes changed."""
        value = self.state.values.get(name)
        if not name or not isinstance(value, Tensor) or name not in self.sizes:
            return
        sizes = self.sizes[name]
        if len(sizes) != value.ndim:
            raise FixedBatchError(f"{where}: other dimensions at another batch")
        changed = [at for at in range(value.ndim) if value.shape[at] != sizes[at]]
        if not changed:
            return
        (at, *more) = changed
        if more or value.shape[at] * self.batch != sizes[at] * self.other:
            raise FixedBatchError(f"{where}: its sizes do not follow the batch")
        if name not in self.state.places:
            self.state.places[name] = _Place(at, self.inner(step, sizes[at]))

    def inner(self, step: Step, size: int) -> int:
        """How many elements of a dimension belong to one sample: one in a plain batch, else as in the operand."""
        if size == self.batch:
            return 1
        for name in step.refs():
            place = self.state.places.get(name)
            if place and self.sizes[name][place.dimension] == size:
                return place.inner
        return size // self.batch

    def options(self, step: Step) -> list[_Option]:
        """The ways in which a step's sizes may follow the batch, the likeliest first."""
        name = aten_name(step.target)
        place = next((self.state.places[ref] for ref in step.refs() if ref in self.state.places), None)
        if name in VIEWS:
            return self.view(step)
        if name == "unflatten" and place:
            return self.unflatten(step, place)
        if name in EXPANSIONS:
            return [self.expansion(step)]
        if name in FILLS | NEW_FILLS:
            return [self.leading(step, int(name in NEW_FILLS))]
        if name == GROUP_NORM and place and step.args[3] == place.inner * self.batch:
            return [self.with_count(step, 3, place.inner)]
        if name in REPEATS and place is None:
            return [self.repeat(step)]
        if name in JOINS:
            return [self.joined(step)]
        if name == "as_strided" and place:
            raise FixedBatchError("as_strided: strides that hold the batch")
        return [_Option((step,))]

    def view(self, step: Step) -> list[_Option]:
        operand, result = step.args[0].name, step.results[0]
        place = self.state.places.get(operand)
        if place is None or not isinstance(step.args[1], list):
            return [_Option((step,))]
        right = place.inner * prod(self.sizes[operand][place.dimension + 1 :])
        return [
            self.with_size(step, 1, at, self.sizes[result][at], _Place(at, inner))
            for at, inner in holders(self.sizes[result], right, self.batch)
        ]

    def unflatten(self, step: Step, place: _Place) -> list[_Option]:
        operand, dimension, sizes = step.args[0].name, step.args[1], step.args[2]
        dimension %= len(self.sizes[operand])
        if dimension != place.dimension:
            return [_Option((step,))]
        whole = self.sizes[step.results[0]][dimension : dimension + len(sizes)]
        return [
            self.with_size(step, 2, at, whole[at], _Place(dimension + at, inner))
            for at, inner in holders(whole, place.inner, self.batch)
        ]

    def expansion(self, step: Step) -> _Option:
        """A batch that is already there is followed; a leading one is what a class token is expanded to."""
        operand, sizes = step.args[0].name, step.args[1]
        place = self.state.places.get(operand)
        at = place.dimension + len(sizes) - len(self.sizes[operand]) if place else 0
        result = self.sizes[step.results[0]]
        if not sizes or result[at] % self.batch or (place is None and result[0] != self.batch):
            return _Option((step,))
        return self.with_size(step, 1, at, result[at])

    def leading(self, step: Step, position: int) -> _Option:
        """A tensor that is made for every sample."""
        sizes = step.args[position]
        if isinstance(sizes, list) and len(sizes) > 1 and sizes[0] == self.batch:
            return self.with_size(step, position, 0, self.batch)
        return _Option((step,))

    def repeat(self, step: Step) -> _Option:
        """A tensor that is repeated for every sample."""
        operand, times = step.args[0].name, step.args[1]
        first = self.sizes[operand][0] if len(times) == len(self.sizes[operand]) else 1
        if times and first == 1 and times[0] == self.batch:
            return self.with_size(step, 1, 0, self.batch)
        return _Option((step,))

    def joined(self, step: Step) -> _Option:
        """Parts without the batch are expanded to it where the others have it."""
        parts: Sequence[Ref] = step.args[0]
        places = [self.state.places.get(part.name) for part in parts]
        place = next((place for place in places if place), None)
        if place is None or all(places) or self.batch != 1:
            return _Option((step,))
        before, names = [], []
        for part, own in zip(parts, places, strict=True):
            name = part.name if own else f"{PREFIX}_{step.results[0]}_{part.name}"
            if not own:
                sizes: list[Any] = [-1] * len(self.sizes[part.name])
                sizes[place.dimension] = Ref(PREFIX)
                before.append(Step("torch.ops.aten.expand.default", (part, sizes), {}, (name,)))
            names.append(Ref(name))
        return _Option((*before, replace(step, args=(names, *step.args[1:]))))

    def with_count(self, step: Step, position: int, factor: int) -> _Option:
        """The step with one of its numbers as a multiple of the batch."""
        args = (*step.args[:position], Ref(self.multiple(factor)), *step.args[position + 1 :])
        return _Option((replace(step, args=args),))

    def multiple(self, factor: int) -> str:
        """Name of a multiple of the batch."""
        name = self.factors.setdefault(factor, f"{PREFIX}_{factor}")
        self.state.values[name] = factor * self.other
        return name

    def with_size(self, step: Step, position: int, at: int, size: int, place: _Place | None = None) -> _Option:
        """The step with one of its sizes as a multiple of the batch; a size left open (-1) follows by itself."""
        sizes = list(step.args[position])
        if sizes[at] == -1:
            return _Option((step,), place)
        factor, rest = divmod(size, self.batch)
        if rest:
            raise FixedBatchError(f"{aten_name(step.target)}: size {size} is no multiple of the batch {self.batch}")
        sizes[at] = Ref(self.multiple(factor))
        return _Option((replace(step, args=(*step.args[:position], sizes, *step.args[position + 1 :])),), place)


def holders(sizes: Sequence[int], right: int, batch: int) -> list[tuple[int, int]]:
    """Which of a view's sizes may hold the batch, and how many of its elements belong to one sample; likeliest first.

    Args:
        sizes: of the view.
        right: elements to the right of the batch in the order of memory.
        batch: its size.

    Raises:
        FixedBatchError: none can.
    """
    found = []
    for at, size in enumerate(sizes):
        beyond = max(prod(sizes[at + 1 :]), 1)
        if right % beyond == 0 and size and size % (right // beyond * batch) == 0:
            inner = right // beyond
            outer = size // (inner * batch)
            # The batch alone; then not the features, which weights are fitted to; then its outermost part.
            found.append(((inner != 1 or outer != 1, at == len(sizes) - 1, outer != 1), at, inner))
    if not found:
        raise FixedBatchError(f"no size of {list(sizes)} can hold a batch of {batch}")
    return [(at, inner) for _, at, inner in sorted(found)]


def _closed(size: int | None) -> int:
    if size is None:
        raise FixedBatchError("open sizes beside a fixed batch")
    return size
