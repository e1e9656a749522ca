"""Darcy flow at the published size, and pictures on a sphere."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import TaskError
from archlock.tasks.describe import list_tasks
from archlock.tasks.families.darcy import solve_darcy
from archlock.tasks.nasbench360.generated import published_fields
from archlock.tasks.nasbench360.mel import BANDS, FRAMES, RATE_HZ, log_mel, mel_filters
from archlock.tasks.nasbench360.signals import seen_as, standardised
from archlock.tasks.nasbench360.sphere import driscoll_healy_grid, on_sphere, places_in_picture, random_rotations
from archlock.tasks.registry import NAS_BENCH_360, load_task
from archlock.tasks.resample import fit_to
from archlock.tasks.settings import TaskSettings

STRAIGHT = np.eye(3)[None]


def test_darcy_is_solved_at_the_published_size_and_scored_as_published() -> None:
    task = load_task(TaskSettings(name="nb360:darcy-generated", samples=60))
    assert task.io.input_shape == (1, 85, 85)
    assert (len(task.train), len(task.validation), len(task.test)) == (50, 5, 5)
    assert task.metric_name == "1 - relative L2 error"
    mean = task.train.targets.mean(dim=0, keepdim=True).expand_as(task.test.targets)
    assert 0.3 < task.metric(mean, task.test.targets) < 0.95
    assert float(task.train.targets.square().mean()) == pytest.approx(1, abs=1e-4)
    assert fit_to(task, (1, 24, 24)).measure is task.measure


def test_the_published_field_has_two_phases_of_the_published_covariance() -> None:
    rng = np.random.default_rng(0)
    field = published_fields(rng, 400, 24, 4.0)
    assert sorted(np.unique(field).round(9)) == [3.0, 12.0]
    signs = np.sign(field - 6)
    # Long-wave: neighbours agree, and the far corner of the square disagrees more often than not.
    assert float((signs[:, 12, 12] == signs[:, 12, 13]).mean()) > 0.85
    assert float((signs[:, 0, 0] * signs[:, -1, -1]).mean()) < 0


def test_the_grid_of_the_published_size_converges_to_that_of_twice_the_size() -> None:
    rough = np.repeat(np.repeat(published_fields(np.random.default_rng(1), 1, 17, 4.0), 5, axis=1), 5, axis=2)
    coarse, fine = solve_darcy(rough)[0], solve_darcy(np.repeat(np.repeat(rough, 2, axis=1), 2, axis=2))[0]
    averaged = fine.reshape(85, 2, 85, 2).mean(axis=(1, 3))
    assert np.linalg.norm(coarse - averaged) < 0.01 * np.linalg.norm(averaged)


def test_the_grid_lies_on_the_sphere_and_the_south_pole_in_the_middle_of_the_picture() -> None:
    grid = driscoll_healy_grid(30)
    assert grid.shape == (3, 60, 60)
    assert np.allclose((grid**2).sum(axis=0), 1)
    assert grid[2, 0].tolist() == [1] * 60
    south = places_in_picture(np.array([0.0, 0.0, -1.0]).reshape(3, 1, 1))
    assert np.abs(south).max() < 1e-12
    equator = places_in_picture(np.array([1.0, 0.0, 0.0]).reshape(3, 1, 1))
    assert equator[0, 0, 0] == pytest.approx(2 / 1.5, rel=1e-2)


def test_rays_meet_the_plane_on_the_line_from_the_origin() -> None:
    points = random_rotations(np.random.default_rng(0), 50, 1.0)[:, :, :1, None]
    flat = places_in_picture(points)[:, 0, 0] * 1.5
    origin = np.array([0, 0, 2.001])
    surface = points[:, :, 0, 0] + [0, 0, 1]
    plane = np.concatenate([flat, np.zeros((50, 1))], axis=1)
    assert np.allclose(np.cross(surface - origin, plane - origin), 0, atol=1e-7)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_a_turn_about_the_poles_moves_columns_and_nothing_else(seed: int) -> None:
    picture = torch.rand(1, 2, 12, 12, generator=torch.Generator().manual_seed(seed))
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])[None]
    still, turned = on_sphere(picture, STRAIGHT), on_sphere(picture, quarter)
    assert torch.allclose(turned, still.roll(-15, dims=3), atol=1e-5)
    assert torch.allclose(on_sphere(torch.rot90(picture, 1, (2, 3)), quarter), still, atol=1e-5)


def test_rotations_are_proper_uniform_and_scaled() -> None:
    rotations = random_rotations(np.random.default_rng(0), 4000, 1.0)
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(rotations), 1)
    assert np.abs(rotations.mean(axis=0)).max() < 0.05
    assert np.allclose(random_rotations(np.random.default_rng(0), 5, 0.0), np.eye(3))


def test_spherical_digits_keep_parts_labels_and_shape() -> None:
    task = load_task(TaskSettings(name="nb360:spherical-generated", samples=90))
    digits = load_task("digits")
    assert (task.io.input_shape, task.classes) == ((1, 60, 60), digits.classes)
    assert len(task.train) + len(task.validation) + len(task.test) == pytest.approx(90, abs=1)
    again = load_task(TaskSettings(name="nb360:spherical-generated", samples=90, difficulty=0.0))
    assert torch.equal(task.train.targets, again.train.targets)
    # Without a rotation the northern half stays black in every picture; with one it does not.
    north = [part.train.inputs[:, :, :15].std() for part in (again, task)]
    assert float(north[0]) < 1e-4 < float(north[1])


def test_spherical_projects_a_users_pictures_and_refuses_what_has_no_classes(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    path = f"{tmp_path}/set.npz"
    pictures = {"x_train": rng.random((30, 8, 8, 3)), "x_test": rng.random((6, 8, 8, 3))}
    labels = {"y_train": np.arange(30) % 2, "y_test": np.arange(6) % 2, "classes": np.array(["a", "b"])}
    np.savez(path, **pictures, **labels)
    task = load_task(f"nb360:spherical-generated:npz:{path}")
    assert (task.io.input_shape, task.classes, len(task.test)) == ((3, 60, 60), ("a", "b"), 6)
    np.savez(path, **pictures, **{**labels, "classes": np.array(["c", "d"])})
    assert load_task(f"nb360:spherical-generated:npz:{path}").classes == ("c", "d"), "a changed file is read again"
    with pytest.raises(TaskError, match="darcy is a dense task"):
        load_task("nb360:spherical-generated:darcy")
    with pytest.raises(TaskError, match="no such file"):
        load_task("nb360:spherical-generated:npz:nowhere.npz")


def test_a_tone_is_loudest_in_its_own_mel_band() -> None:
    filters = mel_filters()
    assert tuple(filters.shape) == (BANDS, 961)
    seconds = np.arange(RATE_HZ) / RATE_HZ
    for hertz in (440.0, 3000.0):
        picture = log_mel(np.sin(2 * np.pi * hertz * seconds)[None].astype(np.float32))
        assert picture.shape == (1, BANDS, FRAMES)
        assert abs(float(picture.mean())) < 1e-3
        expected = 2595 * np.log10(1 + hertz / 700) / (2595 * np.log10(1 + RATE_HZ / 2 / 700)) * (BANDS + 1) - 1
        assert abs(float(picture[0].mean(axis=1).argmax()) - expected) <= 1


def test_a_picture_of_a_signal_shows_its_frequency_and_rows_are_untouched() -> None:
    steps = np.arange(1000)
    slow, fast = (np.sin(2 * np.pi * steps * rate) for rate in (0.01, 0.2))
    signals = np.stack([slow, fast])[None]
    assert np.array_equal(seen_as(signals, "row")[0, :, 0], signals[0].astype(np.float32))
    picture = seen_as(signals, "picture")
    scales = np.geomspace(3 / 1000, 0.375, 32)
    loudest = picture[0, :, :, 8:24].mean(axis=2).argmax(axis=1)
    assert scales[loudest].tolist() == pytest.approx([0.01, 0.2], rel=0.1)
    assert standardised(np.array([[1, 1, 1], [0, 2, 4]])).tolist()[0] == [0, 0, 0]


def test_names_are_listed_suggested_and_need_no_heavy_package() -> None:
    rows = {row.name: row for row in list_tasks()}
    assert set(NAS_BENCH_360) <= set(rows)
    assert rows["nb360:darcy-generated"].origin == "generated"
    assert {rows[name].origin for name in NAS_BENCH_360 if not name.endswith("-generated")} == {"file"}
    with pytest.raises(TaskError, match="Did you mean 'nb360:ninapro'"):
        load_task("nb360:ninpro")
    modules = json.dumps([place.partition(":")[0] for place in NAS_BENCH_360.values()])
    code = f"import sys, json, importlib; [importlib.import_module(m) for m in {modules}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sklearn", "h5py", "scipy.io", "scipy.stats", "scipy.spatial"} & set(loaded)
