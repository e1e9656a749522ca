"""Settings of a run: what they promise, and how ``file:line: key:`` reads for every rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlock.config import RunSettings, load_settings
from archlock.documents import to_yaml
from archlock.errors import ConfigError

SMALL = """\
seed: 1
source:
  task: digits
targets:
  search: [textures, {name: shapes, difficulty: 0.3}]
  validation: [counting]
  held_out:
    - glyphs
    - name: darcy
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_a_bare_word_is_a_task(small: Path) -> None:
    targets = load_settings(small).targets
    assert [task.name for task in targets.search] == ["textures", "shapes"]
    assert targets.search[1].difficulty == 0.3


def test_settings_survive_yaml_and_json(small: Path, tmp_path: Path) -> None:
    settings = load_settings(small, ["hardware.latency_s=1e-3", "attacks.fractions=[.5, 1]"])
    assert settings.hardware.latency_s == 0.001
    (tmp_path / "again.yaml").write_text(to_yaml(settings.model_dump(mode="json")), encoding="utf-8")
    assert load_settings(tmp_path / "again.yaml") == settings
    assert RunSettings.model_validate_json(settings.model_dump_json()) == settings


def test_assignments_reach_into_lists_and_go_in_order(small: Path) -> None:
    settings = load_settings(
        small, ["targets.held_out=[glyphs, rhythms]", "targets.held_out[0].difficulty=0.7", "seed=2", "seed=3"]
    )
    assert [(task.name, task.difficulty) for task in settings.targets.held_out] == [("glyphs", 0.7), ("rhythms", 0.5)]
    assert settings.seed == 3


FAULTS = {
    "seed: 1|sead: 1": r":1: sead: unknown key\. Did you mean 'seed'\?",
    "task: digits|taks: digits": r":3: source\.taks: unknown key\. Did you mean 'task'\?",
    "difficulty|dificulty": r":5: targets\.search\[1\]\.dificulty: unknown key\. Did you mean 'difficulty'\?",
    "- name: darcy|- nam: darcy": r":9: targets\.held_out\[1\]\.nam: unknown key\. Did you mean 'name'\?",
    "difficulty: 0.3|difficulty: hard": r':5: targets\.search\[1\]\.difficulty: expected a number, not "hard"',
    "difficulty: 0.3|view: rwo": r"view: expected 'picture' or 'row', not \"rwo\"\. Did you mean 'row'",
    "- glyphs|- 7": r":8: targets\.held_out\[0\]: expected keys and values, not 7",
    "seed: 1|seed: -1": r":1: seed: expected a number of at least 0, not -1",
    "seed: 1|seed: one": r':1: seed: expected a whole number, not "one"',
    "seed: 1|seed: 1.5": r":1: seed: expected a whole number, not 1\.5",
    "seed: 1|seed: 1\nseed: 2": r":2: seed: given twice; first at \S+:1$",
    "- glyphs|- digits": r":8: targets\.held_out\[0\]: task 'digits' is already source\.task; a task has one role",
    "[counting]|[textures]": r":6: targets\.validation\[0\]: task 'textures' is already targets\.search\[0\]",
    "[counting]|[]": r":6: targets\.validation: expected 1 or more entries, not \[\]",
    "seed: 1|hardware: {latency_s: -1}": r"hardware\.latency_s: expected a number above 0, not -1",
    "seed: 1|hardware: {energy_j: 0}": r"hardware\.energy_j: expected a number above 0, not 0",
    "seed: 1|engine: {robust: yes}": r'engine\.robust: expected true or false, not "yes"',
    "seed: 1|labels: {steps: 1e30}": r"labels\.steps: expected ",
    "seed: 1|labels: {steps: 10000000}": r"labels\.steps: expected a number of at most 1e\+06",
    "seed: 1|attacks: {edits: [stem, skip, stem]}": r"attacks\.edits\[2\]: 'stem' is given twice",
    "seed: 1|attacks: {fractions: [0.5, 2]}": r"attacks\.fractions\[1\]: expected a number of at most 1, not 2",
    "seed: 1|proxies: {names: []}": r"proxies\.names: expected 1 or more entries",
    "task: digits|task: digits\n  at_least: 93.2": r":4: source\.at_least: expected a number of at most 1, not 93\.2",
    "seed: 1|input: {height: 500}": r"input\.height: expected a number of at most 224, not 500",
    "seed: 1|space: ''": r":1: space: expected a word of 1 or more",
}


@pytest.mark.parametrize("edit", FAULTS)
def test_a_fault_names_file_line_and_key(edit: str, small: Path) -> None:
    old, new = edit.split("|")
    small.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=FAULTS[edit]) as caught:
        load_settings(small)
    assert str(caught.value).startswith(f"{small}:")
    assert "Settings" not in str(caught.value)


ASSIGNED = {
    "targets.simulated=-3": "targets.simulated: expected a number of at least 1, not -3",
    "sorce.tolerance=0.1": "sorce: unknown key. Did you mean 'source'?",
    "targets.search[1].dificulty=1": "targets.search[1].dificulty: unknown key. Did you mean 'difficulty'?",
    "targets.search[0].fold=9": "targets.search[0].fold: expected a number of at most 4, not 9",
    "targets.held_out=[glyphs, counting]": "targets.held_out[1]: task 'counting' is already targets.validation[0]; "
    "a task has one role",
    "seed.x=1": "seed: is a value, not a section",
}


@pytest.mark.parametrize("assignment", ASSIGNED)
def test_a_wrong_assignment_is_named_instead_of_a_line(assignment: str, small: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(small, [assignment])
    assert str(caught.value) == f"--set {assignment}: {ASSIGNED[assignment]}"


def test_settings_cannot_be_changed(small: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(small).seed = 2  # type: ignore[misc]
