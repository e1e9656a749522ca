"""``hw estimate`` and ``hw compare`` for people, programs and pages: what stays on the macros, and what cannot run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from torch import nn

from archlock.cli.main import run
from archlock.errors import HardwareError
from archlock.hwcost import estimate, load_hardware, trace
from archlock.hwcost.comparison import compare
from archlock.loading.workloads import workload_of
from archlock.report.hardware_compare_page import render_comparison
from archlock.report.hardware_page import render_estimate
from archlock.report.hardware_text import bound_sentence, compare_text, estimate_text

NETWORK = "hybrid:random@3"


@pytest.fixture(scope="module")
def network():
    """A hybrid network of convolutions whose weights all fit the macros of the RRAM profile."""
    return workload_of(NETWORK)


@pytest.fixture(scope="module")
def attention():
    """A hybrid network with products of two computed operands, which RRAM macros may not run."""
    for seed in range(20):
        found = workload_of(f"hybrid:random@{seed}")
        if found.workload.layers.dynamic.any():
            return found
    raise AssertionError("no network with attention")


def test_a_resident_estimate_says_what_stays_and_what_loading_it_takes(network):
    cost = estimate(network.workload, load_hardware("cim-rram"), "resident")
    text = estimate_text(network.workload, load_hardware("cim-rram"), cost)
    staying = [row for row in cost.rows if row.resident]
    assert staying
    assert len(re.findall(r" resident$", text, re.MULTILINE)) == len(staying)
    assert f"{cost.preload_s * 1e6:.3f} us and {cost.preload_j * 1e6:.4f} uJ once before the first inference" in text
    page = render_estimate(network.name, network.workload, load_hardware("cim-rram"), cost)
    assert page.count("<td>resident</td>") == len(staying)
    assert "once before the first inference" in page
    document = cost.as_dict()
    assert document["preload_s"] == cost.preload_s > 0
    assert sum(row["resident"] for row in document["rows"]) == len(staying)


def test_the_bound_is_told_where_the_assignment_is_not_proven_best_and_only_there(network):
    system = load_hardware("edge-npu-cim")
    proven = estimate(network.workload, system, "sequential")
    assert proven.proven
    assert proven.gap == 0
    assert proven.as_dict()["objective_proven"] is True
    assert "proven" not in estimate_text(network.workload, system, proven)
    open_one = replace(proven, objective_bound=0.9 * proven.latency_s)
    assert open_one.gap == pytest.approx(0.1)
    text = estimate_text(network.workload, system, open_one)
    assert f"the least latency is {0.9 * proven.latency_s * 1e6:.3f} us or more, up to 10.0% less" in text
    assert "not proven best" in render_estimate(network.name, network.workload, system, open_one)
    energy = replace(estimate(network.workload, system, "sequential", "energy"), objective_bound=0.5 * proven.energy_j)
    assert "the least energy is" in bound_sentence(energy)


def test_a_network_that_does_not_fit_the_macros_says_what_it_needs():
    system = load_hardware("cim-dsram-22")
    rows, columns, macros = system.cim.rows, system.cim.columns, system.cim.macros
    for tall, wide in ((1, macros), (2, macros), (1, macros + 1)):
        workload = trace(nn.Linear(tall * rows, wide * columns, bias=False), (1, 1, 1, tall * rows))
        text = estimate_text(workload, system, estimate(workload, system, "resident"))
        needed = tall * wide
        if needed <= macros:
            assert f"all stored weights fit: {needed} of {macros} macros" in text
        else:
            assert f"does not fit: all stored weights need {needed} macros and there are {macros}" in text


def test_cells_that_wear_out_are_named_where_every_inference_writes_them(network):
    rram, sram = load_hardware("cim-rram"), load_hardware("cim-dsram-22")
    reloading = estimate(network.workload, rram, "cim-only")
    count = sum(row.unit == "cim" for row in reloading.rows)
    note = f"{count} layers on rram macros are written for every inference, which wears the cells out"
    assert note in estimate_text(network.workload, rram, reloading)
    assert note in render_estimate(network.name, network.workload, rram, reloading)
    assert "wears" not in estimate_text(network.workload, sram, estimate(network.workload, sram, "cim-only"))
    (pair,) = compare(network.workload, [rram], ["cim-only"])
    assert note in compare_text([pair])
    staying = trace(nn.Linear(rram.cim.rows, rram.cim.columns), (1, 1, 1, rram.cim.rows))
    assert "wears" not in estimate_text(staying, rram, estimate(staying, rram, "resident"))


@pytest.mark.parametrize("objective", ["latency", "energy"])
@pytest.mark.parametrize("schema", ["npu-only", "cim-only", "sequential", "resident", "parallel", "pipelined"])
def test_no_bound_is_above_what_was_reached(network, schema, objective):
    cost = estimate(network.workload, load_hardware("edge-npu-cim"), schema, objective)
    assert cost.objective_bound <= cost.objective_reached * (1 + 1e-9)
    assert cost.gap >= 0


def test_a_pair_that_cannot_run_has_a_reason_and_the_others_their_cost(attention):
    systems = [load_hardware(name) for name in ("cim-rram", "npu-edge", "edge-npu-cim")]
    pairs = compare(attention.workload, systems, ["cim-only", "npu-only"])
    known = {(pair.hardware, pair.schema): pair for pair in pairs}
    assert [pair for pair in known if known[pair].cost] == [
        ("npu-edge", "npu-only"),
        ("edge-npu-cim", "cim-only"),
        ("edge-npu-cim", "npu-only"),
    ]
    assert "computed during the inference" in known["cim-rram", "cim-only"].reason
    alone = estimate(attention.workload, systems[2], "cim-only")
    assert known["edge-npu-cim", "cim-only"].cost == alone
    text = compare_text(pairs)
    assert text.count("cannot run, see below") == 3
    assert all(f"{pair.hardware}, {pair.schema}: {pair.reason}" in text for pair in pairs if not pair.cost)


def test_a_comparison_fails_where_no_pair_can_run_and_names_the_reasons(attention):
    with pytest.raises(HardwareError, match=r"computed during the inference.*cim-rram has no npu") as caught:
        compare(attention.workload, [load_hardware("cim-rram")], ["cim-only", "npu-only"])
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_command_exits_0_with_a_page_and_json_where_any_pair_can_run(tmp_path, capsys):
    page = tmp_path / "compare.html"
    given = ["hw", "compare", NETWORK, "--hardware", "npu-edge", "--hardware", "edge-npu-cim"]
    assert run([*given, "--schema", "cim-only", "--schema", "npu-only", "--html", str(page), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(one["hardware"], one["schema"]) for one in document["costs"]] == [
        ("npu-edge", "npu-only"),
        ("edge-npu-cim", "cim-only"),
        ("edge-npu-cim", "npu-only"),
    ]
    (other,) = document["impossible"]
    assert (other["hardware"], other["schema"]) == ("npu-edge", "cim-only")
    assert other["reason"] in page.read_text()
    assert run([*given[:5], "--schema", "cim-only"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "archlock: npu-edge has no cim: use the schema npu-only\n")


def test_the_page_stacks_all_energy_of_every_pair_and_needs_nothing_else(attention):
    pairs = compare(attention.workload, [load_hardware("npu-edge"), load_hardware("edge-npu-cim")], ["sequential"])
    page = render_comparison(attention.name, attention.workload, pairs, "latency", ["a <note>"])
    assert "a &lt;note&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    for pair in pairs:
        spent = [cause for cause, joules in pair.cost.energy_by_cause_j.items() if joules > 0]
        drawn = re.findall(rf"<title>{pair.hardware}, sequential: ([\w ]+?) [\d.]+\s\S*J, ", page)
        assert drawn == spent
    first, second = (pair.cost for pair in pairs)
    widths = [
        sum(float(found) for found in re.findall(
            rf'width="([\d.]+)" height="18"><title>{pair.hardware}, sequential: [\w ]+ [\d.]+\s\S*J', page
        ))
        for pair in pairs
    ]  # fmt: skip
    assert widths[0] / widths[1] == pytest.approx(first.energy_j / second.energy_j, rel=0.02)
