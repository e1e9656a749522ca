"""Each of the ten tasks from small files of the official format, written here."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat, wavfile

from archlock.errors import TaskError
from archlock.tasks.nasbench360.psicov import CAP_ANGSTROM, CHANNELS
from archlock.tasks.registry import NAS_BENCH_360, load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

RNG = np.random.default_rng(0)
TEN = tuple(name for name in NAS_BENCH_360 if not name.endswith("-generated"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that official files are read from."""
    monkeypatch.setenv("ARCHLOCK_DATA", str(tmp_path))
    (tmp_path / "nasbench360").mkdir()
    return tmp_path / "nasbench360"


def dump(path: Path, value: object) -> None:
    path.write_bytes(pickle.dumps(value, protocol=2))


def write_cifar100(root: Path) -> None:
    for name, count in (("train", 20), ("test", 5)):
        pixels = RNG.integers(0, 256, (count, 3072), dtype=np.uint8)
        dump(root / name, {b"data": pixels, b"fine_labels": [*range(count - 1), 99], b"coarse_labels": [0] * count})


def write_spherical(root: Path) -> None:
    (root / "spherical").mkdir()
    parts = {
        name: {"images": RNG.integers(0, 256, (count, 3, 60, 60), dtype=np.uint8), "labels": np.arange(count)}
        for name, count in (("train", 10), ("test", 4))
    }
    with gzip.open(root / "spherical" / "s2_cifar100.gz", "wb") as stream:
        pickle.dump(parts, stream)


def write_ninapro(root: Path) -> None:
    for part, count in (("train", 12), ("val", 4), ("test", 5)):
        np.save(root / f"ninapro_{part}.npy", RNG.normal(size=(count, 52, 16)))
        np.save(root / f"label_{part}.npy", np.arange(count) % 18)


def write_satellite(root: Path) -> None:
    for part, count in (("train", 14), ("test", 4)):
        held = {"data": RNG.normal(size=(count, 46)), "label": 1 + np.arange(count)}
        np.save(root / f"satellite_{part}.npy", held)  # type: ignore[arg-type]


def write_deepsea(root: Path) -> None:
    arrays = {}
    for part, count in (("train", 8), ("val", 3), ("test", 4)):
        arrays[f"x_{part}"] = np.eye(4, dtype=np.uint8)[RNG.integers(4, size=(count, 1000))]
        arrays[f"y_{part}"] = (np.arange(36) % count == np.arange(count)[:, None]).astype(np.uint8)
    np.savez(root / "deepsea_filtered.npz", **arrays)


def write_ecg(root: Path) -> None:
    recordings = np.empty(40, dtype=object)
    recordings[:] = [RNG.normal(size=1030 + 10 * index).astype(np.int16) * 100 for index in range(40)]
    dump(root / "challenge2017.pkl", {"data": recordings, "label": np.array(list("NAO~") * 10)})


def write_darcy(root: Path) -> None:
    for name, count in (("smooth1", 10), ("smooth2", 3)):
        coarse = RNG.random((count, 85, 85)).astype(np.float32)
        fine = np.zeros((count, 421, 421), dtype=np.float32)
        fine[:, ::5, ::5] = coarse
        held = {"coeff": np.where(fine > 0.5, 12, 3).astype(np.uint8), "sol": fine / 100}
        savemat(root / f"piececonst_r421_N1024_{name}.mat", held, do_compression=False)


def write_cosmic(root: Path) -> None:
    for name, count in (("train", 10), ("test", 3)):
        with tarfile.open(root / f"deepCR.ACS-WFC.{name}.tar", "w") as tar:
            for index in range(count):
                layers = np.zeros((3, 200, 200), dtype=np.float32)
                layers[0] = RNG.normal(size=(200, 200))
                layers[1, 70 + index] = 1
                layers[2, :70] = 1
                _add(tar, f"npy_{name}/f435w/10760/2/{index}_a.npy", layers)
            _add(tar, f"npy_{name}/f435w/10760/2/sky.npy", np.zeros(3))
            _add(tar, f"npy_{name}/f606w/10760/2/other_filter.npy", np.zeros(3))
            _add(tar, f"npy_{name}/f435w/9978/5e/no_galaxy.npy", np.zeros(3))


def _add(tar: tarfile.TarFile, name: str, array: np.ndarray) -> None:
    stream = io.BytesIO()
    np.save(stream, array)
    member = tarfile.TarInfo(name)
    member.size = stream.tell()
    stream.seek(0)
    tar.addfile(member, stream)


def write_psicov(root: Path) -> None:
    with zipfile.ZipFile(root / "protein.zip", "w") as archive:
        for name, lengths in (("deepcov", [30, 40, 135, 28]), ("psicov", [40, 140])):
            archive.writestr(f"{name}.lst", "".join(f"p{index} {length}\n" for index, length in enumerate(lengths)))
            for index, length in enumerate(lengths):
                archive.writestr(f"{name}/features/p{index}.pkl", pickle.dumps(protein_features(length)))
                held = np.empty(3, dtype=object)
                held[:] = [length, "A" * length, chain_distances(length)]
                stream = io.BytesIO()
                np.save(stream, held)
                archive.writestr(f"{name}/distance/p{index}-cb.npy", stream.getvalue())


def protein_features(length: int) -> dict[str, object]:
    maps = {name: RNG.random((length, length)) for name in ("ccmpred", "freecon", "potential")}
    single = {"sa": RNG.random(length), "entropy": RNG.random(length)}
    return {"seq": "A" * length, "ss": RNG.random((3, length)), "pssm": RNG.random((length, 22)), **single, **maps}


def chain_distances(length: int) -> np.ndarray:
    """A ring: the ends of the chain are near each other again."""
    angle = 2 * np.pi * np.arange(length) / length
    return 10 * np.hypot(np.cos(angle)[:, None] - np.cos(angle), np.sin(angle)[:, None] - np.sin(angle))


def write_fsd50k(root: Path) -> None:
    with zipfile.ZipFile(root / "audio.zip", "w") as archive:
        archive.writestr("chunks/lbl_map.json", json.dumps({"Bark": 0, "Rain": 1, "Song": 2}))
        for manifest, clips in (("tr", 6), ("val", 3), ("eval", 4)):
            table = io.StringIO()
            rows = csv.writer(table)
            rows.writerow(["files", "labels", "ext"])
            for clip in range(clips):
                for chunk in range(2):
                    rows.writerow(
                        [f"/home/somebody/{manifest}/{clip}_{chunk}.wav", ["Bark", "Rain,Song"][clip % 2], clip]
                    )
                    stream = io.BytesIO()
                    wavfile.write(stream, 22_050, (RNG.normal(size=22_050 - 50 * chunk) * 3000).astype(np.int16))
                    archive.writestr(f"chunks/{manifest}/{clip}_{chunk}.wav", stream.getvalue())
            archive.writestr(f"chunks/{manifest}.csv", table.getvalue())


WRITERS: dict[str, Callable[[Path], None]] = {
    "nb360:cifar100": write_cifar100,
    "nb360:spherical": write_spherical,
    "nb360:ninapro": write_ninapro,
    "nb360:fsd50k": write_fsd50k,
    "nb360:darcy": write_darcy,
    "nb360:psicov": write_psicov,
    "nb360:cosmic": write_cosmic,
    "nb360:ecg": write_ecg,
    "nb360:satellite": write_satellite,
    "nb360:deepsea": write_deepsea,
}
EXPECTED = {
    "nb360:cifar100": (TaskKind.CLASSIFICATION, (3, 32, 32), 100, (16, 4, 5), "accuracy"),
    "nb360:spherical": (TaskKind.CLASSIFICATION, (3, 60, 60), 100, (8, 2, 4), "accuracy"),
    "nb360:ninapro": (TaskKind.CLASSIFICATION, (1, 16, 52), 18, (12, 4, 5), "accuracy"),
    "nb360:fsd50k": (TaskKind.MULTILABEL, (1, 96, 101), 3, (6, 6, 8), "mAP"),
    "nb360:darcy": (TaskKind.DENSE, (1, 85, 85), 1, (9, 1, 3), "1 - relative L2 error"),
    "nb360:psicov": (TaskKind.DENSE, (57, 128, 128), 1, (2, 2, 5), "1 - MAE8 / 8 angstrom"),
    "nb360:cosmic": (TaskKind.DENSE, (1, 128, 128), 1, (9, 1, 3), "pixel AUROC"),
    "nb360:ecg": (TaskKind.CLASSIFICATION, (1, 32, 32), 4, None, "macro F1"),
    "nb360:satellite": (TaskKind.CLASSIFICATION, (1, 32, 32), 24, (10, 4, 4), "accuracy"),
    "nb360:deepsea": (TaskKind.MULTILABEL, (4, 32, 32), 36, (8, 3, 4), "AUROC"),
}


def test_the_tables_here_name_all_ten() -> None:
    assert set(TEN) == set(WRITERS) == set(EXPECTED)


@pytest.mark.parametrize("name", TEN)
def test_official_files_become_the_published_task(root: Path, name: str) -> None:
    WRITERS[name](root)
    task = load_task(name)
    kind, shape, outputs, sizes, metric = EXPECTED[name]
    assert (task.kind, task.io.input_shape, task.io.outputs, task.metric_name) == (kind, shape, outputs, metric)
    if sizes is not None:
        assert (len(task.train), len(task.validation), len(task.test)) == sizes
    assert task.name == name
    assert "official" in task.note
    small = torch.zeros(len(task.test), *output_shape(task))
    assert torch.isfinite(task.loss(small, task.test.targets))
    assert task.metric(perfect(task), task.test.targets, task.test.groups) == pytest.approx(1.0, abs=1e-5)


def output_shape(task: Task) -> tuple[int, ...]:
    dense = (task.io.outputs, task.io.height, task.io.width)
    return dense if task.kind is TaskKind.DENSE else (task.io.outputs,)


def perfect(task: Task) -> torch.Tensor:
    targets = task.test.targets
    if task.kind is TaskKind.CLASSIFICATION:
        return torch.nn.functional.one_hot(targets, task.io.outputs).double()
    return targets.double()


@pytest.mark.parametrize("name", TEN)
def test_a_missing_file_says_which_where_from_and_where_to(root: Path, name: str) -> None:
    with pytest.raises(TaskError, match=rf"^{name}: file '[\w.-]+' is missing\. Get it from https://\S+") as caught:
        load_task(name)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TEN)
def test_damaged_files_are_one_clear_line(root: Path, name: str) -> None:
    WRITERS[name](root)
    for path in root.rglob("*.*" if name != "nb360:cifar100" else "*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3] if path.suffix != ".zip" else b"PK")
    with pytest.raises(TaskError, match=rf"^{name}: ") as caught:
        load_task(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("nb360:ecg", (1, 1, 1000)),
        ("nb360:satellite", (1, 1, 46)),
        ("nb360:deepsea", (4, 1, 1000)),
        ("nb360:fsd50k", (1, 1, 22_050)),
    ],
)
def test_signals_can_be_seen_as_one_row(root: Path, name: str, shape: tuple[int, int, int]) -> None:
    WRITERS[name](root)
    assert load_task(TaskSettings(name=name, view="row")).io.input_shape == shape


def test_cifar_binary_and_python_versions_agree(root: Path) -> None:
    write_cifar100(root)
    python = load_task("nb360:cifar100")
    for part in ("train", "test"):
        held = pickle.loads((root / part).read_bytes())
        labels = np.array([held[b"coarse_labels"], held[b"fine_labels"]], dtype=np.uint8).T
        (root / f"{part}.bin").write_bytes(np.concatenate([labels, held[b"data"]], axis=1).tobytes())
        (root / part).unlink()
    binary = load_task("nb360:cifar100")
    assert torch.equal(binary.train.inputs, python.train.inputs)
    assert torch.equal(binary.test.targets, python.test.targets)


def test_changed_files_are_read_again(root: Path) -> None:
    write_ninapro(root)
    before = load_task("nb360:ninapro")
    np.save(root / "label_test.npy", np.full(5, 17))
    assert load_task("nb360:ninapro").test.targets.tolist() == [17] * 5
    assert before.test.targets.tolist() != [17] * 5


def test_a_share_of_the_samples_keeps_the_parts_apart(root: Path) -> None:
    for part, count in (("train", 200), ("val", 50), ("test", 50)):
        np.save(root / f"ninapro_{part}.npy", RNG.normal(size=(count, 52, 16)))
        np.save(root / f"label_{part}.npy", np.arange(count) % 18)
    task = load_task(TaskSettings(name="nb360:ninapro", samples=60))
    assert (len(task.train), len(task.validation), len(task.test)) == (40, 10, 10)
    other = load_task(TaskSettings(name="nb360:ninapro", samples=60, seed=1))
    assert not torch.equal(task.train.targets, other.train.targets)


def test_ecg_windows_stay_with_their_recordings_part(root: Path) -> None:
    write_ecg(root)
    task = load_task("nb360:ecg")
    groups = [set(part.groups.tolist()) for part in (task.train, task.validation, task.test) if part.groups is not None]
    assert [len(group) for group in groups] == [32, 4, 4]
    assert len(set.union(*groups)) == 40
    assert task.train.groups is not None
    for recording in groups[0]:
        assert set(task.train.targets[task.train.groups == recording].tolist()) == {recording % 4}


def test_cosmic_ignores_what_the_file_says_and_reads_galaxies_only(root: Path) -> None:
    write_cosmic(root)
    targets = load_task("nb360:cosmic").test.targets
    assert set(targets[:, :, : 70 - 64].unique().tolist()) == {-1.0}
    assert set(targets[:, :, 70 - 64 :].unique().tolist()) == {0.0, 1.0}


def test_psicov_judges_long_range_pairs_in_windows_of_one_map(root: Path) -> None:
    write_psicov(root)
    task = load_task("nb360:psicov")
    assert task.test.groups is not None
    assert task.test.groups.tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]]
    place = torch.arange(128)
    near = (place[:, None] - place).abs() < 24
    diagonal = task.test.targets[task.test.groups[:, 1] == task.test.groups[:, 2]]
    assert set(diagonal[:, :, near].unique().tolist()) == {CAP_ANGSTROM}
    assert float(task.train.targets.min()) < 8 < float(task.train.targets.max()) <= CAP_ANGSTROM
    assert CHANNELS == 57
    joined = torch.cat([torch.cat([task.test.targets[1, 0], task.test.targets[2, 0]], dim=1)])
    turned = torch.cat([task.test.targets[1, 0], task.test.targets[3, 0]], dim=0)
    assert torch.equal(joined, turned.T)


def test_files_are_found_in_the_benchmarks_own_folders_too(root: Path) -> None:
    (root / "ninapro").mkdir()
    write_ninapro(root / "ninapro")
    assert len(load_task("nb360:ninapro").test) == 5


def test_matlab_7_3_needs_h5py(root: Path) -> None:
    try:
        import h5py  # noqa: F401
    except ImportError:
        for name in ("smooth1", "smooth2"):
            (root / f"piececonst_r421_N1024_{name}.mat").write_bytes(b"MATLAB 7.3 MAT-file" + bytes(500))
        with pytest.raises(TaskError, match="read with h5py; pip install"):
            load_task("nb360:darcy")
    else:
        pytest.skip("h5py is installed: read in the next test")


def test_matlab_7_3_is_read_as_version_5_is(root: Path) -> None:
    h5py = pytest.importorskip("h5py")
    write_darcy(root)
    old = load_task("nb360:darcy")
    from scipy.io import loadmat

    for path in root.glob("*.mat"):
        held = loadmat(path)
        path.unlink()
        with h5py.File(path, "w", userblock_size=512) as target:
            for key in ("coeff", "sol"):
                target[key] = held[key].transpose()
        with path.open("r+b") as stream:
            stream.write(b"MATLAB 7.3 MAT-file")
    assert torch.equal(load_task("nb360:darcy").test.inputs, old.test.inputs)
