"""The cim section of profiles: faults are named with file and key, and what follows from the figures is right."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from archlock.errors import ConfigError, HardwareError
from archlock.hwcost import load_hardware
from archlock.hwcost.system.cim import Cim
from archlock.hwcost.system.converters import Adc, adc_area_mm2, adc_energy_j, dac_energy_j

SHIPPED = ("cim-dsram-22", "cim-asram-22", "cim-rram")


def edited(tmp_path: Path, name: str, before: str, after: str) -> Path:
    """A copy of a shipped profile with one passage replaced."""
    text = (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()
    assert before in text
    path = tmp_path / "edited.yaml"
    path.write_text(text.replace(before, after, 1))
    return path


def macro(name: str) -> Cim:
    cim = load_hardware(name).cim
    assert cim is not None
    return cim


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        (
            "cim-dsram-22",
            "cell_columns: {value: 1024",
            "cell_columns: {value: 7",
            "cim.cell_columns: a macro smaller than",
        ),
        (
            "cim-rram",
            "cell_columns: {value: 256",
            "cell_columns: {value: 4",
            "cim.cell_columns: a macro smaller than one",
        ),
        ("cim-dsram-22", "rows: {value: 128", "rows: {value: 0", "cim.rows.value: must be from 1 to 1e+06 count"),
        ("cim-dsram-22", "write_rate: {value: 64", "write_rate: {value: 0", "cim.write_rate.value: must be from 1e-06"),
        (
            "cim-rram",
            "dynamic_operands: false",
            "dynamic_operands: true",
            "cim.dynamic_operands: must be false for rram",
        ),
        ("cim-rram", "technology: rram", "technology: reram", "cim.technology: "),
        ("cim-rram", "technology: rram", "technology: digital-sram", "cim.adc: digital-sram macros have no converters"),
        (
            "cim-asram-22",
            "dac_energy: {value: 3.3792, unit: pJ",
            "dac_energy: {value: 3, unit: J",
            "cim.dac_energy.unit",
        ),
        (
            "cim-asram-22",
            "step_cycles: {value: 1",
            "step_cycles: {value: 0",
            "cim.step_cycles.value: must be from 1 to",
        ),
        ("cim-asram-22", "    bits: {value: 8", "    bits: {value: 0", "cim.adc.bits.value: must be from 1 to 32 bit"),
        ("cim-asram-22", "    bits:", "    bit:", "cim.adc.bit: unknown key. Did you mean 'bits'?"),
        ("cim-dsram-22", "ping_pong: false", "ping_pong: 1", "cim.ping_pong: expected true or false"),
        (
            "cim-asram-22",
            "cell_area: {value: 0.87, unit: um2",
            "cell_area: {value: 0.87, unit: m2",
            "cim.cell_area.unit",
        ),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(
    tmp_path: Path, name: str, before: str, after: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_hardware(edited(tmp_path, name, before, after))
    assert re.match(rf".*edited\.yaml:\d+: {re.escape(message)}", str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def test_zero_bandwidth_is_refused_with_file_and_key(tmp_path: Path) -> None:
    path = edited(tmp_path, "npu-edge", "dram_bandwidth: {value: 8", "dram_bandwidth: {value: 0")
    with pytest.raises(ConfigError, match=r"edited\.yaml:\d+: memories\.dram_bandwidth\.value: must be from 1e-09"):
        load_hardware(path)
    link = edited(tmp_path, "edge-npu-cim", "width: {value: 8", "width: {value: 0")
    with pytest.raises(ConfigError, match=r"edited\.yaml:\d+: link\.width\.value: must be from 1\.25e-07"):
        load_hardware(link)


def test_analog_macros_need_their_converters(tmp_path: Path) -> None:
    path = edited(tmp_path, "cim-asram-22", "technology: analog-sram", "technology: rram")
    path.write_text(path.read_text().replace("dynamic_operands: true", "dynamic_operands: false"))
    assert load_hardware(path).cim.technology == "rram"
    path.write_text(re.sub(r"  dac_energy:.*\n", "", path.read_text()))
    with pytest.raises(ConfigError, match="cim: rram macros need the key 'dac_energy'"):
        load_hardware(path)


def test_a_converter_without_its_own_figure_follows_the_published_line(tmp_path: Path) -> None:
    text = (files("archlock.configs") / "hardware" / "cim-asram-22.yaml").read_text()
    given = next(each for each in text.splitlines(keepends=True) if each.startswith("    energy:"))
    line = '    supply: {value: 0.8, unit: V, from: "a supply to try"}\n'
    cim = load_hardware(edited(tmp_path, "cim-asram-22", given, line)).cim
    assert cim.adc.conversion_j == pytest.approx((8 * 100e-15 + 4**8 * 1e-18) * 0.64)
    with pytest.raises(ConfigError, match=r"cim\.adc: needs either 'energy'.*or 'supply'"):
        load_hardware(edited(tmp_path, "cim-asram-22", given, given + line))
    with pytest.raises(ConfigError, match=r"cim\.adc: needs either 'energy'"):
        load_hardware(edited(tmp_path, "cim-asram-22", given, ""))


def test_converters_cost_more_with_each_bit() -> None:
    energies, areas = ([line(bits) for bits in range(1, 15)] for line in (adc_energy_j, adc_area_mm2))
    assert all(b > a for values in (energies, areas) for a, b in pairwise(values))
    assert energies[13] / energies[12] > 3, "noise quadruples the energy"
    assert adc_energy_j(8, 0.5) == pytest.approx(adc_energy_j(8) / 4)
    assert dac_energy_j(1) == 0, "a single bit drives its row without a converter"
    assert dac_energy_j(8) == pytest.approx(400e-15)
    with pytest.raises(HardwareError, match="at least one bit, not 0"):
        adc_energy_j(0)


def test_fewer_adc_bits_cost_less_and_hold_less() -> None:
    cim = macro("cim-rram")
    coarse = cim.with_adc_bits(4)
    assert coarse.adc_j < cim.adc_j
    assert coarse.macro_area_mm2 < cim.macro_area_mm2
    assert coarse.adc.bits == 4 < cim.lossless_adc_bits == 9, "256 one-bit products need nine bits"
    assert cim.with_adc_bits(8) == cim
    with pytest.raises(HardwareError, match="digital-sram macros have no converters"):
        macro("cim-dsram-22").with_adc_bits(4)


def test_sharing_a_converter_saves_area_and_takes_time() -> None:
    cim = macro("cim-rram")
    shared = replace(cim, adc=replace(cim.adc, columns=32))
    assert (cim.converters, shared.converters) == (32, 8)
    assert shared.macro_area_mm2 < cim.macro_area_mm2
    assert shared.cycles_per_product == 4 * cim.cycles_per_product
    assert shared.adc_j == cim.adc_j, "the same conversions, later"


def test_bits_per_cell_trade_cells_for_conversions() -> None:
    one, two = macro("cim-rram"), replace(macro("cim-rram"), cell_bits=2)
    assert (one.columns, two.columns) == (32, 64)
    assert two.adc_j == one.adc_j / 2
    assert replace(one, cell_bits=3).cells_per_weight == 3, "a part of a cell is a whole cell"


@pytest.mark.parametrize("name", SHIPPED)
def test_area_and_leakage_follow_the_size(name: str) -> None:
    cim = macro(name)
    assert cim.area_mm2 == pytest.approx(4 * cim.macro_area_mm2)
    double = replace(cim, macros=2 * cim.macros)
    assert double.area_mm2 == pytest.approx(2 * cim.area_mm2)
    assert double.leakage_w == pytest.approx(2 * cim.leakage_w)
    tall = replace(cim, rows=2 * cim.rows)
    assert cim.macro_area_mm2 < tall.macro_area_mm2 < 2.1 * cim.macro_area_mm2
    assert tall.leakage_w == pytest.approx(2 * cim.leakage_w)
    assert replace(cim, cell_area_mm2=None).area_mm2 is None


def test_published_areas_come_back() -> None:
    assert macro("cim-asram-22").macro_area_mm2 == pytest.approx(0.124, rel=1e-3)
    assert macro("cim-dsram-22").macro_area_mm2 == pytest.approx(2 * 0.202, rel=1e-2), "twice the cells of 64 kbit"


def test_the_system_has_an_area_where_every_section_states_one() -> None:
    system = load_hardware("edge-npu-cim")
    assert system.area_mm2 > system.cim.area_mm2 + load_hardware("npu-edge").area_mm2, "SRAM and lanes once per unit"
    known = replace(
        system,
        npu=replace(system.npu, area_mm2=0.5),
        vector=replace(system.vector, area_mm2=0.1),
        memories=replace(system.memories, area_mm2=1.5),
        link=replace(system.link, area_mm2=0.02),
    )
    assert known.area_mm2 == pytest.approx(0.5 + 2 * 0.1 + 2 * 1.5 + 0.02 + system.cim.area_mm2)
    assert replace(known, npu=None, link=None).area_mm2 == pytest.approx(0.1 + 1.5 + system.cim.area_mm2)
    assert replace(known, vector=replace(known.vector, area_mm2=None)).area_mm2 is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"macros": 0}, "macros of at least 1"),
        ({"cell_columns": 7}, "a macro smaller than one weight: 8 bits need 8 cells of 1 bits"),
        ({"technology": "rram"}, "dynamic_operands must be false"),
    ],
)
def test_macros_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        replace(macro("cim-dsram-22"), **changes)


def test_converters_that_cannot_be_are_refused() -> None:
    with pytest.raises(HardwareError, match="columns of at least 1, not 0"):
        Adc(bits=8, conversion_j=1e-12, columns=0)
