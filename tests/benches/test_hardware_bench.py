"""`bench hardware`: rows of other tools beside ours, and ranks of measured devices."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from archlock.benches.hardware import HardwareOptions, run_hardware
from archlock.benches.hardware_files import summarise
from archlock.benches.hardware_macros import macro_errors, macro_text
from archlock.benches.hardware_ranks import agreement_row
from archlock.benches.hardware_rows import RowFigure, compare_rows, schema_of
from archlock.benches.hardware_views import hardware_text
from archlock.benches.zigzag_units import zigzag_hardware
from archlock.cli.bench import command
from archlock.errors import ArchlockError, UsageError
from archlock.hwcost.units.cim_published import compare_published
from archlock.tables.folder import data_folder
from archlock.tables.published import HARDWARE_FILE, Published

SCALESIM = {
    "layer": "one", "kind": "conv", "repeat": "1", "gemm_M": "64", "gemm_N": "64", "gemm_K": "64", "array_rows": "16",
    "array_cols": "32", "dataflow": "ws", "sram_kB_each": "64", "bw_mode": "CALC", "bw_words_per_cycle": "10",
    "cycles_total": "1007.0", "dram_ifmap_reads": "4100", "dram_filter_reads": "4100", "dram_ofmap_writes": "8192",
}  # fmt: skip
"""Measured with SCALE-Sim 3.0.0."""
ZIGZAG = {
    "layer": "nb201_s3_conv1x1_c64_8", "kind": "conv", "repeat": "1", "gemm_M": "64", "gemm_N": "64", "gemm_K": "64",
    "macs": "262144", "hardware": "tpu_like_ws_128x128", "opt": "latency", "lpf_limit": "4", "cycles_total": "1215.0",
    "mac_energy_pJ": "10485.76",
    "mem_energy_by_level_json": '{"O": [16515.1, 12713.0, 384000.0], "W": [778.2, 358400.0], "I": [12713.0, 358400.0]}',
    "spatial_mapping": "{O: [[], [(K, 64), (C, 64)], [], []], W: [[], [(K, 64), (C, 64)], []]}", "flags": "",
}  # fmt: skip
"""Measured with zigzag-dse 3.9.1."""


def reference() -> Path:
    """The folder of reference rows; skips where it is absent."""
    folder = data_folder(None).parent / "reference" / "hardware"
    if not folder.is_dir():
        pytest.skip("the peers' reference rows are not here")
    return folder


@pytest.fixture
def file(tmp_path):
    """Writes rows as a CSV file."""

    def write(*rows: dict[str, str]) -> Path:
        path = tmp_path / "rows.csv"
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def test_cycles_without_stalls_are_in_the_bar_and_equal(file):
    (one,) = compare_rows(file(SCALESIM))
    assert (one.row, one.ours, one.theirs, one.in_bar, one.relative_error) == (0, 1007.0, 1007.0, True, 0.0)
    (other,) = compare_rows(file(SCALESIM | {"cycles_total": "2014"}))
    assert other.relative_error == pytest.approx(-0.5)


def test_a_stated_bandwidth_overlaps_transfers_with_computing_and_is_in_no_bar(file):
    limited = SCALESIM | {"bw_mode": "USER"}
    wide, narrow = (compare_rows(file(limited | {"bw_words_per_cycle": words}))[0] for words in ("80", "2"))
    assert wide.ours == 1007.0  # computing is longer than 8192 / 80
    assert narrow.ours == 8192 / 2
    assert not wide.in_bar
    with pytest.raises(UsageError, match="row 1: bw_words_per_cycle must be above 0"):
        compare_rows(file(limited | {"bw_words_per_cycle": "0"}))


def test_energy_without_dram_of_a_tpu_like_array(file):
    (one,) = compare_rows(file(ZIGZAG))
    assert one.theirs == pytest.approx(10485.76 + 16515.1 + 12713.0 + 778.2 + 12713.0)
    assert one.relative_error == pytest.approx(0, abs=0.02)
    assert one.in_bar


@pytest.mark.parametrize("change", [{"flags": "odd"}, {"kind": "dw"}, {"hardware": "eyeriss_like"}])
def test_flagged_depthwise_and_other_rows_are_not_in_the_bar(file, change):
    (one,) = compare_rows(file(ZIGZAG | change))
    assert not one.in_bar
    assert (one.ours is None) == (change.get("hardware") == "eyeriss_like")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"layer": "a", "latency": "3"}],
            "'layer', 'latency' are of no known kind.*SCALE-Sim.*ZigZag.*macros also need",
        ),
        ([{"": "", "x": "3"}], "rows.csv:1: the columns '', 'x' are of no known kind of file"),
        (
            [{key: value for key, value in SCALESIM.items() if key != "gemm_K"}],
            r"SCALE-Sim also need 'gemm_K' \(1 of 14\)",
        ),
        ([{key: value for key, value in ZIGZAG.items() if key != "macs"}], r"ZigZag also need 'macs' \(1 of 13\)"),
        (
            [{key.replace("gemm_K", "gem_k"): value for key, value in SCALESIM.items()}],
            "'gem_k': Did you mean 'gemm_K'",
        ),
        ([{"marco": "a", "published_reference_figures": "3"}], "'marco': Did you mean 'macro'"),
        ([SCALESIM, SCALESIM], "row 2: the same layer and hardware as row 1"),
        ([SCALESIM | {"gemm_M": "many"}], "row 1.*many"),
        ([SCALESIM | {"gemm_M": "0"}], "at least 1"),
        ([SCALESIM | {"dataflow": "rs"}], "row 1.*rs"),
        ([SCALESIM | {"cycles_total": "nan"}], "row 1: cycles_total"),
        ([ZIGZAG | {"mem_energy_by_level_json": "{"}], "row 1"),
    ],
)
def test_bad_files_are_told_with_their_place_and_exit_2(file, rows, message):
    path = file(*rows)
    with pytest.raises(ArchlockError, match=message) as caught:
        compare_rows(path)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_unreadable_and_empty_files_are_told(tmp_path, file):
    with pytest.raises(UsageError, match="cannot be read"):
        compare_rows(tmp_path / "none.csv")
    semicolons = file(SCALESIM)
    semicolons.write_text(semicolons.read_text().replace(",", ";"))
    with pytest.raises(UsageError, match="separated by ';'; expected commas"):
        compare_rows(semicolons)
    empty = file(SCALESIM)
    empty.write_text(empty.read_text().splitlines()[0] + "\n")
    with pytest.raises(UsageError, match="no rows"):
        schema_of(empty)
    ragged = file(SCALESIM)
    ragged.write_text(ragged.read_text().rstrip() + ",7\n")
    with pytest.raises(UsageError, match="row 1: more or fewer cells"):
        compare_rows(ragged)


def test_unit_energies_come_from_an_installed_zigzag(tmp_path, monkeypatch, file):
    recorded, origin = zigzag_hardware()
    if "profile" not in origin:
        pytest.skip("zigzag is installed here")
    before = compare_rows(file(ZIGZAG))[0]
    inputs = tmp_path / "zigzag" / "inputs" / "hardware"
    inputs.mkdir(parents=True)
    (tmp_path / "zigzag" / "__init__.py").write_text("raise ImportError('only its file is read')")
    port = "ports: [{bandwidth_max: %d}]"
    (inputs / "tpu_like.yaml").write_text(
        "memories:\n"
        "  rf_128B: {r_cost: 0.19, w_cost: 0.19}\n"
        "  rf_2B: {r_cost: 0.042, w_cost: 0.042}\n"
        f"  sram_2MB: {{r_cost: 832.32, w_cost: 756.8, {port % 2048}}}\n"
        f"  dram: {{r_cost: 1400, w_cost: 1500, {port % 64}}}\n"
        "operational_array: {unit_energy: 0.08}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    doubled, place = zigzag_hardware()
    assert place.endswith("tpu_like.yaml")
    assert doubled.memories.sram_j_per_byte == pytest.approx(2 * recorded.memories.sram_j_per_byte)
    assert compare_rows(file(ZIGZAG))[0].ours == pytest.approx(2 * before.ours)
    (inputs / "tpu_like.yaml").write_text("memories: {}\n")
    with pytest.raises(UsageError, match=r"not as zigzag-dse 3\.9 has it"):
        zigzag_hardware()


def test_a_summary_says_whether_the_bar_is_met():
    def rows(errors):
        return [RowFigure(i, "x", "pJ", 1.0, 1.0, True, error) for i, error in enumerate(errors)]

    assert summarise("f", "ZigZag", rows([0.01, -0.02, 0.02])).met
    assert not summarise("f", "ZigZag", rows([0.03, -0.03, 0.03])).met
    assert not summarise("f", "ZigZag", rows([0.0, 0.0, 0.0, -0.9])).met
    assert summarise("f", "SCALE-Sim", rows([0.0, 0.0])).met
    assert not summarise("f", "SCALE-Sim", rows([0.0, 1e-9])).met
    outside = [RowFigure(0, "x", "cycles", 1.1, 1.0, False, 0.1)]
    assert summarise("f", "SCALE-Sim", outside).met is None


def test_every_reference_row_meets_its_bar():
    folder = reference()
    for name, rows in (("scalesim_compute.csv", 65), ("zigzag_npu.csv", 54)):
        figures = compare_rows(folder / name)
        assert len(figures) == rows
        assert summarise(name, schema_of(folder / name), figures).met


def test_command_prints_a_list_of_rows(file):
    result = CliRunner().invoke(command, ["hardware", "--rows", str(file(SCALESIM)), "--json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert {"row", "metric", "ours", "theirs", "in_bar"} <= set(row)
    text = CliRunner().invoke(command, ["hardware", "--rows", str(file(SCALESIM))])
    assert "1,007" in text.stdout


def test_macros_that_no_profile_stands_for_have_a_reason_and_no_figure(file):
    rows = [{"macro": name, "published_reference_figures": text} for name, text in (
        ("someone_2030", "0.9V 50 TOPS/W"), ("jia_jssc_2020", "0.85V 400 TOPS/W(1b); 1.2V 192 TOPS/W"),
    )]  # fmt: skip
    result = CliRunner().invoke(command, ["hardware", "--rows", str(file(*rows)), "--json"])
    assert result.exit_code == 0, result.output
    other, *known = json.loads(result.stdout)
    assert (other["row"], other["ours"], other["theirs"], other["in_bar"]) == (0, None, 50.0, False)
    assert "no shipped profile" in other["note"]
    assert [one["row"] for one in known] == [1, 1]
    assert all(one["in_bar"] and abs(one["relative_error"]) < 0.2 for one in known)
    assert "no shipped profile" in CliRunner().invoke(command, ["hardware", "--rows", str(file(*rows))]).stdout


def test_figures_that_follow_from_the_same_source_are_told_apart():
    comparisons = compare_published(reference() / "published_cim_macros.csv")
    parts, derived, every = macro_errors(comparisons)
    assert (parts.figures, derived.figures, every.figures) == (7, 3, 10)
    known = [abs(one.error) for one in comparisons if one.error is not None]
    assert every.median == pytest.approx(np.median(known))
    assert max(parts.largest, derived.largest) == every.largest == max(known)
    figures = compare_rows(reference() / "published_cim_macros.csv")
    marked = [one.name.split()[0] for one in figures if "derived from the same source" in one.note]
    assert marked == ["sinangil_jssc_2021", "wang_vlsi_2022", "wang_vlsi_2022"]
    assert "built from parts: 7 figures" in macro_text((parts, derived, every))


@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
def test_a_file_of_one_dataflow_alone_is_equal_to_scalesim(tmp_path, dataflow):
    with (reference() / "scalesim_compute.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataflow"] == dataflow]
    path = tmp_path / "some.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert len(rows) >= 2
    assert summarise("some", schema_of(path), compare_rows(path)).met


def test_a_file_without_any_hardware_that_we_model_is_read(file):
    path = file(ZIGZAG | {"hardware": "eyeriss_like_ws"}, ZIGZAG | {"hardware": "aimc_64x256"})
    figures = compare_rows(path)
    assert [(one.ours, one.in_bar) for one in figures] == [(None, False)] * 2
    summary = summarise("some", schema_of(path), figures)
    assert (summary.compared, summary.median, summary.met) == (0, None, None)


def test_all_figures_beside_their_peers():
    folder = reference()
    if not (data_folder(None) / HARDWARE_FILE).is_file():
        pytest.skip("HW-NAS-Bench is not in the data folder")
    bench = run_hardware(HardwareOptions(sections=("rows", "ranks"), needed=True, reference=folder))
    assert {one.file for one in bench.summaries} == set(bench.files)
    by_name = {(row.convention, row.column): row for row in bench.ranks}
    assert len(by_name) == 2 * 9
    edgetpu = by_name["honest", "edgetpu_latency"]
    assert (edgetpu.networks, edgetpu.failed) == (10_926, 4_699)
    # The Eyeriss columns follow their own convention, measured devices the honest one.
    for column in ("eyeriss_latency", "eyeriss_energy"):
        assert by_name["eyeriss", column].spearman > by_name["honest", column].spearman
    for column in ("raspi4_latency", "pixel3_latency"):
        row = by_name["honest", column]
        assert row.spearman > by_name["eyeriss", column].spearman
        assert row.spearman > row.macs_spearman
    assert "4699" in hardware_text(bench)


def test_agreement_is_of_ranks_alone_and_leaves_failures_out():
    measured = np.array([[1.0], [2.0], [4.0], [-1.0], [8.0]])
    published = Published("t", ("chip_latency",), ("ms",), "lower", measured, measured != -1)
    ours, macs = np.array([1.0, 10.0, 11.0, 99.0, 1e6]), np.array([5.0, 4.0, 3.0, 99.0, 2.0])
    row = agreement_row(published, 0, ours, macs, ("t", "honest", "p"))
    assert (row.networks, row.failed) == (4, 1)
    assert (row.spearman, row.kendall) == pytest.approx((1, 1))
    assert (row.macs_spearman, row.macs_kendall) == pytest.approx((-1, -1))


def test_no_reference_folder_is_told(tmp_path):
    with pytest.raises(UsageError, match="--reference"):
        run_hardware(HardwareOptions(reference=tmp_path / "nowhere"))
