"""The ``cim`` section of a hardware profile."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from archlock.documents import Document, MisplacedError
from archlock.hwcost.system.cim import OPERAND_BITS, CellTechnology, Cim
from archlock.hwcost.system.converters import Adc, adc_area_mm2, adc_energy_j
from archlock.hwcost.system.figures import (
    BITS_PER_BYTE,
    Area,
    Bits,
    Count,
    Energy,
    EnergyPerByte,
    Frequency,
    Macros,
    PerCycle,
    Power,
    Voltage,
    WholeCycles,
)


class AdcSection(Document):
    """``cim.adc``: see `archlock.hwcost.system.converters.Adc`.

    ``energy`` may be left out where ``supply`` is given: then it is `adc_energy_j`. ``area`` may be left out: then it
    is `adc_area_mm2`.
    """

    bits: Bits
    energy: Energy | None = None
    supply: Voltage | None = None
    columns: Count
    summed_cells: Count
    conversion: WholeCycles
    area: Area | None = None

    @model_validator(mode="after")
    def _check_energy(self) -> Self:
        if (self.energy is None) == (self.supply is None):
            raise ValueError("needs either 'energy', of one conversion, or 'supply', the voltage of the published line")
        return self

    def build(self) -> Adc:
        """The converters that the checked figures describe."""
        bits = self.bits.whole
        energy = self.energy.si if self.energy is not None else adc_energy_j(bits, self.supply.si if self.supply else 1)
        area = adc_area_mm2(bits) if self.area is None else self.area.mm2
        return Adc(bits, energy, self.columns.whole, self.summed_cells.whole, self.conversion.whole, area)


class CimSection(Document):
    """``cim``: see `archlock.hwcost.system.cim.Cim`.

    ``mac_energy`` is that of one multiply-accumulate at operands of ``input_bits`` by ``weight_bits``, 8 by 8 unless
    they are given; networks run with int8 operands whatever they are. ``macro_leakage`` is that of one macro.
    """

    technology: CellTechnology
    dynamic_operands: bool
    ping_pong: bool = False
    macros: Macros
    rows: Count
    cell_columns: Count
    cell_bits: Bits
    input_bits_per_step: Bits
    step_cycles: WholeCycles
    clock: Frequency
    mac_energy: Energy
    input_bits: Bits | None = None
    weight_bits: Bits | None = None
    adc: AdcSection | None = None
    dac_energy: Energy | None = None
    write_rate: PerCycle
    write_energy: EnergyPerByte
    macro_leakage: Power
    cell_area: Area | None = None
    periphery_area: Area | None = None

    @model_validator(mode="after")
    def _check_technology(self) -> Self:
        digital = self.technology is CellTechnology.DIGITAL_SRAM
        if self.dynamic_operands and self.technology is CellTechnology.RRAM:
            raise MisplacedError(
                ("dynamic_operands",), "must be false for rram: its cells are slow to write and wear out"
            )
        for key, given in (("adc", self.adc), ("dac_energy", self.dac_energy)):
            if digital and given is not None:
                raise MisplacedError((key,), "digital-sram macros have no converters; leave it out")
            if not digital and given is None:
                raise ValueError(f"{self.technology} macros need the key '{key}'")
        return self

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        cells = -(-OPERAND_BITS // self.cell_bits.whole)
        if self.cell_columns.whole < cells:
            raise MisplacedError(
                ("cell_columns",),
                f"a macro smaller than one weight: {OPERAND_BITS} bits take {cells} cells of a row, "
                f"not {self.cell_columns.whole}",
            )
        return self

    def build(self) -> Cim:
        """The unit that the checked figures describe, in SI units and square millimetres."""
        input_bits, weight_bits = (OPERAND_BITS if b is None else b.whole for b in (self.input_bits, self.weight_bits))
        steps = -(-input_bits // self.input_bits_per_step.whole)
        cells = -(-weight_bits // self.cell_bits.whole)
        rows, cell_columns = self.rows.whole, self.cell_columns.whole
        return Cim(
            technology=self.technology,
            macros=self.macros.whole,
            rows=rows,
            cell_columns=cell_columns,
            cell_bits=self.cell_bits.whole,
            input_bits_per_step=self.input_bits_per_step.whole,
            step_cycles=self.step_cycles.whole,
            clock_hz=self.clock.si,
            cell_j=self.mac_energy.si / (steps * cells),
            dac_step_j=0.0 if self.dac_energy is None else self.dac_energy.si,
            write_bits_per_cycle=self.write_rate.si,
            write_j_per_bit=self.write_energy.si / BITS_PER_BYTE,
            cell_leakage_w=self.macro_leakage.si / (rows * cell_columns),
            dynamic_operands=self.dynamic_operands,
            ping_pong=self.ping_pong,
            adc=None if self.adc is None else self.adc.build(),
            cell_area_mm2=None if self.cell_area is None else self.cell_area.mm2,
            periphery_mm2=0.0 if self.periphery_area is None else self.periphery_area.mm2,
        )
