"""``folder:PATH``: one subfolder per class, pictures of any size, corrupt ones named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archlock.errors import TaskError
from archlock.tasks.registry import load_task


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten 12x10 colour pictures in each of two folders; cats are bright, dogs are dark."""
    rng = np.random.default_rng(0)
    for name, level in (("cat", 200), ("dog", 20)):
        (tmp_path / name).mkdir()
        for index in range(10):
            pixels = rng.integers(level, level + 40, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    return tmp_path


def test_a_folder_of_pictures_is_a_task(pictures: Path) -> None:
    task = load_task(f"folder:{pictures}")
    assert task.classes == ("cat", "dog")
    assert task.io.input_shape == (3, 10, 12)
    assert len(task.train) + len(task.validation) + len(task.test) == 20
    bright = task.test.inputs.mean(dim=(1, 2, 3)) > 0
    assert bright.tolist() == (task.test.targets == 0).tolist()


def test_odd_sizes_are_resampled_and_counted(pictures: Path) -> None:
    Image.new("RGB", (37, 5), (210, 210, 210)).save(pictures / "cat" / "odd.jpg")
    Image.new("L", (3, 90), 210).save(pictures / "cat" / "grey.png")
    task = load_task(f"folder:{pictures}")
    assert task.io.input_shape == (3, 10, 12)
    assert "2 resampled to 12x10" in task.note


def test_grey_pictures_stay_grey(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(10):
            Image.new("L", (8, 8), 10 * index).save(tmp_path / name / f"{index}.png")
    assert load_task(f"folder:{tmp_path}").io.channels == 1


def test_a_corrupt_picture_is_named(pictures: Path) -> None:
    whole = (pictures / "dog" / "3.png").read_bytes()
    (pictures / "dog" / "3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaskError, match=r"dog/3\.png: not a readable picture"):
        load_task(f"folder:{pictures}")
    (pictures / "dog" / "3.png").write_bytes(b"hello")
    with pytest.raises(TaskError, match=r"dog/3\.png: not a readable picture"):
        load_task(f"folder:{pictures}")


def test_faults_of_the_folder_are_one_line(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no such folder"):
        load_task(f"folder:{tmp_path / 'none'}")
    (pictures / "eel").mkdir()
    with pytest.raises(TaskError, match="class 'eel' has no pictures"):
        load_task(f"folder:{pictures}")
    (pictures / "eel" / "0.png").write_bytes((pictures / "cat" / "0.png").read_bytes())
    with pytest.raises(TaskError, match="class 'eel' has 1 samples, at least 5"):
        load_task(f"folder:{pictures}")


def test_one_class_is_no_task(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "0.png").write_bytes(b"")
    with pytest.raises(TaskError, match="two or more classes"):
        load_task(f"folder:{tmp_path}")
