"""Reads data out of a pickle without unpickling it: the stream is interpreted here, and nothing it names is called.

CIFAR-100, Spherical, ECG, Satellite and PSICOV are published as pickles. Numbers, text, bytes, lists, tuples, dicts and
numpy arrays of those are read; anything else that a stream asks for is refused by name.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from archlock.errors import TaskError

ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
BUFFER_MODULES = ("numpy.core.numeric", "numpy._core.numeric")
BUILT_IN_MODULES = ("builtins", "__builtin__")
KINDS = "biufcSUO"
"""Kinds of numpy types that are read: truth values, numbers, text and (of plain data) objects."""


@dataclass(frozen=True)
class _Name:
    """What a stream calls by name; never imported."""

    module: str
    name: str

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}"


class _Type:
    """A numpy type under construction: its code, then its byte order."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    def resolved(self) -> np.dtype[Any]:
        dtype = np.dtype(self.code)
        if dtype.kind not in KINDS or dtype.fields is not None:
            raise _RefusedError(f"a numpy type {self.code!r}")
        return dtype if self.order not in "<>" else dtype.newbyteorder("<" if self.order == "<" else ">")


class _RefusedError(Exception):
    """A stream asks for more than data."""


def read_pickle(stream: IO[bytes], where: str) -> Any:
    """The plain data of a pickle of any protocol. Text of Python 2 becomes str, its array bytes stay bytes.

    Args:
        stream: open for reading, at the pickle's first byte.
        where: begins error messages.

    Raises:
        TaskError: a damaged stream, or one that names anything but numpy arrays.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            machine.step(opcode.name, argument)
        return machine.stack.pop()
    except _RefusedError as error:
        raise TaskError(f"{where}: asks for {error}, which is never loaded; only plain data and arrays are") from None
    except Exception as error:  # a damaged stream can fail in the interpreter, in numpy, or anywhere between
        raise TaskError(f"{where}: damaged or not a pickle: {' '.join(str(error).split())}") from None


class _Machine:
    """The stack machine that pickle streams are written for, without its calls."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """One instruction."""
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise _RefusedError(f"the instruction {name}")

    def since_mark(self) -> list[Any]:
        """What lies above the last mark, taken off."""
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def take(self, count: int) -> list[Any]:
        """The topmost values, taken off."""
        taken = self.stack[-count:]
        if len(taken) < count:
            raise ValueError("the stack ran empty")
        del self.stack[-count:]
        return taken

    def update(self, values: list[Any]) -> None:
        """Keys and values in turn into the dict that is now topmost."""
        self.stack[-1].update(zip(values[::2], values[1::2], strict=True))

    def reduce(self) -> None:
        """Stands for a call; only those that numpy writes for its arrays mean anything here."""
        function, arguments = self.take(2)
        if not isinstance(function, _Name):
            raise ValueError("a call of something that is no name")
        self.stack.append(_made(function, arguments))

    def build(self) -> None:
        """State into the array or type that is topmost."""
        (state,) = self.take(1)
        made = self.stack[-1]
        if isinstance(made, _Type):
            made.order = state[1]
        elif isinstance(made, np.ndarray):
            _fill(made, state)
        else:
            raise _RefusedError(f"state for a {type(made).__name__}")


def _made(function: _Name, arguments: Any) -> Any:
    if function.module in ARRAY_MODULES and function.name == "_reconstruct":
        return np.empty(0, dtype=np.int8)
    if function.module in ARRAY_MODULES and function.name == "scalar":
        kind, data = arguments
        return np.frombuffer(_as_bytes(data), dtype=_no_objects(kind.resolved()))[0]
    if function.module in BUFFER_MODULES and function.name == "_frombuffer":
        data, kind, shape, order = arguments
        return np.frombuffer(data, dtype=_no_objects(kind.resolved())).reshape(shape, order=order).copy(order="K")
    if function.full == "numpy.dtype":
        return _Type(str(arguments[0]))
    if function.module in BUILT_IN_MODULES and function.name in ("bytes", "bytearray"):
        return _as_bytes(arguments[0]) if arguments else b""
    if function.full == "_codecs.encode" and arguments[1] == "latin1":
        return _as_bytes(arguments[0])
    raise _RefusedError(repr(function.full))


def _fill(array: np.ndarray[Any, Any], state: Any) -> None:
    _, shape, kind, column_major, data = state
    dtype = kind.resolved()
    if dtype.kind == "O":
        if not isinstance(data, list):
            raise ValueError("an array of objects without its list")
    else:
        data = _as_bytes(data)
    # numpy checks that the data has the length of the shape.
    array.__setstate__((1, tuple(shape), dtype, bool(column_major), data))  # type: ignore[arg-type]


def _no_objects(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "O":
        raise ValueError("objects in a buffer")
    return dtype


def _as_bytes(data: str | bytes | bytearray) -> bytes:
    """Python 2 wrote bytes as text; its characters are the bytes."""
    return data.encode("latin1") if isinstance(data, str) else bytes(data)


def _named(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(_Name(module, name))


_IGNORED = frozenset(("PROTO", "FRAME", "STOP"))
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = frozenset(
    [f"{sign}{width}" for sign, widths in {"BININT": ("", 1, 2), "LONG": ("", 1, 4)}.items() for width in widths]
    + [f"{kind}{width}" for kind in ("BINUNICODE", "BINBYTES") for width in ("", 8)]
    + [f"SHORT_{kind}" for kind in ("BINSTRING", "BINUNICODE", "BINBYTES")]
    + ["INT", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "UNICODE", "BYTEARRAY8"]
)
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "POP": lambda m, _: m.stack.pop(),
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "APPEND": lambda m, _: _extend(m, m.take(1)),
    "APPENDS": lambda m, _: _extend(m, m.since_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.take(3))),
    "DICT": lambda m, _: _new_dict(m, m.since_mark()),
    "SETITEM": lambda m, _: m.update(m.take(2)),
    "SETITEMS": lambda m, _: m.update(m.since_mark()),
    "MEMOIZE": lambda m, _: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    "PUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "BINPUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "LONG_BINPUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "GET": lambda m, at: m.stack.append(m.memo[at]),
    "BINGET": lambda m, at: m.stack.append(m.memo[at]),
    "LONG_BINGET": lambda m, at: m.stack.append(m.memo[at]),
    "GLOBAL": _named,
    "STACK_GLOBAL": lambda m, _: m.stack.append(_Name(*m.take(2))),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
}


def _extend(machine: _Machine, values: list[Any]) -> None:
    if not isinstance(machine.stack[-1], list):
        raise ValueError("values for something that is no list")
    machine.stack[-1].extend(values)


def _new_dict(machine: _Machine, values: list[Any]) -> None:
    machine.stack.append({})
    machine.update(values)
