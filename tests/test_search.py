"""The whole search through the public API, on a run small enough for a test: nothing in it is a stand-in."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from archlock import api
from archlock.config import RunSettings
from archlock.errors import BudgetError, InterruptedRunError, RunFolderError, UsageError
from archlock.executors import ProcessExecutor
from archlock.hwcost import estimate, load_hardware, trace
from archlock.report.record import RunRecord, read_record
from archlock.runs import RunFolder, SilentProgress
from archlock.scores import Origin
from archlock.spaces.export import read_safetensors
from archlock.spaces.text import genotype_id
from archlock.tasks.ledger import HELD_OUT_ATTACK, Ledger
from archlock.tasks.registry import load_task
from archlock.training.fit import evaluate, predict

LATENCY_S = 4e-5


def settings_of(seed: int = 0, **changes: Any) -> RunSettings:
    return RunSettings.model_validate(
        {
            "seed": seed,
            "source": {"task": "digits", "micro_tolerance": 0.5},
            "targets": {
                "search": [{"name": "textures", "samples": 90}],
                "validation": [{"name": "counting", "samples": 90}],
                "held_out": [{"name": "glyphs", "samples": 90}, {"name": "darcy", "samples": 60}],
            },
            "hardware": {"latency_s": LATENCY_S},
            "labels": {"architectures": 8, "target_architectures": 4, "steps": 10, "rounds": 1, "round_size": 3},
            "proxies": {"names": ["nwot", "synflow"], "architectures": 9, "batch": 16},
            "engine": {"population": 4, "generations": 1},
            "finalists": {"count": 1, "steps": 30},
            "attacks": {"fractions": [0.5, 1.0], "learning_rates": [0.01], "steps": 4, "edits": ["stem", "all"]},
            **changes,
        }
    )


class StopsAfter(SilentProgress):
    """Presses Ctrl-C after some units."""

    def __init__(self, units: int) -> None:
        self.left = units

    def advance(self, units: int = 1) -> None:
        self.left -= units
        if self.left <= 0:
            raise KeyboardInterrupt


class Counts(SilentProgress):
    """Counts computed units."""

    def __init__(self) -> None:
        self.units = 0

    def advance(self, units: int = 1) -> None:
        self.units += units


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its record, and how many units it computed."""

    path: Path
    record: RunRecord
    units: int


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    around = tmp_path_factory.mktemp("around")
    counts = Counts()
    record = api.search(settings_of(), around / "run", progress=counts)
    return Run(around / "run", record, counts.units)


def figures(record: RunRecord) -> dict[str, Any]:
    """All of a record but when it was made."""
    return record.model_dump(exclude={"created_at", "versions"})


def test_the_record_on_disk_is_the_one_returned(run: Run) -> None:
    text = (run.path / "report.json").read_text(encoding="utf-8")
    assert read_record(text, "report.json") == run.record == api.read_report(run.path)
    assert "NaN" not in text
    assert "Infinity" not in text


def test_the_page_stands_alone_and_says_what_the_record_says(run: Run) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert 'src="http' not in page
    assert run.record.model("locked").id in page


def test_nothing_is_written_outside_the_run_folder_and_nothing_is_pickled(run: Run) -> None:
    assert [entry.name for entry in run.path.parent.iterdir()] == ["run"]
    files = [path for path in run.path.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".json", ".html", ".safetensors", ".sqlite"} <= kinds
    assert not kinds & {".pt", ".pth", ".pkl", ".bin", ".npy"}
    assert not any(zipfile.is_zipfile(path) for path in files)
    # A safetensors file begins with the length of its header, which may be any byte.
    plain = [path for path in files if path.suffix != ".safetensors"]
    assert not any(path.read_bytes().startswith(b"\x80") for path in plain)


def test_every_target_was_attacked_as_the_settings_say(run: Run) -> None:
    record = run.record
    assert {(row.target, row.fraction) for row in record.targets} == {
        (target, share) for target in ("glyphs(samples=90)", "darcy(samples=60)") for share in (0.5, 1.0)
    }
    assert all(attack.value.origin is Origin.ATTACKED for attack in record.attacks)
    for role in ("locked", "twin"):
        assert {attack.attack for attack in record.attacks if attack.role == role} >= {"linear-probe", "fine-tune"}
    assert {attack.attack for attack in record.attacks if attack.role == "public"} == {
        "scratch:resnet8",
        "scratch:convnet3",
    }
    assert "surgery:tokens" in record.attacks_not_run


def test_rows_are_the_attacks_compared(run: Run) -> None:
    for row in run.record.targets:
        here = [one for one in run.record.attacks if (one.target, one.fraction) == (row.target, row.fraction)]
        values = {
            role: {one.attack: one.value.value for one in here if one.role == role}
            for role in ("locked", "twin", "public")
        }
        assert row.locked_surgery == values["locked"][row.locked_attack]
        assert row.twin_surgery == values["twin"][row.twin_attack]
        assert row.public == values["public"][row.public_name]
        assert row.locked_released in (values["locked"]["linear-probe"], values["locked"]["fine-tune"])
        assert row.locked_advantage == row.locked_surgery - row.public
        assert row.twin_advantage == row.twin_surgery - row.public


def test_the_headline_is_one_sentence_with_budget_verdict_and_what_was_not_run(run: Run) -> None:
    said = run.record.headline
    broken = sum(
        any(row.locked_advantage > 0 for row in run.record.targets if row.target == target)
        for target in {row.target for row in run.record.targets}
    )
    assert said.endswith(".")
    assert (f"is broken on {broken} of 2 held-out tasks by" if broken else "is not broken by") in said
    assert "1 learning rate per attack" in said
    assert "with 100% of the data and 4 steps" in said
    assert "with 50% of the data and 3 steps" in said
    assert "transfer advantage" in said
    assert "not run: " in said
    assert "secure" not in said


def test_the_ledger_on_disk_is_the_ledger_of_the_record(run: Run) -> None:
    ledger = Ledger.from_json((run.path / "ledger.json").read_text(encoding="utf-8"))
    rows = [(row.task, row.stage, row.readings) for row in ledger.counts()]
    assert rows == [(line.task, line.stage, line.readings) for line in run.record.ledger]
    assert {stage for task, stage, _ in rows if task.startswith(("glyphs", "darcy"))} == {HELD_OUT_ATTACK}


def test_the_exported_model_is_the_one_reported(run: Run) -> None:
    model, locked = read_safetensors(run.path / "model"), run.record.model("locked")
    assert genotype_id(model.space, model.genotype) == locked.id
    digits = load_task("digits", input_shape=model.io.input_shape)
    assert model.classes == digits.classes
    network = model.network()
    assert evaluate(network, digits, digits.test) == locked.source_test.value
    assert evaluate(network, digits, digits.validation) == locked.source_validation.value


def test_the_exported_model_meets_the_budget_when_estimated_again(run: Run) -> None:
    model, hardware = read_safetensors(run.path / "model"), run.record.hardware
    cost = estimate(
        trace(model.network(), (1, *model.io.input_shape)), load_hardware(hardware.profile), hardware.execution
    )
    assert (cost.latency_s, cost.energy_j) == (hardware.latency_s, hardware.energy_j)
    assert cost.latency_s <= hardware.budgets["latency_s"] == LATENCY_S
    locked = run.record.model("locked")
    assert (locked.latency_s.value, locked.energy_j.value) == (cost.latency_s, cost.energy_j)
    assert sum(layer.latency_s for layer in hardware.layers) == pytest.approx(cost.latency_s)


def test_every_model_that_was_chosen_meets_the_budget(run: Run) -> None:
    assert all(model.latency_s.value <= LATENCY_S for model in run.record.models)


def test_a_finished_run_is_resumed_without_work(run: Run) -> None:
    counts = Counts()
    assert figures(api.resume(run.path, progress=counts)) == figures(run.record)
    assert counts.units == 0


def test_an_interrupted_run_ends_as_if_it_had_not_been(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(InterruptedRunError):
        api.search(settings_of(), path, progress=StopsAfter(run.units // 2))
    with pytest.raises(RunFolderError, match="resume"):
        api.read_report(path)
    with pytest.raises(InterruptedRunError):
        api.resume(path, progress=StopsAfter(run.units // 4))
    counts = Counts()
    resumed = api.resume(path, progress=counts)
    assert counts.units == run.units - run.units // 2 - run.units // 4
    assert figures(resumed) == figures(run.record)
    assert (path / "ledger.json").read_bytes() == (run.path / "ledger.json").read_bytes()
    model = "model/model.safetensors"
    assert (path / model).read_bytes() == (run.path / model).read_bytes()


def test_two_processes_replay_every_figure(run: Run) -> None:
    with ProcessExecutor(2) as executor:
        assert api.replay(run.path, executor=executor) == ()


def test_a_figure_that_was_changed_is_found_by_its_path(run: Run) -> None:
    changed = run.record.model_dump(mode="json")
    changed["targets"][1]["public"] += 0.01
    found = api._differences(run.record.model_dump(mode="json"), changed)
    assert len(found) == 1
    assert found[0].startswith("targets[1].public: ")


def test_another_seed_is_another_run(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(InterruptedRunError):
        api.search(settings_of(seed=1), path, progress=StopsAfter(12))
    with RunFolder.view(path) as other, RunFolder.view(run.path) as first:
        ours, theirs = ({unit.key for unit in one.units("cost population")} for one in (other, first))
    assert ours
    assert not ours & theirs


@pytest.mark.slow
def test_a_whole_run_of_another_seed_differs(run: Run) -> None:
    assert figures(api.search(settings_of(seed=1)))["candidates"] != figures(run.record)["candidates"]


def test_a_folder_with_a_run_is_not_written_over(run: Run) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*.json")}
    with pytest.raises(RunFolderError, match="resume"):
        api.search(settings_of(), run.path)
    with pytest.raises(RunFolderError, match="another configuration"):
        api.search(settings_of(seed=5), run.path)
    assert {path: path.read_bytes() for path in run.path.rglob("*.json")} == before


@pytest.mark.slow
def test_a_budget_that_nothing_meets_ends_before_any_label(tmp_path: Path) -> None:
    settings = settings_of(
        hardware={"latency_s": 1e-12},
        proxies={"names": ["nwot"], "architectures": 2},
        labels={"architectures": 8, "steps": 1},
    )
    with pytest.raises(BudgetError, match=r"latency .* s is the least found"):
        api.search(settings, tmp_path / "run")
    with RunFolder.view(tmp_path / "run") as folder:
        assert set(folder.counts()) == {"cost population"}


@pytest.mark.parametrize("role", ["locked", "twin"])
def test_a_program_gives_the_outputs_of_its_network(run: Run, tmp_path: Path, role: str) -> None:
    path = api.export(run.path, tmp_path, "pt2", role)
    reference = read_safetensors(api.export(run.path, tmp_path / "weights", candidate=role))
    inputs = torch.rand(5, *reference.io.input_shape, generator=torch.Generator().manual_seed(0))
    program = torch.export.load(path).module()
    assert torch.allclose(program(inputs), predict(reference.network(), inputs), atol=1e-5)
    assert program(inputs[:1]).shape == (1, 10)


@pytest.mark.skipif(find_spec("onnx") is None or find_spec("onnxscript") is None, reason="needs the extra onnx")
def test_an_onnx_file_gives_the_outputs_of_its_network(run: Run, tmp_path: Path) -> None:
    from onnx.reference import ReferenceEvaluator

    path = api.export(run.path, tmp_path, "onnx")
    model = read_safetensors(run.path / "model")
    inputs = torch.rand(3, *model.io.input_shape, generator=torch.Generator().manual_seed(0))
    (outputs,) = ReferenceEvaluator(str(path)).run(None, {"input": inputs.numpy()})
    assert torch.allclose(torch.from_numpy(outputs), predict(model.network(), inputs), atol=1e-4)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"form": "tflite"}, "format 'tflite'"), ({"candidate": "lokced"}, "Did you mean 'locked'")],
    ids=["format", "candidate"],
)
def test_a_wrong_export_is_one_line(run: Run, tmp_path: Path, asked: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        api.export(run.path, tmp_path / "out", **asked)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


TINY: dict[str, Any] = {
    "targets": {
        "search": [{"name": "textures", "samples": 60}],
        "validation": [{"name": "counting", "samples": 60}],
        "held_out": [{"name": "glyphs", "samples": 60}],
    },
    "hardware": {},
    "labels": {"architectures": 8, "target_architectures": 4, "steps": 3, "rounds": 0},
    "proxies": {"names": ["nwot"], "architectures": 8, "batch": 8},
    "finalists": {"count": 1, "steps": 5},
    "attacks": {"fractions": [1.0], "learning_rates": [0.01], "steps": 2, "edits": ["stem"]},
}
CORNERS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "no target labels": (
        {"labels": {"architectures": 8, "target_architectures": 0, "steps": 3, "rounds": 0}},
        "accuracy",
        True,
    ),
    "a threshold nothing reaches": ({"source": {"task": "digits", "at_least": 0.9999}}, "accuracy", False),
    "random engine": ({"engine": {"name": "random", "population": 4, "generations": 1}}, "accuracy", True),
    "dense source": ({"source": {"task": {"name": "darcy", "samples": 60}}}, "1 - relative error", True),
    "multi-label source": ({"source": {"task": {"name": "presence", "samples": 60}}}, "macro F1", True),
    "a rate that diverges": (
        {
            "attacks": {"fractions": [0.01], "learning_rates": [1e6], "steps": 3, "edits": []},
            "input": {"channels": 1, "height": 9, "width": 13},
        },
        "accuracy",
        True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("corner", CORNERS)
def test_a_corner_of_the_settings_ends_in_a_record(corner: str) -> None:
    changes, metric, within = CORNERS[corner]
    record = api.search(settings_of(**{**TINY, **changes}))
    assert record.source_metric == metric
    assert within or not record.within_tolerance
    assert ("misses the source tolerance" in record.headline) == (not record.within_tolerance)
