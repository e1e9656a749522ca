"""Hardware profiles: strict YAML in which every figure states its unit and where it comes from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Self

from pydantic import model_validator

from archlock.documents import Document, Source, read_yaml, validate
from archlock.errors import ConfigError, HardwareError, did_you_mean
from archlock.hwcost.system.cim_profile import CimSection
from archlock.hwcost.system.figures import (
    BITS_PER_BYTE,
    Area,
    Bandwidth,
    BufferCapacity,
    Capacity,
    Count,
    Cycles,
    Energy,
    EnergyPerByte,
    Frequency,
    PerCycle,
    PerElement,
    Power,
)
from archlock.hwcost.system.hardware import Hardware, Link, Memories, Npu, VectorUnit
from archlock.hwcost.system.registers import Registers
from archlock.hwcost.system.systolic_array import Dataflow, SystolicArray

SECTIONS = ("npu", "cim", "vector", "memories", "link")


class RegistersSection(Document):
    """``npu.registers``: see `archlock.hwcost.system.registers.Registers`."""

    operand: Capacity
    operand_read: EnergyPerByte
    operand_write: EnergyPerByte
    partial_sum: Capacity
    sum_read: Energy
    sum_write: Energy

    def build(self) -> Registers:
        """The registers that the checked figures describe, in SI units."""
        return Registers(
            operand_bytes=int(self.operand.si),
            operand_read_j=self.operand_read.si,
            operand_write_j=self.operand_write.si,
            sum_bytes=int(self.partial_sum.si),
            sum_read_j=self.sum_read.si,
            sum_write_j=self.sum_write.si,
        )


class NpuSection(Document):
    """``npu``: see `archlock.hwcost.system.hardware.Npu`.

    Without ``registers``: one value and an int32 sum per cell, their energy within ``mac_energy``.
    """

    dataflow: Dataflow
    rows: Count
    columns: Count
    clock: Frequency
    mac_energy: Energy
    leakage: Power
    area: Area | None = None
    registers: RegistersSection | None = None
    weights_from_sram: bool = True

    @model_validator(mode="after")
    def _check_way_of_weights(self) -> Self:
        if not self.weights_from_sram and self.dataflow is not Dataflow.WEIGHT_STATIONARY:
            raise ValueError("weights_from_sram: false needs dataflow: ws; other arrays read weights more than once")
        return self

    def build(self) -> Npu:
        """The unit that the checked figures describe, in SI units."""
        array = SystolicArray(self.rows.whole, self.columns.whole, self.dataflow)
        return Npu(
            array=array,
            clock_hz=self.clock.si,
            mac_j=self.mac_energy.si,
            leakage_w=self.leakage.si,
            area_mm2=_mm2(self.area),
            registers=self.registers.build() if self.registers else Registers(),
            weights_from_sram=self.weights_from_sram,
        )


class VectorSection(Document):
    """``vector``: see `archlock.hwcost.system.hardware.VectorUnit`."""

    lanes: Count
    clock: Frequency
    operation_energy: Energy
    transcendental: PerElement
    softmax: PerElement
    layer_norm: PerElement
    area: Area | None = None

    def build(self) -> VectorUnit:
        """The unit that the checked figures describe, in SI units."""
        return VectorUnit(
            lanes=self.lanes.whole,
            clock_hz=self.clock.si,
            operation_j=self.operation_energy.si,
            transcendental_operations=self.transcendental.si,
            softmax_operations=self.softmax.si,
            layer_norm_operations=self.layer_norm.si,
            area_mm2=_mm2(self.area),
        )


class MemoriesSection(Document):
    """``memories``: see `archlock.hwcost.system.hardware.Memories`.

    Without ``sram_write_energy``: a write takes what a read takes. Without ``sram_word``: single bytes. ``leakage`` is
    that of one SRAM, none where it is left out: then a unit's ``leakage`` must hold it.
    """

    sram: BufferCapacity
    sram_energy: EnergyPerByte
    sram_write_energy: EnergyPerByte | None = None
    sram_word: Capacity | None = None
    dram_energy: EnergyPerByte
    dram_bandwidth: Bandwidth
    leakage: Power | None = None
    area: Area | None = None

    def build(self) -> Memories:
        """The memories that the checked figures describe, in SI units."""
        return Memories(
            sram_bytes=int(self.sram.si),
            sram_j_per_byte=self.sram_energy.si,
            dram_j_per_byte=self.dram_energy.si,
            dram_bytes_per_s=self.dram_bandwidth.si,
            area_mm2=_mm2(self.area),
            sram_write_j_per_byte=self.sram_write_energy.si if self.sram_write_energy else None,
            sram_word_bytes=int(self.sram_word.si) if self.sram_word else 1,
            leakage_w=self.leakage.si if self.leakage else 0.0,
        )


class LinkSection(Document):
    """``link``: see `archlock.hwcost.system.hardware.Link`."""

    clock: Frequency
    width: PerCycle
    setup: Cycles
    energy: EnergyPerByte
    area: Area | None = None

    def build(self) -> Link:
        """The link that the checked figures describe, in SI units."""
        bytes_per_s = self.width.si / BITS_PER_BYTE * self.clock.si
        return Link(bytes_per_s, self.setup.si / self.clock.si, self.energy.si, area_mm2=_mm2(self.area))


def _mm2(area: Area | None) -> float | None:
    """An area in square millimetres; None where the profile does not give it."""
    return None if area is None else area.mm2


class Profile(Document):
    """A profile file. A section given as a word is taken from the profile of that name."""

    note: str
    npu: NpuSection | None = None
    cim: CimSection | None = None
    vector: VectorSection
    memories: MemoriesSection
    link: LinkSection | None = None

    @model_validator(mode="after")
    def _check_units(self) -> Self:
        if self.npu is None and self.cim is None:
            raise ValueError("a system needs a section 'npu' or 'cim', or both")
        if self.npu and self.cim and not self.link:
            raise ValueError("a system of npu and cim needs a section 'link' between them")
        return self


def hardware_names() -> tuple[str, ...]:
    """Names of the profiles that archlock ships."""
    entries = (files("archlock.configs") / "hardware").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def load_hardware(name_or_path: str | Path) -> Hardware:
    """Read a profile by its shipped name, or from a YAML file.

    Raises:
        ConfigError: bad YAML, an unknown key, a figure without unit or provenance, or one out of range; with its place.
        HardwareError: no such profile.
    """
    source = _source(name_or_path, ())
    profile = validate(Profile, source)
    return Hardware(
        name=Path(source.name).stem,
        note=profile.note,
        vector=profile.vector.build(),
        memories=profile.memories.build(),
        npu=profile.npu.build() if profile.npu else None,
        cim=profile.cim.build() if profile.cim else None,
        link=profile.link.build() if profile.link else None,
    )


def _source(name_or_path: str | Path, above: tuple[str, ...]) -> Source:
    """The parsed file, with sections that name another profile filled in from there."""
    name = str(name_or_path)
    if name in above:
        raise ConfigError(f"hardware profile {name!r} takes a section from itself: {' -> '.join((*above, name))}")
    source = _read(name)
    for section in SECTIONS:
        given = source.data.get(section)
        if isinstance(given, str):
            try:
                other = _source(given, (*above, name))
            except HardwareError as error:
                raise ConfigError(f"{source.place((section,))}: {section}: {error}") from None
            if section not in other.data:
                raise ConfigError(f"{source.place((section,))}: {section}: profile {given!r} has no such section")
            source.data[section] = other.data[section]
            source.places |= {path: place for path, place in other.places.items() if path[0] == section}
    return source


def _read(name: str) -> Source:
    if name in hardware_names():
        return read_yaml(Path(str(files("archlock.configs") / "hardware" / f"{name}.yaml")), f"{name}.yaml")
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return read_yaml(Path(name))
    raise HardwareError(f"no hardware profile {name!r}.{did_you_mean(name, hardware_names())}")
