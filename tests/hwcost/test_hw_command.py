from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlock.cli.hw import command
from archlock.errors import ArchlockError, HardwareError, SpaceError, UsageError
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.registry import load_space
from archlock.spaces.text import parse_genotype


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_estimate_prints_layers_and_totals_and_the_same_as_json() -> None:
    text = run("estimate", "hybrid:random@3", "--hardware", "edge-npu-cim")
    cost = json.loads(run("estimate", "hybrid:random@3", "--hardware", "edge-npu-cim", "--json"))
    assert f"{cost['latency_s'] * 1e6:.3f} us" in text
    assert "sequential" in text
    assert all(row["name"] in text for row in cost["rows"])
    assert sum(cost["energy_by_cause_j"].values()) == pytest.approx(cost["energy_j"])
    assert cost["origin"] == "modelled"


def test_a_genotype_written_out_is_the_random_one_it_names() -> None:
    drawn = json.loads(run("estimate", "hybrid:random@5", "--json"))
    written = json.loads(run("estimate", drawn["network"], "--json"))
    assert written == drawn
    other = json.loads(run("estimate", "hybrid:random@6", "--json"))
    assert other["network"] != drawn["network"]


def test_a_larger_input_costs_more() -> None:
    small, large = (
        json.loads(run("estimate", "hybrid:random@3", "--input", shape, "--schema", "npu-only", "--json"))
        for shape in ("3x8x8", "3x64x64")
    )
    assert large["energy_j"] > small["energy_j"]


def test_compare_has_a_line_per_system() -> None:
    names = ["npu-edge", "npu-micro", "edge-npu-cim"]
    flags = [part for name in names for part in ("--hardware", name)]
    lines = run("compare", "hybrid:random@3", *flags).splitlines()
    assert [line.split()[0] for line in lines[2:]] == names
    costs = json.loads(run("compare", "hybrid:random@3", *flags, "--json"))["costs"]
    assert costs[0]["latency_s"] < costs[1]["latency_s"], "the micro NPU has half the cells at half the clock"
    assert costs[2]["latency_s"] <= costs[0]["latency_s"]


def test_an_exported_model_costs_what_its_genotype_costs(tmp_path: Path) -> None:
    drawn = json.loads(run("estimate", "hybrid:random@5", "--json"))
    space, io = load_space("hybrid"), IOSpec(3, 16, 16, OutputKind.CLASSES, 10)
    genotype = parse_genotype(space, drawn["network"].partition(":")[2])
    network = space.build(genotype, io)
    export_network(TrainedNetwork(space, genotype, io, network.state_dict()), tmp_path / "model")
    assert json.loads(run("estimate", str(tmp_path / "model"), "--json")) == drawn


def test_list_names_every_profile() -> None:
    assert {"npu-edge", "cim-rram"} <= {entry["name"] for entry in json.loads(run("list", "--json"))}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["estimate", "hybrid"], UsageError, "or SPACE:GENOTYPE"),
        (["estimate", "hybrid:random"], UsageError, "expected random@SEED"),
        (["estimate", "hybrid:random@x"], UsageError, "expected random@SEED"),
        (["estimate", "hybrid:1-2"], SpaceError, ""),
        (["estimate", "hybird:random@1"], ArchlockError, "hybrid"),
        (["estimate", "hybrid:random@1", "--input", "3x16"], UsageError, "CHANNELSxHEIGHTxWIDTH"),
        (["estimate", "hybrid:random@1", "--input", "3x0x16"], UsageError, "CHANNELSxHEIGHTxWIDTH"),
        (["estimate", "hybrid:random@1", "--hardware", "npu-egde"], HardwareError, "Did you mean 'npu-edge'"),
        (["estimate", "hybrid:random@1", "--hardware", "npu-edge", "--schema", "cim-only"], HardwareError, "npu-only"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], error: type[ArchlockError], message: str) -> None:
    with pytest.raises(error) as caught:
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
