"""`bench hardware` section by section: speed, two units against one, adaptation, and what is left out."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from archlock.benches.device_adaptation import (
    SEVERAL,
    AdaptationRow,
    adaptation_bars,
    adaptation_steps,
    adaptation_text,
    run_adaptation,
)
from archlock.benches.hardware import SECTIONS, SHORT, HardwareOptions, run_hardware, steps_of
from archlock.benches.hardware_speed import CELLS, run_speed, speed_text
from archlock.benches.hardware_views import hardware_document, hardware_text
from archlock.benches.heterogeneity import PUBLISHED, heterogeneity_text, one_unit, run_heterogeneity, single_units
from archlock.cli.main import run
from archlock.errors import RunFailedError, UsageError
from archlock.hwcost import estimate, load_hardware, trace
from archlock.hwcost.devices import Encoding, LatencyTable


@pytest.fixture(scope="module")
def gains():
    return run_heterogeneity(networks=3, shape=(3, 16, 16))


def test_two_units_never_lose_latency_to_the_units_that_they_have(gains):
    shipped = [row for row in gains if row.setting == "as shipped" and row.objective == "latency"]
    assert len(shipped) == 2 * 3
    assert all(row.least >= -1e-9 for row in shipped)
    assert all(row.least <= row.q25 <= row.median <= row.q75 <= row.most for row in gains)
    assert {row.published for row in gains} == set(PUBLISHED.values())
    text = heterogeneity_text(gains)
    assert "up to 56.08 % latency, up to 41.72 % energy" in text
    assert len(text.splitlines()) == 2 + len(gains) + 1


def test_the_better_unit_gains_most_over(gains):
    for row in gains:
        if row.against == "better":
            others = [one for one in gains if (one.setting, one.schema, one.objective) ==
                      (row.setting, row.schema, row.objective) and one.against != "better"]  # fmt: skip
            assert row.median <= min(one.median for one in others) + 1e-9


def test_single_units_have_the_peak_or_the_area_of_the_pair():
    system = load_hardware("edge-npu-cim")
    settings = single_units(system)
    peak = system.npu.peak_per_s + system.cim.peak_per_s
    for side, single in settings["equal peak"].items():
        unit = getattr(single, side)
        assert unit.peak_per_s == pytest.approx(peak, rel=0.02 if side == "npu" else 0.2)
    for single in settings["equal area"].values():
        assert single.area_mm2 == pytest.approx(system.area_mm2, rel=0.1)
    assert one_unit(system, "npu", 1.0).npu == system.npu
    network = trace(nn.Conv2d(3, 8, 3), (1, 3, 8, 8))
    assert estimate(network, one_unit(system, "cim", 1.0), "cim-only").latency_s > 0


def test_a_system_of_one_unit_has_nothing_to_compare():
    with pytest.raises(UsageError, match="npu-edge has one unit"):
        run_heterogeneity(networks=1, hardware="npu-edge")


@pytest.fixture
def latencies():
    """Ninety architectures of six choices on four devices that cost the choices nearly alike."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 3, size=(90, 6))
    costs = rng.uniform(0.5, 2.0, size=3)
    columns = [(costs * (1 + 0.2 * rng.normal(size=3)))[words].sum(axis=1) for _ in range(4)]
    encoding = Encoding.of_words([[str(each) for each in row] for row in words])
    return LatencyTable.of("mine", ["a", "b", "c", "d"], np.stack(columns, axis=1), encoding)


def test_adaptation_has_a_row_for_every_proxy_method_and_number(latencies):
    steps = []
    rows = run_adaptation(latencies, 2, (10, 20), ("a",), ("gaussian", "ridge"), lambda: steps.append(1))
    assert len(steps) == len(rows) == adaptation_steps((10, 20), ("a",), ("gaussian", "ridge")) == 4 + 2
    assert [row.targets for row in rows] == [3] * 4 + [4] * 2
    befores = {row.samples: row.before for row in rows if row.proxy == "a" and row.method == "ridge"}
    assert befores[10] != befores[20], "both are judged on the architectures that were not measured"
    ours, theirs = ({row.samples: row.after for row in rows if row.method == name} for name in ("gaussian", "ridge"))
    assert ours[10] > theirs[10]
    assert "all others" in adaptation_text(rows)


def test_a_bar_is_about_the_best_single_proxy_or_about_several():
    def row(proxy: str, method: str, samples: int, after: float) -> AdaptationRow:
        return AdaptationRow(proxy, method, samples, 17, 20, 0.7, after, 0, 0.0)

    rows = [row("x", "gaussian", 10, 0.85), row("y", "gaussian", 10, 0.9), row("x", "adaproxy", 10, 0.99)]
    (one,) = adaptation_bars(rows)
    assert (one.proxies, one.asked, one.reached, one.proxy, one.met) == ("one", 0.88, 0.9, "y", True)
    _, several = adaptation_bars([*rows, row(SEVERAL, "gaussian", 10, 0.93)])
    assert (several.proxies, several.asked, several.met) == ("several", 0.935, False)
    assert "missed" in adaptation_text([*rows, row(SEVERAL, "gaussian", 10, 0.93)])


PEER = """
import json, sys
given = json.load(sys.stdin)
sys.stdout.write(json.dumps([{"cycles": 1.0, "energy_pj": None, "seconds": 0.5} for _ in given["layers"]]))
"""


def test_speed_counts_every_layer_and_stands_beside_a_peer_of_the_same_run(monkeypatch, tmp_path):
    torch.set_num_threads(1)
    script = tmp_path / "peer.py"
    script.write_text(PEER)
    monkeypatch.setattr("archlock.benches.hardware_speed.SCRIPT", script)
    assert len(set(CELLS)) == len(CELLS) == 15_625
    cells = CELLS[:30] + CELLS[:30]
    once = run_speed(cells=cells[:30])
    speed = run_speed({"SCALE-Sim": Path(sys.executable)}, cells=cells)
    assert speed.networks == 60
    assert (speed.layers, speed.products) == (2 * once.layers, 2 * once.products), "likeness is no credit"
    assert speed.layers_per_s == pytest.approx(speed.layers / speed.call_s)
    (peer,) = speed.peers
    assert (peer.products_per_s, peer.fastest_s) == (pytest.approx(2.0), 0.5)
    assert peer.times_layers == pytest.approx(speed.layers_per_s / 2)
    assert peer.met == (peer.times_layers >= 1e6)
    assert speed.not_run == ("ZigZag",)
    assert "give --zigzag-python" in speed_text(speed)
    script.write_text("import sys; sys.exit('no such module')")
    with pytest.raises(RunFailedError, match=r"ZigZag does not run.*no such module"):
        run_speed({"ZigZag": Path(sys.executable)}, cells=cells)
    with pytest.raises(UsageError, match="give the Python of an environment with ZigZag"):
        run_speed({"ZigZag": tmp_path / "no-python"}, cells=cells)


def test_sections_without_data_are_named_or_refused(tmp_path, capsys):
    options = HardwareOptions(sections=("rows", "ranks", "adaptation", "one-proxy"), data=tmp_path / "none")
    bench = run_hardware(options)
    assert set(bench.left_out) == {"rows", "ranks", "adaptation", "one-proxy"}
    assert "ranks: left out: " in hardware_text(bench)
    assert hardware_document(bench)["left_out"] == bench.left_out
    with pytest.raises(UsageError, match="no such file; give the folder of tables"):
        run_hardware(replace(options, sections=("adaptation",), needed=True))
    assert run(["bench", "hardware", "--only", "ranks", "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_steps_are_counted_for_every_section():
    assert set(SHORT) < set(SECTIONS)
    assert steps_of(HardwareOptions(sections=("ranks", "heterogeneity"), tasks=("cifar10", "cifar100"))) == 4 + 3
    assert steps_of(HardwareOptions(sections=("speed",), pythons={"ZigZag": Path("python")})) == 2


def test_the_command_prints_the_sections_that_were_asked_for(capsys):
    assert run(["bench", "hardware", "--only", "heterogeneity", "--networks", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["heterogeneity"]) == 3 * 2 * 3 * 2
    assert document["speed"] is None
    assert run(["bench", "hardware", "--only", "ranks", "--one-proxy", "pixel3"]) == 2
    assert "give one of them" in capsys.readouterr().err
    assert run(["bench", "hardware", "--only", "everything"]) == 2
