"""Built-in tables whose files are missing, damaged, spoilt or of another version: one line that says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from archlock.tables import TableError, load_table
from archlock.tables.cells import CELLS_FILE
from archlock.tables.transnas import MAIN_FILE, TWINS_FILE
from archlock.tables.twins import micro_twins

Arrays = dict[str, NDArray[Any]]
Change = Callable[[Arrays], None]


@pytest.fixture
def folder(tmp_path: Path, shared_data: Path) -> Path:
    """A data folder of our own with the two image tables."""
    for file in (CELLS_FILE, MAIN_FILE, TWINS_FILE):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(shared_data / file, tmp_path / file)
    return tmp_path


def rewrite(path: Path, change: Change) -> None:
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    change(arrays)
    np.savez(path, **arrays)


def spoil(key: str, at: int, value: float) -> Change:
    return lambda arrays: arrays[key].__setitem__(at, value)


def drop(key: str) -> Change:
    return lambda arrays: arrays.__delitem__(key)


def cut(key: str) -> Change:
    return lambda arrays: arrays.update({key: arrays[key][:-1]})


FAULTS = [
    ("nasbench201", CELLS_FILE, spoil("nats_cifar10_test_200", 5, np.nan), "1 rows are NaN or infinite, the first"),
    ("nasbench201", CELLS_FILE, drop("iso_rep"), "not the nasbench201 table of this version: no array 'iso_rep'"),
    ("nasbench201", CELLS_FILE, cut("arch_ops"), r"shape \(15624, 6\), expected \(15625, 6\)"),
    ("nasbench201", CELLS_FILE, spoil("iso_rep", 0, 7), "not the smallest row of its class"),
    ("nasbench201", CELLS_FILE, spoil("arch_ops", 0, 9), "expected 0 to 4"),
    ("nasbench201", CELLS_FILE, lambda arrays: arrays["ops"].sort(), "names other operations than none, skip_connect"),
    ("nasbench201", CELLS_FILE, lambda arrays: arrays["edges"].sort(axis=0), "in another order"),
    ("transnas_micro", MAIN_FILE, spoil("jigsaw__test_top1", 4000, np.inf), "'jigsaw__test_top1': 1 rows are NaN"),
    ("transnas_micro", MAIN_FILE, lambda arrays: arrays["tasks"].sort(), "names other tasks"),
    ("transnas_micro", TWINS_FILE, cut("iso_rep"), r"shape \(4095,\), expected \(4096,\)"),
    ("transnas_macro", MAIN_FILE, spoil("primary_test", 1, "nothing"), "no array 'nothing'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "change", "message"), FAULTS, ids=[fault[3][:40] for fault in FAULTS])
def test_a_spoilt_table_is_refused(name: str, file: Path, change: Change, message: str, folder: Path) -> None:
    load_table(name, folder)
    rewrite(folder / file, change)
    with pytest.raises(TableError, match=message) as caught:
        load_table(name, folder)
    assert "archlock data get" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nasbench201", "nasbench360", "transnas_micro", "transnas_macro"])
def test_a_missing_table_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    source = name if name.startswith("nas") else "transnasbench101"
    with pytest.raises(TableError, match=f"no such file. To get it: archlock data get {source}"):
        load_table(name, tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_is_cut_off_is_refused(share: float, folder: Path) -> None:
    path = folder / CELLS_FILE
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TableError, match="not a numpy archive, or cut off"):
        load_table("nasbench201", folder)


def test_a_flipped_byte_is_noticed(folder: Path) -> None:
    path = folder / CELLS_FILE
    with np.load(path) as file:
        offset = file.zip.getinfo("nats_cifar10_test_200.npy").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 5000] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(TableError, match="'nats_cifar10_test_200' cannot be read"):
        load_table("nasbench201", folder)


def test_an_unknown_table_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no table 'nasbench-201'\. Did you mean 'nasbench201'"):
        load_table("nasbench-201", tmp_path)


def test_the_data_folder_is_the_one_named_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHLOCK_DATA", str(folder))
    assert len(load_table("transnas_micro")) == 1_948
    monkeypatch.delenv("ARCHLOCK_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "empty"))
    with pytest.raises(TableError, match=str(folder / "empty" / "archlock")):
        load_table("transnas_micro")


def test_micro_twins_are_those_that_were_published(shared_data: Path) -> None:
    with np.load(shared_data / MAIN_FILE) as main, np.load(shared_data / TWINS_FILE) as twins:
        assert np.array_equal(micro_twins(main["micro_ops"].astype(np.int64)), twins["iso_rep"])
