"""``npz:PATH``: what is read, and one clear line for everything that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlock.errors import TaskError
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import TaskKind

Arrays = dict[str, np.ndarray]
Save = Callable[..., str]


def test_a_valid_file_keeps_its_own_test_part(arrays: Arrays, save: Save) -> None:
    task = load_task(save(arrays))
    assert task.io.input_shape == (3, 9, 7)
    assert task.classes == ("cat", "dog", "owl")
    assert (len(task.train), len(task.validation), len(task.test)) == (48, 12, 15)
    assert task.test.targets.tolist() == arrays["y_test"].tolist()


def test_folds_turn_the_validation_part_and_leave_the_test_part(arrays: Arrays, save: Save) -> None:
    name = save(arrays)
    folds = [load_task(TaskSettings(name=name, fold=fold)) for fold in range(5)]
    assert sum(len(task.validation) for task in folds) == 60
    assert all(torch.equal(task.test.targets, folds[0].test.targets) for task in folds)


def test_a_changed_file_is_read_again(arrays: Arrays, save: Save) -> None:
    assert load_task(save(arrays)).classes[0] == "cat"
    assert load_task(save(arrays | {"classes": np.array(["lynx", "dog", "owl"])})).classes[0] == "lynx"


def test_grey_float_pictures_multilabel_and_regression(arrays: Arrays, save: Save) -> None:
    grey = {key: arrays[key].mean(axis=-1) for key in ("x_train", "x_test")}
    rng = np.random.default_rng(0)
    many = {"y_train": rng.integers(0, 2, (60, 3)), "y_test": rng.integers(0, 2, (15, 3))}
    task = load_task(save(arrays | grey | many))
    assert (task.kind, task.io.input_shape) == (TaskKind.MULTILABEL, (1, 9, 7))
    real = {"y_train": rng.normal(size=60), "y_test": rng.normal(size=15), "classes": np.array([])}
    assert load_task(save(arrays | real)).kind is TaskKind.REGRESSION


def changed(arrays: Arrays, key: str, index: object, value: float) -> Arrays:
    copy = arrays[key].astype(float if isinstance(value, float) else arrays[key].dtype)
    copy[index] = value
    return arrays | {key: copy}


FAULTS: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "missing key": (lambda a: {key: a[key] for key in a if key != "y_test"}, "'y_test' is missing"),
    "misspelt key": (lambda a: {**{key: a[key] for key in a if key != "classes"}, "clases": a["classes"]}, "'clases'"),
    "label too high": (lambda a: changed(a, "y_train", 3, 3), "run from 0 to 3, expected 0 to 2"),
    "label negative": (lambda a: changed(a, "y_test", 0, -1), "run from -1 to 2"),
    "float labels": (lambda a: a | {"y_train": a["y_train"] + 0.5}, "integer class indices"),
    "rare class": (lambda a: a | {"y_train": np.array([0, 1] * 29 + [0, 2])}, "'owl' has 1 samples, at least 2"),
    "NaN": (
        lambda a: changed(a | {"x_test": a["x_test"] * 1.0}, "x_train", (5, 0, 0, 0), np.nan),
        "x_train: holds NaN",
    ),
    "objects": (lambda a: a | {"x_train": np.array([{}] * 60, dtype=object)}, "Python objects"),
    "flat pictures": (lambda a: a | {"x_train": a["x_train"].reshape(60, -1)}, r"shape \(60, 189\)"),
    "other size": (lambda a: a | {"x_test": a["x_test"][:, :5]}, "differ in shape"),
    "other type": (lambda a: a | {"x_test": a["x_test"] / 255}, "x_train is uint8 and x_test is float64"),
    "text pictures": (lambda a: a | {"x_train": a["x_train"].astype(str)}, "expected uint8 or float"),
    "too few labels": (lambda a: a | {"y_train": a["y_train"][:-1]}, "expected 60 targets"),
    "no pictures": (lambda a: a | {"x_train": a["x_train"][:0], "y_train": a["y_train"][:0]}, "shape"),
    "one class": (lambda a: a | {"classes": np.array(["cat"])}, "two or more"),
    "double class": (lambda a: a | {"classes": np.array(["cat", "cat", "owl"])}, "different names"),
    "wide multilabel": (lambda a: a | {"y_train": np.zeros((60, 4), int)}, "0 or 1 for each of 3 labels"),
    "mixed targets": (lambda a: a | {"y_train": np.zeros((60, 3), int)}, "y_train and y_test differ"),
    "NaN target": (lambda a: a | {"y_train": np.full(60, np.nan), "classes": np.array([])}, "NaN"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_names_it(fault: str, arrays: Arrays, save: Save) -> None:
    break_it, message = FAULTS[fault]
    with pytest.raises(TaskError, match=message) as caught:
        load_task(save(break_it(arrays)))
    assert "\n" not in str(caught.value)
    assert "npz:" in str(caught.value)


def test_a_missing_file_and_one_that_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no such file"):
        load_task(f"npz:{tmp_path / 'none.npz'}")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(TaskError, match=r"not a \.npz archive"):
        load_task(f"npz:{tmp_path / 'one.npy'}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_gives_anything_but_a_task_error(
    data: st.DataObject, arrays: Arrays, save: Save, tmp_path: Path
) -> None:
    save(arrays)
    content = bytearray((tmp_path / "task.npz").read_bytes())
    content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 20)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "broken.npz").write_bytes(content)
    try:
        load_task(f"npz:{tmp_path / 'broken.npz'}")
    except TaskError as error:
        assert "\n" not in str(error)  # noqa: PT017
