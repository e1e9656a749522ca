"""Rows of other tools' files: agreement where it is asked for, and clear errors."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import HardwareError
from archlock.hwcost import load_hardware
from archlock.hwcost.units.npu_reference import (
    scalesim_cycles,
    zigzag_comparable,
    zigzag_energy_pj,
    zigzag_in_bar,
    zigzag_stated_pj,
)

CONV = {
    "layer": "net_conv3x3_c64_8", "kind": "conv", "repeat": "1", "gemm_M": "64", "gemm_K": "576", "gemm_N": "64",
    "macs": str(64 * 576 * 64), "hardware": "tpu_like_ws_16x16", "flags": "", "mac_energy_pJ": "1.5",
    "mem_energy_by_level_json": '{"O": [1.0, 2.0, 9.0], "W": [3.0, 9.0], "I": [4.0, 560000.0]}',
    "spatial_mapping": "{O: [[], [(K, 16), (C, 16)], [], []], W: [[], [(K, 16), (C, 16)], []]}",
}  # fmt: skip


@pytest.fixture(scope="session")
def zigzag_rows() -> list[dict[str, str]]:
    """Rows of the reference file beside the data folder."""
    data = os.environ.get("ARCHLOCK_DATA")
    path = Path(data or "").parent / "reference" / "hardware" / "zigzag_npu.csv"
    if not data or not path.is_file():
        pytest.skip("ARCHLOCK_DATA has no sibling reference/hardware/zigzag_npu.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_energy_without_dram_is_that_of_zigzag(zigzag_rows: list[dict[str, str]]) -> None:
    rows = [row for row in zigzag_rows if zigzag_in_bar(row)]
    assert len(rows) >= 30
    error = np.abs(zigzag_energy_pj(rows) / zigzag_stated_pj(rows) - 1)
    for half in (error[::2], error[1::2]):
        assert np.median(half) <= 0.02
        assert np.percentile(half, 95) <= 0.25


def test_every_comparable_row_has_a_figure(zigzag_rows: list[dict[str, str]]) -> None:
    rows = [row for row in zigzag_rows if zigzag_comparable(row)]
    ratio = zigzag_energy_pj(rows) / zigzag_stated_pj(rows)
    assert len(rows) < len(zigzag_rows), "other hardware is not compared"
    assert ((ratio > 0.5) & (ratio < 2)).all(), "flagged and depthwise rows too"


def test_cycles_of_all_rows_at_once(scalesim_rows: list[dict[str, str]]) -> None:
    np.testing.assert_array_equal(scalesim_cycles(scalesim_rows), [float(row["cycles_total"]) for row in scalesim_rows])


def test_what_a_row_states_leaves_the_last_level_out() -> None:
    assert zigzag_stated_pj([CONV]).tolist() == [1.5 + 1 + 2 + 3 + 4]


def test_a_row_worked_out_by_hand() -> None:
    macs, fill = 64 * 576 * 64, 10 * 10 * 64
    word_read, word_write = 416.16 / 256, 378.4 / 256
    mac = 0.04 * macs
    weights = 0.095 * (macs + 576 * 64)
    sums = 0.021 * macs * (2 + 1 / 36)
    inputs = 64 * 576 * 4 * word_read + fill * word_write
    outputs = 64 * 64 * (word_read + word_write)
    assert zigzag_energy_pj([CONV])[0] == pytest.approx(mac + weights + sums + inputs + outputs)


@pytest.mark.parametrize(
    ("outputs", "channels", "kernel", "stride"), [(64, 64, 1, 1), (64, 64, 3, 1), (49, 64, 3, 2), (196, 48, 5, 1)]
)
def test_the_window_is_that_of_the_inputs_which_the_row_reads_whatever_its_name(
    outputs: int, channels: int, kernel: int, stride: int
) -> None:
    """Only the SRAM that the inputs fill differs between a window and a matrix product of the same sizes."""
    side = round(outputs**0.5)
    in_bytes = (stride * (side - 1) + kernel) ** 2 * channels
    sums = kernel**2 * channels
    levels = CONV["mem_energy_by_level_json"].replace("560000.0", str(in_bytes * 87.5))
    sizes = {"gemm_M": str(outputs), "gemm_K": str(sums), "macs": str(outputs * sums * 64)}
    row = CONV | sizes | {"layer": "conv9x9_misleading", "mem_energy_by_level_json": levels}
    extra = zigzag_energy_pj([row | {"kind": "gemm"}]) - zigzag_energy_pj([row])
    assert extra[0] == pytest.approx((outputs * sums - in_bytes) * 378.4 / 256, abs=1e-6)


def test_the_unit_energies_are_the_hardwares() -> None:
    tpu = load_hardware("npu-tpu-like")
    dear = replace(tpu, npu=replace(tpu.npu, mac_j=2 * tpu.npu.mac_j))
    extra = zigzag_energy_pj([CONV], dear) - zigzag_energy_pj([CONV])
    assert extra[0] == pytest.approx(0.04 * 64 * 576 * 64)
    with pytest.raises(HardwareError, match="cim-rram has no npu"):
        zigzag_energy_pj([CONV], load_hardware("cim-rram"))


@pytest.mark.parametrize(
    ("change", "comparable", "in_bar"),
    [
        ({}, True, True),
        ({"flags": "latency_below_bound"}, True, False),
        ({"kind": "dw"}, True, False),
        ({"hardware": "eyeriss_like"}, False, False),
        ({"hardware": "tpu_like_ws_16"}, False, False),
    ],
)
def test_which_rows_are_compared(change: dict[str, str], comparable: bool, in_bar: bool) -> None:
    row = CONV | change
    assert (zigzag_comparable(row), zigzag_in_bar(row)) == (comparable, in_bar)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gemm_M": "many"}, "row 2: invalid literal for int"),
        ({"gemm_M": "0"}, "row 2: "),
        ({"hardware": "eyeriss_like"}, "row 2: hardware 'eyeriss_like' is not tpu_like_ws_ROWSxCOLUMNS"),
        ({"gemm_K": None}, "row 2: "),
        ({"mem_energy_by_level_json": '{"O": [], "W": []}'}, "row 2: "),
    ],
)
def test_a_bad_row_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        zigzag_energy_pj([CONV, CONV | change])


def test_a_missing_column_is_named() -> None:
    short = {name: value for name, value in CONV.items() if name != "spatial_mapping"}
    with pytest.raises(HardwareError, match="row 1: no column 'spatial_mapping'"):
        zigzag_energy_pj([short])
    with pytest.raises(HardwareError, match="row 1: no column 'array_rows'"):
        scalesim_cycles([CONV])
    with pytest.raises(HardwareError, match="row 1: "):
        scalesim_cycles([CONV | {"array_rows": "8", "array_cols": "8", "dataflow": "xs"}])
