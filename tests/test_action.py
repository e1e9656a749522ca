"""The action's steps, run as a runner runs them: its shell, its files, its variables; installing alone is read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from archlock.auditing.reading import read_audit
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task

ROOT = Path(__file__).resolve().parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in ACTION["runs"]["steps"]}
WORKFLOW = ROOT / "docs" / "examples" / "release-workflow.yml"
EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
QUICK = "required: {budget: quick, attacks: [linear-probe], surgery: false}\nlimits: {advantage: null%s}\n"


@dataclass
class Runner:
    """What a hosted runner does with a composite action, as far as this one needs it.

    Attributes:
        home: folder of the job.
        inputs: what ``with`` gives; defaults otherwise.
        outputs: of the steps that ran.
    """

    home: Path
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def value(self, text: str) -> str:
        """A text with its expressions evaluated; one that is not known is an error."""

        def evaluate(found: re.Match[str]) -> str:
            match found[1].split("."):
                case ["inputs", name]:
                    return self.inputs.get(name, ACTION["inputs"][name].get("default", ""))
                case ["steps", step, "outputs", name]:
                    return self.outputs[step][name]
            raise AssertionError(found[0])

        return EXPRESSION.sub(evaluate, text)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step by the command that runners document for ``shell: bash``."""
        step, script = STEPS[name], self.home / f"{name}.sh"
        script.write_text(step["run"], encoding="utf-8")
        files = {key: self.home / f"{name}.{key}" for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        given = {key: self.value(text) for key, text in step["env"].items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.home, env={**os.environ, **{key: str(file) for key, file in files.items()}, **given, "PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        self.outputs[name] = dict(line.split("=", 1) for line in lines)
        return done

    def results(self) -> dict[str, str]:
        """The action's outputs."""
        return {name: self.value(output["value"]) for name, output in ACTION["outputs"].items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an untrained model and two policies for the quick budget."""
    folder = tmp_path_factory.mktemp("job")
    space, task = load_space("hybrid"), load_task("digits", input_shape=(1, 8, 8))
    genotype = space.canonical(space.sample(np.random.default_rng(0)))
    torch.manual_seed(0)
    weights = space.build(genotype, task.io).state_dict()
    export_network(TrainedNetwork(space, genotype, task.io, weights), folder / "a model")
    for name, limit in (("met", ""), ("unmet", ", estimate: 0.0")):
        (folder / f"{name}.yaml").write_text(QUICK % limit, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(home: Path) -> Runner:
    """The action up to its gate."""
    inputs = {"model": "a model", "source": "digits", "targets": "glyphs,\n  textures\n", "budget": "quick",
              "policy": "met.yaml", "out": "an audit"}  # fmt: skip
    runner = Runner(home, inputs)
    for name in ("audit", "views"):
        done = runner.step(name)
        assert done.returncode == 0, done.stderr
    return runner


@pytest.mark.slow
def test_the_views_and_the_headline_are_there(ran: Runner, home: Path) -> None:
    record = read_audit(home / ran.outputs["audit"]["report"])
    assert record.target_titles == ("glyphs", "textures")
    assert record.budget.name == "quick"
    assert ran.outputs["audit"]["headline"] == record.headline
    views = ran.outputs["views"]
    assert json.loads((home / views["sarif"]).read_text())["version"] == "2.1.0"
    assert record.report_sha256 in (home / views["html"]).read_text()
    assert (home / views["junit"]).read_text().startswith("<?xml")


@pytest.mark.slow
def test_a_met_policy_lets_the_job_go_on(ran: Runner, home: Path) -> None:
    ran.inputs["policy"] = "met.yaml"
    done = ran.step("gate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran.results()["passed"] == "true"
    summary = (home / "gate.GITHUB_STEP_SUMMARY").read_text()
    assert "policy met" in summary
    assert ran.outputs["audit"]["headline"] in summary
    assert "pass  required.budget" in (home / "an audit" / "gate.txt").read_text()


@pytest.mark.slow
def test_an_unmet_policy_stops_the_job(ran: Runner, home: Path) -> None:
    ran.inputs["policy"] = "unmet.yaml"
    done = ran.step("gate")
    assert done.returncode == 1
    assert ran.results()["passed"] == "false"
    assert "FAIL  limits.estimate" in (home / "gate.GITHUB_STEP_SUMMARY").read_text()


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"model": '"; touch pwned; $(touch pwned) `touch pwned`'}, 2, "no such file or folder"),
        ({"model": "--help"}, 2, "--help: no such file or folder"),
        ({"targets": "glyphs; touch pwned, $(touch pwned)\npassed=true"}, 2, "unknown name"),
    ],
)
def test_inputs_are_never_code_or_options(
    home: Path, change: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    runner = Runner(tmp_path, {"model": str(home / "a model"), "source": "digits", "budget": "quick", **change})
    done = runner.step("audit")
    assert done.returncode == code
    assert said in done.stderr
    assert not (tmp_path / "pwned").exists()
    assert runner.outputs["audit"] == {}


def test_no_expression_reaches_a_shell_and_no_other_action_is_used() -> None:
    for step in STEPS.values():
        assert step["shell"] == "bash"
        assert "uses" not in step
        assert "${{" not in step["run"]
        variables = {key for key in step["env"] if key.startswith("ARCHLOCK_")}
        assert variables == set(re.findall(r"\$\{?(ARCHLOCK_\w+)", step["run"]))


def test_every_input_is_used_and_every_output_set() -> None:
    used = "".join(text for step in STEPS.values() for text in step["env"].values())
    assert all(f"inputs.{name} " in used for name in ACTION["inputs"])
    for output in ACTION["outputs"].values():
        _, step, _, name = EXPRESSION.fullmatch(output["value"])[1].split(".")  # type: ignore[index]
        assert f'echo "{name}=' in STEPS[step]["run"]


def test_the_action_installs_its_own_sources() -> None:
    step = STEPS["install"]
    assert step["env"]["ARCHLOCK_SOURCES"] == "${{ github.action_path }}"
    assert re.search(r'-m pip install .*"\$ARCHLOCK_SOURCES"', step["run"])
    assert (ROOT / "pyproject.toml").is_file()  # action_path is where action.yml lies


def _steps(text: str) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]


def test_the_example_workflow_pins_what_it_uses_and_gives_inputs_that_exist() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    used = [step for step in _steps(text) if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in used)
    [ours] = [step for step in used if "/archlock@" in step["uses"]]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    assert {name for name, each in ACTION["inputs"].items() if each.get("required")} <= set(ours["with"])
    [upload] = [step for step in used if "upload-sarif" in step["uses"]]
    assert upload["with"]["sarif_file"] == f"{ours['with']['out']}/report.sarif"
    assert upload["if"].startswith("${{ !cancelled()")  # after a failed gate, too


def test_the_example_workflow_publishes_only_after_the_gate() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    [publishing] = [name for name, job in jobs.items() if "write" in job["permissions"].get("contents", "")]
    [auditing] = [name for name, job in jobs.items() if "archlock@" in yaml.safe_dump(job)]
    assert jobs[publishing]["needs"] == auditing
    assert not any("${{" in step["run"] for step in _steps(text) if "run" in step)
    check: Callable[[Any], bool] = lambda job: "continue-on-error" not in yaml.safe_dump(job)  # noqa: E731
    assert all(map(check, jobs.values()))
