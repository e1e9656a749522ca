"""What every generated family promises: determinism, balance, learnability, and that harder is harder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier

from archlock.tasks.registry import GENERATED, load_task
from archlock.tasks.resample import LUMINANCE
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

CLASSIFIED = tuple(name for name in GENERATED if name not in ("darcy", "presence"))


def family(name: str, **settings: object) -> Task:
    return load_task(TaskSettings.model_validate({"name": name, "samples": 300, **settings}))


def everything(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    parts = (task.train, task.validation, task.test)
    return torch.cat([part.inputs for part in parts]), torch.cat([part.targets for part in parts])


@pytest.mark.parametrize("name", GENERATED)
def test_same_settings_give_the_same_samples_and_another_seed_gives_others(name: str) -> None:
    settings = TaskSettings(name=name, samples=90)
    load_task.__globals__["_load"].cache_clear()
    first = load_task(settings)
    load_task.__globals__["_load"].cache_clear()
    again, other = load_task(settings), load_task(settings.model_copy(update={"seed": 1}))
    assert again is not first
    assert torch.equal(first.train.inputs, again.train.inputs)
    assert torch.equal(first.test.targets, again.test.targets)
    assert not torch.equal(first.train.inputs, other.train.inputs)


@pytest.mark.parametrize("name", GENERATED)
def test_shapes_and_parts(name: str) -> None:
    task = family(name)
    inputs, _ = everything(task)
    assert (len(task.train), len(task.validation), len(task.test)) == (200, 40, 60)
    assert inputs.dtype == torch.float32
    assert task.io.channels in (1, 3)
    assert min(task.io.height, task.io.width) >= 24
    assert len(inputs.flatten(1).unique(dim=0)) == 300, "parts share a sample"
    assert task.name == f"{name}(samples=300)"
    assert task.note


@pytest.mark.parametrize("name", GENERATED)
def test_inputs_are_scaled_by_the_training_part(name: str) -> None:
    inputs = family(name).train.inputs
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-4)
    assert float(inputs.std(correction=0)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", CLASSIFIED)
def test_every_part_holds_every_class_evenly(name: str) -> None:
    task = family(name)
    for part in (task.train, task.validation, task.test):
        counts = torch.bincount(part.targets, minlength=task.io.outputs)
        assert int(counts.min()) >= 1
        assert int(counts.max() - counts.min()) <= 2


def skill(name: str, difficulty: float) -> float:
    """Score above chance, up to 1, of a quick model."""
    task = family(name, samples=480, difficulty=difficulty)
    train, test = features(task, task.train.inputs), features(task, task.test.inputs)
    if task.kind is TaskKind.DENSE:
        targets = task.train.targets.flatten(1)
        shape = task.test.targets.shape
        predicted = torch.tensor(Ridge(300.0).fit(train, targets).predict(test), dtype=torch.float32).reshape(shape)
        constant = targets.mean(dim=0).expand(len(test), -1).reshape(shape)
        return task.metric(predicted, task.test.targets) - task.metric(constant, task.test.targets)
    model = ExtraTreesClassifier(40, random_state=0)
    if task.kind is TaskKind.MULTILABEL:
        right = model.fit(train, task.train.targets).predict(test) == task.test.targets.numpy()
        usual = (task.train.targets.mean(dim=0) > 0.5).float() == task.test.targets
        return float(right.mean() - usual.float().mean())
    chance = 1 / task.io.outputs
    return float((model.fit(train, task.train.targets).score(test, task.test.targets) - chance) / (1 - chance))


def features(task: Task, inputs: torch.Tensor) -> np.ndarray:
    """Amplitude spectrum, quantiles of pixels, and the picture at 8x8: little of it cares where things are."""
    pixels = inputs.numpy()
    if task.kind is TaskKind.DENSE:
        return pixels.reshape(len(pixels), -1)
    spectrum = np.log(np.abs(np.fft.fft2(pixels.mean(axis=1)))[:, :13] + 1e-3).reshape(len(pixels), -1)
    small = torch.nn.functional.interpolate(inputs, size=(8, 8), mode="area").numpy()
    ordered = np.sort(pixels.reshape(*pixels.shape[:2], -1), axis=2)[:, :, ::48].reshape(len(pixels), -1)
    return np.concatenate([spectrum, ordered, small.reshape(len(pixels), -1)], axis=1)


@pytest.mark.parametrize("name", GENERATED)
def test_a_quick_model_is_above_chance_and_harder_is_harder(name: str) -> None:
    easy, hard = skill(name, 0.1), skill(name, 1.0)
    assert easy > 0.04, "hopeless where it should be easy"
    assert hard < easy, "difficulty changes nothing"


def test_darcy_difficulty_moves_the_pressure_away_from_its_mean() -> None:
    def spread(difficulty: float) -> float:
        targets = family("darcy", difficulty=difficulty).train.targets
        return float((targets - targets.mean(dim=0)).norm() / targets.norm())

    assert spread(0.1) < spread(1.0)


def test_luminance_says_nothing_of_the_colour_but_chroma_does() -> None:
    task = family("colours", samples=900, difficulty=0.1)
    weights = torch.tensor(LUMINANCE).view(1, 3, 1, 1)

    def middle(inputs: torch.Tensor, grey: bool) -> np.ndarray:
        blurred = gaussian_filter(inputs.numpy(), sigma=(0, 0, 2, 2))
        seen = (torch.tensor(blurred) * weights).sum(dim=1, keepdim=True) if grey else torch.tensor(blurred)
        return seen[:, :, 10:14, 10:14].mean(dim=(2, 3)).numpy()

    def accuracy(grey: bool) -> float:
        model = KNeighborsClassifier(9).fit(middle(task.train.inputs, grey), task.train.targets)
        return float(model.score(middle(task.test.inputs, grey), task.test.targets))

    assert accuracy(grey=True) < 0.25
    assert accuracy(grey=False) > 0.5


def test_counting_cannot_be_solved_by_the_amount_of_ink() -> None:
    task = family("counting", samples=900, difficulty=0.1)
    ink = task.train.inputs.mean(dim=(1, 2, 3)).numpy()
    assert np.corrcoef(ink, task.train.targets.numpy())[0, 1] < 0.9


def test_fine_gratings_are_lost_at_eight_pixels() -> None:
    task = family("textures", difficulty=0.0)
    fine = torch.tensor(["fine" in name for name in task.classes])[task.train.targets]
    small = torch.nn.functional.interpolate(task.train.inputs, size=(8, 8), mode="area")
    assert float(small[fine].std()) < 0.6 * float(small[~fine].std())


def test_presence_labels_are_neither_rare_nor_usual() -> None:
    _, targets = everything(family("presence"))
    assert set(targets.unique().tolist()) == {0.0, 1.0}
    assert float(targets.mean(dim=0).min()) > 0.2
    assert float(targets.mean(dim=0).max()) < 0.7
    assert int(targets.sum(dim=1).min()) >= 1


def test_pictures_differ_within_a_class() -> None:
    task = family("glyphs", difficulty=0.0)
    one = task.train.inputs[task.train.targets == 0].flatten(1).numpy()
    assert PCA(5).fit(one).explained_variance_[-1] > 1e-3
