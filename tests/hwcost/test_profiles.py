from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from archlock.errors import ConfigError, HardwareError
from archlock.hwcost import hardware_names, load_hardware

SHIPPED = ("cim-asram-22", "cim-dsram-22", "cim-rram", "edge-npu-cim", "npu-edge", "npu-micro")


def shipped_text(name: str) -> str:
    return (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()


def edited(tmp_path: Path, name: str, before: str, after: str) -> Path:
    """A copy of a shipped profile with one passage replaced."""
    text = shipped_text(name)
    assert before in text
    path = tmp_path / "edited.yaml"
    path.write_text(text.replace(before, after, 1))
    return path


@pytest.mark.parametrize("name", hardware_names())
def test_every_shipped_profile_loads(name: str) -> None:
    hardware = load_hardware(name)
    assert hardware.name == name
    assert hardware.note
    assert hardware.npu or hardware.cim
    assert hardware.memories.dram_bytes_per_s > 0


def test_the_stated_profiles_are_shipped() -> None:
    assert set(SHIPPED) <= set(hardware_names())


def test_figures_arrive_in_si_units() -> None:
    npu, cim = load_hardware("npu-edge"), load_hardware("cim-dsram-22").cim
    assert (npu.npu.array.rows, npu.npu.array.columns, npu.npu.clock_hz) == (16, 32, 1e9)
    assert npu.npu.mac_j == pytest.approx(0.15e-12)
    assert npu.memories.sram_bytes == 512 * 1024
    assert npu.memories.dram_j_per_byte == pytest.approx(8 * 10.9e-12)
    assert cim.write_j_per_bit == pytest.approx(0.1e-12)
    assert (cim.macros, cim.rows, cim.columns, cim.cycles_per_product) == (4, 128, 128, 8)
    link = load_hardware("edge-npu-cim").link
    assert (link.bytes_per_s, link.setup_s, link.j_per_byte) == pytest.approx((8e9, 1e-7, 1e-12))


def test_an_analog_macro_adds_up_to_its_published_energy() -> None:
    cim = load_hardware("cim-asram-22").cim
    per_mac = cim.mac_j + cim.adc_j / cim.rows + cim.dac_j / cim.columns
    assert per_mac == pytest.approx(0.12e-12)
    assert cim.adc_j / cim.rows / per_mac == pytest.approx(0.34)
    assert 5 <= 2 / per_mac / 1e12 <= 20, "TOPS/W at 8 bit"


def test_a_section_may_be_taken_from_another_profile() -> None:
    both = load_hardware("edge-npu-cim")
    assert both.npu == load_hardware("npu-edge").npu
    assert both.cim == load_hardware("cim-dsram-22").cim


def test_every_figure_states_where_it_comes_from(tmp_path: Path) -> None:
    for match in re.finditer(r', from: "[^"]*"', shipped_text("npu-edge")):
        with pytest.raises(ConfigError, match=r"edited\.yaml:\d+: \S+\.from: this key is required"):
            load_hardware(edited(tmp_path, "npu-edge", match.group(), ""))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("{value: 8, unit: GB/s", "{value: 0, unit: GB/s", "memories.dram_bandwidth.value: must be from 1e-09 to"),
        ("{value: 0.15, unit: pJ", "{value: -1, unit: pJ", "npu.mac_energy.value: must be from 0 to 1e+09 pJ, not -1"),
        ("{value: 16, unit: count", "{value: 1.5, unit: count", "npu.rows.value: must be a whole number, not 1.5"),
        ("{value: 1, unit: GHz", "{value: 1, unit: pJ", "npu.clock.unit: unit 'pJ' does not fit here; expected 'Hz'"),
        ("  rows:", "  row:", "npu.row: unknown key. Did you mean 'rows'?"),
        ("dataflow: ws", "dataflow: sw", "npu.dataflow: "),
        ("{value: 512, unit: kB", "{value: many, unit: kB", "memories.sram.value: "),
        ("{value: 512, unit: kB", "{value: .inf, unit: kB", "memories.sram.value: "),
    ],
)
def test_a_bad_figure_is_named_with_its_line(tmp_path: Path, before: str, after: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_hardware(edited(tmp_path, "npu-edge", before, after))
    assert re.match(rf".*edited\.yaml:\d+: {re.escape(message)}", str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("note: empty\nvector: npu-edge\nmemories: npu-edge\n", "needs a section 'npu' or 'cim'"),
        ("note: x\nnpu: npu-edge\ncim: cim-rram\nvector: npu-edge\nmemories: npu-edge\n", "needs a section 'link'"),
        ("note: x\nnpu: npu-egde\nvector: npu-edge\nmemories: npu-edge\n", "p.yaml:2: npu: no hardware profile"),
        ("note: x\nnpu: cim-rram\nvector: npu-edge\nmemories: npu-edge\n", "p.yaml:2: npu: profile 'cim-rram' has no"),
    ],
)
def test_a_system_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_hardware(path)
    assert message in str(caught.value)


def test_profiles_that_point_at_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text(f"note: x\nnpu: {path}\nvector: npu-edge\nmemories: npu-edge\n")
    with pytest.raises(ConfigError, match="from itself"):
        load_hardware(path)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(HardwareError, match=r"no hardware profile 'npu-egde'\. Did you mean 'npu-edge'\?"):
        load_hardware("npu-egde")


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_hardware(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("folder", ["hardware", "macros"])
def test_every_figure_of_every_shipped_profile_says_more_than_a_word_about_its_origin(folder: str) -> None:
    figures = 0
    for entry in (files("archlock.configs") / folder).iterdir():
        for number, line in enumerate(entry.read_text().splitlines(), start=1):
            for found in re.finditer(r"\bvalue:.*?(?:\bvalue:|$)", line):
                origin = re.search(r"from: \"([^\"]*)\"", found[0])
                assert origin, f"{entry.name}:{number}: no provenance in one line"
                assert len(origin[1].strip()) >= 10, f"{entry.name}:{number}: {origin[1]!r} says too little"
                figures += 1
    assert figures > 20
