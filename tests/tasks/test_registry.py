"""Names, folds, the cache, plug-ins, and the real built-ins."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from archlock.errors import TaskError
from archlock.tasks import registry
from archlock.tasks.photos import BLUR_PX, COLUMNS, HEIGHT, PATCH, ROWS, WIDTH, altered, blocks_of, draw_corners
from archlock.tasks.registry import BUILT_IN, load_task, task_names
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task


def test_all_built_ins_are_named_and_load() -> None:
    assert task_names()[: len(BUILT_IN)] == tuple(BUILT_IN)
    assert {"digits", "photo-patches", "textures", "darcy", "rhythms"} <= set(task_names())


@pytest.mark.parametrize(("wrong", "hint"), [("digts", "'digits'"), ("textur", "'textures'"), ("npy:x", "'npz:PATH'")])
def test_an_unknown_name_suggests_the_nearest(wrong: str, hint: str) -> None:
    with pytest.raises(TaskError, match=rf"{wrong}.*Did you mean {hint}"):
        load_task(wrong)


@pytest.mark.parametrize("name", ["npz:", "npz", "folder"])
def test_a_file_task_needs_a_path(name: str) -> None:
    with pytest.raises(TaskError, match="PATH"):
        load_task(name)


def test_loading_is_cached_by_settings_and_shape() -> None:
    assert load_task("digits") is load_task(TaskSettings(name="digits"))
    assert load_task("digits", input_shape=(3, 16, 16)) is load_task("digits", input_shape=(3, 16, 16))
    assert load_task("digits", input_shape=(3, 16, 16)).io.input_shape == (3, 16, 16)


def test_a_bare_string_is_a_task_and_the_schema_says_so() -> None:
    assert TaskSettings.model_validate("digits") == TaskSettings(name="digits")
    assert {option["type"] for option in TaskSettings.model_json_schema()["anyOf"]} == {"string", "object"}


@pytest.mark.parametrize("wrong", [{"difficulty": 1.1}, {"fold": 5}, {"seed": -1}, {"samples": 3}, {"colour": 1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        TaskSettings.model_validate({"name": "digits", **wrong})


def test_the_title_names_what_is_not_default() -> None:
    assert TaskSettings(name="shapes").title == "shapes"
    assert TaskSettings(name="shapes", seed=2, difficulty=0.25).title == "shapes(difficulty=0.25, seed=2)"


def test_settings_and_names_need_no_torch() -> None:
    code = "import sys, archlock.tasks.settings; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_digits_folds_are_stratified_and_cover_every_sample_once() -> None:
    folds = [load_task(TaskSettings(name="digits", fold=fold)) for fold in range(5)]
    assert sum(len(task.test) for task in folds) == 1797
    for task in folds:
        assert len(task.train) + len(task.validation) + len(task.test) == 1797
        counts = torch.bincount(task.test.targets, minlength=10)
        assert int(counts.min()) >= 34
        assert int(counts.max()) <= 37
    unscaled = [_raw(task, task.test.inputs) for task in folds]
    assert len(torch.cat(unscaled).unique(dim=0)) == 1797


def test_digits_parts_of_one_fold_are_disjoint() -> None:
    task = load_task("digits")
    parts = torch.cat([part.inputs.flatten(1) for part in (task.train, task.validation, task.test)])
    assert len(parts.unique(dim=0)) == 1797


def _raw(task: Task, inputs: torch.Tensor) -> torch.Tensor:
    """Grey levels 0 to 16: the lowest and the highest level occur in every part of digits."""
    span = task.train.inputs.max() - task.train.inputs.min()
    return ((inputs - task.train.inputs.min()) / span * 16).round().flatten(1)


def test_photograph_blocks_of_the_parts_never_meet() -> None:
    for fold in range(5):
        parts = [set(blocks_of(part, fold).tolist()) for part in range(3)]
        assert [len(part) for part in parts] == [12, 4, 4]
        assert len(set.union(*parts)) == ROWS * COLUMNS
    assert len(set.union(*(set(blocks_of(2, fold).tolist()) for fold in range(5)))) == ROWS * COLUMNS


def test_photograph_windows_stay_in_their_blocks() -> None:
    block = np.repeat(np.arange(ROWS * COLUMNS), 200)
    top, left = draw_corners(np.random.default_rng(0), block).T
    height, width = HEIGHT // ROWS, WIDTH // COLUMNS
    for start, size, index in ((top, height, block // COLUMNS), (left, width, block % COLUMNS)):
        assert np.all(start // size == index)
        assert np.all((start + PATCH - 1) // size == index)


def test_photograph_alterations_do_what_they_say() -> None:
    patches = np.random.default_rng(0).random((8, 3, PATCH, PATCH)).astype(np.float32)
    result = altered(patches, np.arange(8))
    assert np.array_equal(result[[0, 4]], patches[[0, 4]])
    assert result[1].std() < patches[1].std() / BLUR_PX
    assert np.array_equal(result[2], np.rot90(patches[2], axes=(1, 2)))
    assert np.array_equal(result[7], patches[7, ::-1])


def test_photo_patches_load_balanced() -> None:
    task = load_task("photo-patches")
    assert (len(task.train), len(task.validation), len(task.test)) == (600, 120, 180)
    assert int(torch.bincount(task.train.targets).min()) == 75
    other = load_task(TaskSettings(name="photo-patches", fold=1))
    assert not torch.equal(task.test.inputs, other.test.inputs)


def plugged_task(settings: TaskSettings) -> Task:
    if settings.argument == "broken":
        raise ZeroDivisionError("no\nway")
    return load_task("digits") if settings.argument != "odd" else "not a task"  # type: ignore[return-value]


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules.setdefault("plugged_tasks", sys.modules[__name__])
    point = EntryPoint("mine", "plugged_tasks:plugged_task", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point]).select(group=group))


@pytest.mark.usefixtures("plug_in")
def test_a_user_task_is_found_by_entry_point() -> None:
    assert task_names()[-1] == "mine"
    assert len(load_task("mine").classes) == 10
    with pytest.raises(TaskError, match=r"plugged_task failed: ZeroDivisionError: no way"):
        load_task("mine:broken")
    with pytest.raises(TaskError, match="gave a str, expected a Task"):
        load_task("mine:odd")
