from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from archlock.cli.hw import command
from archlock.errors import ArchlockError, HardwareError, ModelError, SpaceError, UsageError
from archlock.hwcost import estimate, load_hardware, trace
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


def test_compare_has_a_line_per_system_and_schema() -> None:
    flags = ["--hardware", "edge-npu-cim", "--hardware", "npu-edge", "--schema", "sequential", "--schema", "npu-only"]
    lines = run("compare", "hybrid:random@3", *flags).splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [
        [system, schema] for system in ("edge-npu-cim", "npu-edge") for schema in ("sequential", "npu-only")
    ]


def small_network() -> nn.Module:
    """A factory for these tests; its layers are those of its ONNX and exported twins."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )


@pytest.mark.slow
def test_a_factory_costs_what_its_program_costs_and_its_page_shows_every_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "import torch\nfrom torch import nn\n" + inspect.getsource(small_network).replace("-> nn.Module", "")
    (tmp_path / "my_small_net.py").write_text(source)
    page = tmp_path / "page.html"
    named = json.loads(run_split("estimate", "my_small_net:small_network", "--input", "3x16x16", "--html", str(page)))
    program = torch.export.export(small_network().eval(), (torch.zeros(2, 3, 16, 16),))
    with (tmp_path / "model.pt2").open("wb") as file:
        torch.export.save(program, file)
    exported = json.loads(run_split("estimate", "model.pt2"))
    assert exported["macs"] == named["macs"] == 16 * 16 * 27 * 8 + 40
    assert exported["energy_j"] == pytest.approx(named["energy_j"])
    assert exported["latency_s"] == pytest.approx(named["latency_s"])
    text = page.read_text()
    assert all(row["name"] in text for row in named["rows"])
    assert "Roofline" in text
    assert "<script" not in text
    assert "src=" not in text


@pytest.mark.slow
def test_an_onnx_graph_costs_what_its_network_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    network = small_network().eval()
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 16, 16),),
        str(tmp_path / "model.onnx"),
        dynamo=True,
        verbose=False,
        external_data=False,
    )
    cost = json.loads(run_split("estimate", "model.onnx"))
    wanted = estimate(trace(network, (1, 3, 16, 16)), load_hardware("edge-npu-cim"))
    assert cost["macs"] == 16 * 16 * 27 * 8 + 40
    assert cost["latency_s"] == pytest.approx(wanted.latency_s, rel=0.02)
    assert cost["energy_j"] == pytest.approx(wanted.energy_j, rel=0.02)


def run_split(*arguments: str) -> str:
    """The output of a command in JSON, without the notes that it writes beside."""
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


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


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "an empty file"),
        (b"no program", "not an exported program"),
        (bytes(range(255, 0, -1)), "not an exported program"),
    ],
)
def test_junk_of_a_programs_name_is_told_as_such(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "junk.pt2"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        CliRunner().invoke(command, ["estimate", str(path)], catch_exceptions=False)
    message = str(caught.value)
    assert message.startswith(f"{path}: {what}")
    assert "torch.export.save(" in message
    assert "\n" not in message
    assert caught.value.exit_code == 4
