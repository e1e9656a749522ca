"""``archlock audit`` as a user types it: exit codes, one line per error, results on stdout."""

from __future__ import annotations

import json
from pathlib import Path

import audited_models as models
import pytest
import torch

from archlock.cli.main import run
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task

QUICK = ["--source", "digits", "--target", "glyphs", "--budget", "quick", "--executor", "serial"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The good model, exported with a fixed batch."""
    path = tmp_path_factory.mktemp("program") / "good.pt2"
    torch.export.save(torch.export.export(models.good().eval(), (torch.zeros(1, 3, 12, 12),)), path)
    return path


def audited(model: str, out: Path, *options: str) -> int:
    return run(["audit", model, *QUICK, "--out", str(out), *options])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("archlock:")]
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert len(lines) == 1
    return lines[0]


def test_a_factory_is_audited_and_the_record_is_plain_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = audited("audited_models:good", tmp_path / "a", "--input", "3x12x12", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert printed == json.loads((tmp_path / "a" / "report.json").read_text())
    assert printed["model"]["input_shape"] == [3, 12, 12]


@pytest.mark.slow
def test_a_program_is_audited_as_the_factory_is(
    tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(str(program), tmp_path / "p", "--attack", "linear-probe") == 0
    assert audited("audited_models:good", tmp_path / "f", "--attack", "linear-probe", "--input", "3x12x12") == 0
    assert "record: " in capsys.readouterr().out
    one, other = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("p", "f"))
    assert one["model"]["weakened"] == []
    assert one["model"]["parameters"] == other["model"]["parameters"]
    reached = [record["attacks"][0]["value"]["value"] for record in (one, other)]
    assert reached[0] == pytest.approx(reached[1], abs=0.02)


def test_a_model_of_ours_is_audited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space, task = load_space("hybrid"), load_task("digits", input_shape=(3, 12, 12))
    genotype = space.canonical(tuple(0 for _ in space.choices))
    model = TrainedNetwork(space, genotype, task.io, space.build(genotype, task.io).state_dict())
    export_network(model, tmp_path / "model")
    assert audited(str(tmp_path / "model"), tmp_path / "a") == 0
    assert "not judged" in capsys.readouterr().out
    assert json.loads((tmp_path / "a" / "report.json").read_text())["model"]["weakened"] == []


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("of_other_classes", "gives 7 outputs, but the source task digits has 10"),
        ("of_one_channel", "does not take 2 inputs of 3x12x12"),
        ("with_nan", "holds NaN or infinite values"),
        ("without_parameters", "no parameters"),
        ("that_fails", "the weights are on another machine"),
    ],
)
def test_a_model_that_cannot_be_handled_exits_with_four(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factory: str, reason: str
) -> None:
    assert audited(f"audited_models:{factory}", tmp_path / "a", "--input", "3x12x12") == 4
    assert reason in error_of(capsys)
    assert not (tmp_path / "a" / "report.json").exists()


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        ("audited_models:god", ("--input", "3x12x12"), "Did you mean 'good'"),
        ("audited_models:good", (), "give --input"),
        ("audited_models:good", ("--input", "3x12"), "expected CHANNELSxHEIGHTxWIDTH"),
        ("audited_models:good", ("--input", "3x12x12", "--attack", "finetune"), "Did you mean 'fine-tune'"),
        ("audited_models:good", ("--input", "3x12x12", "--target", "digits"), "is the source task"),
        ("missing.pt2", (), "no such file"),
    ],
)
def test_wrong_usage_exits_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, options: tuple[str, ...], reason: str
) -> None:
    assert audited(model, tmp_path / "a", *options) == 2
    assert reason in error_of(capsys)


@pytest.mark.slow
def test_open_sizes_must_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch, height, width = (torch.export.Dim(name, min=8, max=64) for name in ("batch", "height", "width"))
    program = torch.export.export(
        models.good().eval(), (torch.zeros(8, 3, 12, 12),), dynamic_shapes=({0: batch, 2: height, 3: width},)
    )
    torch.export.save(program, tmp_path / "open.pt2")
    assert audited(str(tmp_path / "open.pt2"), tmp_path / "a") == 4
    assert "its input sizes are open" in error_of(capsys)
    chosen = ("--input", "3x12x12", "--attack", "linear-probe")
    assert audited(str(tmp_path / "open.pt2"), tmp_path / "a", *chosen) == 0


def test_an_interruption_exits_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from archlock.auditing import units

    def stopped(case: units.Case) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(units, "quick_look", stopped)
        assert audited("audited_models:good", tmp_path / "a", "--input", "3x12x12") == 130
    capsys.readouterr()
    assert audited("audited_models:good", tmp_path / "a", "--input", "3x12x12") == 0
