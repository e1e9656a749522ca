"""The array's sections of a profile: registers, the way of the weights, words of SRAM."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from archlock.errors import ConfigError
from archlock.hwcost import Hardware, load_hardware
from archlock.hwcost.system.registers import Registers


def shipped(name: str) -> str:
    return (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()


def loaded(tmp_path: Path, name: str, pattern: str, after: str) -> Hardware:
    """A shipped profile with one passage replaced."""
    text, count = re.subn(pattern, after, shipped(name), count=1)
    assert count == 1
    path = tmp_path / "edited.yaml"
    path.write_text(text)
    return load_hardware(path)


def test_registers_arrive_in_si_units() -> None:
    npu = load_hardware("npu-tpu-like").npu
    assert npu.registers == Registers(
        operand_bytes=128,
        operand_read_j=pytest.approx(0.095e-12),
        operand_write_j=pytest.approx(0.095e-12),
        sum_bytes=2,
        sum_read_j=pytest.approx(0.021e-12),
        sum_write_j=pytest.approx(0.021e-12),
    )
    assert not npu.weights_from_sram


def test_an_access_of_2048_bits_costs_what_zigzag_states() -> None:
    memories = load_hardware("npu-tpu-like").memories
    assert 256 * memories.sram_j_per_byte == pytest.approx(416.16e-12)
    assert 256 * memories.sram_store_j_per_byte == pytest.approx(378.4e-12)
    assert memories.sram_word_bytes == 8


def test_half_of_the_registers_load_behind_the_other_half() -> None:
    assert [Registers(operand_bytes=size).hidden_bytes for size in (1, 2, 3, 128)] == [1, 1, 1, 64]


def test_what_a_profile_leaves_out_has_a_plain_meaning(tmp_path: Path) -> None:
    plain = loaded(tmp_path, "npu-edge", r"  registers:\n(    .*\n)+", "")
    assert plain.npu.registers == Registers() == load_hardware("npu-edge").npu.registers
    assert plain.npu.weights_from_sram
    assert plain.memories.sram_store_j_per_byte == plain.memories.sram_j_per_byte
    assert plain.memories.sram_word_bytes == 1


@pytest.mark.parametrize(
    ("pattern", "after", "message"),
    [
        (r"operand: \{value: 128", "operand: {value: 0", "npu.registers.operand.value: must be from 1 to"),
        (
            r"sum_read: \{value: 0.021, unit: pJ",
            "sum_read: {value: 1, unit: W",
            "npu.registers.sum_read.unit: unit 'W'",
        ),
        (r"    operand_write.*\n", "", "npu.registers.operand_write: this key is required"),
        (r"partial_sum", "partial_sums", "npu.registers.partial_sums: unknown key. Did you mean 'partial_sum'"),
        (r"sram_word:", "sram_words:", "memories.sram_words: unknown key. Did you mean 'sram_word'"),
    ],
)
def test_bad_registers_are_one_clear_line(tmp_path: Path, pattern: str, after: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        loaded(tmp_path, "npu-tpu-like", pattern, after)


def test_weights_past_sram_need_a_weight_stationary_array(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"edited\.yaml:2: npu: weights_from_sram: false needs dataflow: ws"):
        loaded(tmp_path, "npu-tpu-like", "dataflow: ws", "dataflow: os")
