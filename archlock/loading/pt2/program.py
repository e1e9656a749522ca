"""An exported program in our own words: what it stores, what it takes, its operators in order, what it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Ref:
    """An argument that is the result of an earlier step, an input, or a stored tensor."""

    name: str


@dataclass(frozen=True)
class Special:
    """An argument of a kind that JSON has no value for.

    Attributes:
        kind: ``dtype`` or ``memory_format``.
        name: torch's name of it.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Stored:
    """A tensor of the program.

    Attributes:
        value: its name in the graph.
        name: its dotted name in the module it was exported from.
        kind: ``parameter``, ``buffer`` or ``constant``.
    """

    value: str
    name: str
    kind: str


@dataclass(frozen=True)
class Step:
    """One operator.

    Attributes:
        target: such as ``torch.ops.aten.conv2d.default``.
        args: positional arguments: numbers, text, None, lists, `Ref` and `Special`.
        kwargs: arguments by name.
        results: names of its results.
        spread: the results are the items of one tuple or list.
    """

    target: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[str, ...]
    spread: bool = False

    def refs(self) -> Iterator[str]:
        """Names of the values it reads."""
        yield from refs_in(self.args)
        yield from refs_in(list(self.kwargs.values()))


@dataclass(frozen=True)
class Program:
    """A program whose every part has been checked.

    Attributes:
        stored: parameters, buffers and constants.
        input: name of the one input.
        input_sizes: its sizes; None where a dimension is open.
        example_sizes: the sizes it was exported with.
        size_names: formula of each open size, empty for closed ones; sizes of one formula must be equal.
        steps: in order.
        output: name of the one result.
        sizes: of each tensor at the exported batch; None where a dimension is open.
        traits: what else is known, such as ``decomposed`` or ``dropout in its modules``.
    """

    stored: tuple[Stored, ...]
    input: str
    input_sizes: tuple[int | None, ...]
    example_sizes: tuple[int | None, ...]
    size_names: tuple[str, ...]
    steps: tuple[Step, ...]
    output: str
    sizes: dict[str, tuple[int | None, ...]]
    traits: tuple[str, ...] = ()


def refs_in(value: Any) -> Iterator[str]:
    """Names of the values that an argument refers to."""
    if isinstance(value, Ref):
        yield value.name
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs_in(item)


def as_plain(program: Program) -> dict[str, Any]:
    """The program as JSON knows it."""
    return asdict(program) | {
        "steps": [asdict(step) | {"args": _plain(step.args), "kwargs": _plain(step.kwargs)} for step in program.steps]
    }


def from_plain(plain: dict[str, Any]) -> Program:
    """What `as_plain` gave."""
    return Program(
        stored=tuple(Stored(**each) for each in plain["stored"]),
        input=plain["input"],
        input_sizes=tuple(plain["input_sizes"]),
        example_sizes=tuple(plain["example_sizes"]),
        size_names=tuple(plain["size_names"]),
        steps=tuple(_step(each) for each in plain["steps"]),
        output=plain["output"],
        sizes={name: tuple(sizes) for name, sizes in plain["sizes"].items()},
        traits=tuple(plain["traits"]),
    )


def _step(plain: dict[str, Any]) -> Step:
    kwargs = {name: _rich(value) for name, value in plain["kwargs"].items()}
    return Step(
        plain["target"], tuple(_rich(each) for each in plain["args"]), kwargs, tuple(plain["results"]), plain["spread"]
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return {"ref": value.name}
    if isinstance(value, Special):
        return {value.kind: value.name}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return [_rich(item) for item in value]
    if isinstance(value, dict):
        ((kind, name),) = value.items()
        return Ref(name) if kind == "ref" else Special(kind, name)
    return value
