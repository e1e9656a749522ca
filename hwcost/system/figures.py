"""Figures of a hardware profile: a number, its unit, and where it comes from; one class per kind of unit.

Each kind has a range: wide enough for any hardware, and narrow enough that no product of figures leaves the numbers
that 64 bits hold, where a slip of the unit or the exponent would end in nonsense instead of an error.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from archlock.documents import Document, MisplacedError

BITS_PER_BYTE = 8


class Figure(Document):
    """A number, its unit, and where it comes from. Subclasses list the units they take and their size in SI.

    ``least`` and ``most`` are the range that a figure may lie in, in the unit of its kind.
    """

    units: ClassVar[dict[str, float]] = {}
    least: ClassVar[float] = 0.0
    most: ClassVar[float] = 0.0

    value: float
    unit: str
    provenance: Annotated[str, Field(alias="from", min_length=5)]

    @field_validator("unit")
    @classmethod
    def _check_unit(cls, unit: str) -> str:
        if unit not in cls.units:
            raise ValueError(f"unit {unit!r} does not fit here; expected {' or '.join(map(repr, cls.units))}")
        return unit

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if not self.least <= self.si <= self.most:
            low, high = self.least / self.units[self.unit], self.most / self.units[self.unit]
            raise MisplacedError(("value",), f"must be from {low:g} to {high:g} {self.unit}, not {self.value:g}")
        return self

    @property
    def si(self) -> float:
        """The number in the unit of its kind: SI, but square millimetres for areas."""
        return self.value * self.units[self.unit]


class Count(Figure):
    """A whole number of things, at least one."""

    units: ClassVar[dict[str, float]] = {"count": 1.0}
    least: ClassVar[float] = 1.0
    most: ClassVar[float] = 1e6

    @field_validator("value")
    @classmethod
    def _check_whole(cls, value: float) -> float:
        if value != int(value):
            raise ValueError(f"must be a whole number, not {value:g}")
        return value

    @property
    def whole(self) -> int:
        """The number as an int."""
        return int(self.value)


class Macros(Count):
    """How many macros: as many as chips have, since what stays on which is searched."""

    most: ClassVar[float] = 65_536.0


class Cycles(Count):
    """Clock cycles."""

    units: ClassVar[dict[str, float]] = {"cycles": 1.0}
    least: ClassVar[float] = 0.0


class WholeCycles(Count):
    """Clock cycles, at least one."""

    units: ClassVar[dict[str, float]] = {"cycles": 1.0}


class Bits(Count):
    """A resolution or width, at least one bit."""

    units: ClassVar[dict[str, float]] = {"bit": 1.0}
    most: ClassVar[float] = 32.0


class Voltage(Figure):
    """Volts."""

    units: ClassVar[dict[str, float]] = {"V": 1.0, "mV": 1e-3}
    least: ClassVar[float] = 0.01
    most: ClassVar[float] = 100.0


class Frequency(Figure):
    """Hertz."""

    units: ClassVar[dict[str, float]] = {"Hz": 1.0, "MHz": 1e6, "GHz": 1e9}
    least: ClassVar[float] = 1.0
    most: ClassVar[float] = 1e12


class Energy(Figure):
    """Joules per event."""

    units: ClassVar[dict[str, float]] = {"fJ": 1e-15, "pJ": 1e-12, "nJ": 1e-9}
    most: ClassVar[float] = 1e-3


class EnergyPerByte(Figure):
    """Joules per byte."""

    units: ClassVar[dict[str, float]] = {"pJ/byte": 1e-12, "pJ/bit": BITS_PER_BYTE * 1e-12}
    most: ClassVar[float] = 1e-3


class Power(Figure):
    """Watts."""

    units: ClassVar[dict[str, float]] = {"uW": 1e-6, "mW": 1e-3, "W": 1.0}
    most: ClassVar[float] = 1e4


class Capacity(Figure):
    """Whole bytes, at least one."""

    units: ClassVar[dict[str, float]] = {"byte": 1.0, "kB": 1024.0, "MB": 1024.0**2}
    least: ClassVar[float] = 1.0
    most: ClassVar[float] = 1024.0**4

    @model_validator(mode="after")
    def _check_whole_bytes(self) -> Self:
        if self.si != int(self.si):
            raise MisplacedError(("value",), f"must be whole bytes, not {self.si:g}")
        return self


class BufferCapacity(Capacity):
    """Whole bytes of a buffer of two halves, at least one in each."""

    least: ClassVar[float] = 2.0


class Area(Figure):
    """Square millimetres."""

    units: ClassVar[dict[str, float]] = {"mm2": 1.0, "um2": 1e-6}
    most: ClassVar[float] = 1e6

    @property
    def mm2(self) -> float:
        """The number in square millimetres, the unit that chips are compared in."""
        return self.si


class Bandwidth(Figure):
    """Bytes per second."""

    units: ClassVar[dict[str, float]] = {"B/s": 1.0, "MB/s": 1e6, "GB/s": 1e9}
    least: ClassVar[float] = 1.0
    most: ClassVar[float] = 1e15


class PerCycle(Figure):
    """Bits per cycle."""

    units: ClassVar[dict[str, float]] = {"bit/cycle": 1.0, "byte/cycle": float(BITS_PER_BYTE)}
    least: ClassVar[float] = 1e-6
    most: ClassVar[float] = 1e6


class PerElement(Figure):
    """Operations per element."""

    units: ClassVar[dict[str, float]] = {"operations/element": 1.0}
    least: ClassVar[float] = 1e-3
    most: ClassVar[float] = 1e4
