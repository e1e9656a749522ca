"""What an audit is of is fixed when it begins: time, versions, and the bytes of its model and data."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event

import audited_models as models
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from archlock.attacks import attack
from archlock.auditing import subject
from archlock.auditing.budgets import BUDGETS
from archlock.auditing.record import AuditRecord
from archlock.auditing.subject import ModelSource, digest_of_parts
from archlock.auditing.units import Case, quick_look
from archlock.audits import audit
from archlock.errors import InterruptedRunError, ModelError, RunFolderError, TaskError
from archlock.runs import SilentProgress
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings

SHAPE = (3, 12, 12)
PROBED = replace(BUDGETS["quick"], steps=2, samples=40)
TARGET = TaskSettings(name="textures", samples=60)


class At(SilentProgress):
    """Does something once a stage begins, and keeps the stages."""

    def __init__(self, stage: str = "", act: Callable[[], object] = lambda: None) -> None:
        self.stage, self.act = stage, act
        self.seen: list[str] = []

    def start(self, stage: str, total: int, done: int = 0) -> None:
        self.seen.append(stage)
        if stage == self.stage:
            self.act()


def data(path: Path, seed: int) -> str:
    """A target of random pictures in a file, as a task is named."""
    rng = np.random.default_rng(seed)
    np.savez(path, x_train=rng.random((60, 12, 12, 3), dtype=np.float32), y_train=np.arange(60) % 3,
             x_test=rng.random((30, 12, 12, 3), dtype=np.float32), y_test=np.arange(30) % 3,
             classes=np.array(["a", "b", "c"]))  # fmt: skip
    return f"npz:{path}"


def audited(out: Path | None, targets: list[TaskSettings | str], progress: At | None = None) -> AuditRecord:
    return audit(
        models.good(), source="digits", targets=targets, budget=PROBED, input_shape=SHAPE, out=out,
        progress=progress or At(),
    )  # fmt: skip


def stopped(out: Path, targets: list[TaskSettings | str]) -> None:
    """An audit that was cancelled before its quick look."""
    cancel = Event()
    with pytest.raises(InterruptedRunError):
        audit(
            models.good(), source="digits", targets=targets, budget=PROBED, input_shape=SHAPE, out=out,
            progress=At("quick look", cancel.set), cancel=cancel,
        )  # fmt: skip


def test_the_manifest_says_at_the_start_what_the_audit_is_of(tmp_path: Path) -> None:
    stopped(tmp_path / "a", [TARGET])
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    record = audited(tmp_path / "a", [TARGET])
    began = manifest["settings"]["audit"]
    assert began["data"] == {task.task: task.sha256 for task in record.tasks}
    assert began["model"] == record.model.sha256
    assert record.versions == manifest["versions"]
    assert record.created_at == manifest["created_at"]


def test_an_audit_that_has_ended_is_neither_computed_nor_dated_anew(tmp_path: Path) -> None:
    out = tmp_path / "a"
    record = audited(out, [TARGET])
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".json", ".html")}
    again = At()
    assert audited(out, [TARGET], again) == record
    assert again.seen == []
    assert {name: (out / name).read_bytes() for name in before} == before
    (out / "report.json").unlink()
    assert audited(out, [TARGET]) == record  # from the units of work, with the time at which they began


def test_a_record_that_was_exchanged_is_not_taken_for_the_audits_own(tmp_path: Path) -> None:
    out = tmp_path / "a"
    record = audited(out, [TARGET])
    for forged in (record.model_copy(update={"headline": "Secure."}),
                   record.model_copy(update={"created_at": "2030-01-01T00:00:00+00:00"}).sealed()):  # fmt: skip
        (out / "report.json").write_text(forged.model_dump_json())
        with pytest.raises(RunFolderError, match=r"report.json: is not what this audit wrote; delete it"):
            audited(out, [TARGET])


@pytest.mark.parametrize("ended", [False, True])
def test_other_data_under_the_same_name_are_another_audit(tmp_path: Path, ended: bool) -> None:
    target = data(tmp_path / "wanted.npz", 0)
    if ended:
        audited(tmp_path / "a", [target])
    else:
        stopped(tmp_path / "a", [target])
    data(tmp_path / "wanted.npz", 1)
    with pytest.raises(
        RunFolderError, match=r"a: holds an audit on other data \(npz:.*wanted.npz\); give --out"
    ) as met:
        audited(tmp_path / "a", [target])
    assert "\n" not in str(met.value)


def test_other_versions_do_not_go_on(tmp_path: Path) -> None:
    stopped(tmp_path / "a", [TARGET])
    path = tmp_path / "a" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(manifest))
    with pytest.raises(RunFolderError, match=r"holds an audit by other versions \(torch 1.0, now 2"):
        audited(tmp_path / "a", [TARGET])


def test_data_that_change_while_the_audit_runs_are_seen(tmp_path: Path) -> None:
    target = data(tmp_path / "wanted.npz", 0)
    change = At("score proxies", lambda: data(tmp_path / "wanted.npz", 1))
    with pytest.raises(TaskError, match=r"wanted.npz: the data was changed while the audit ran"):
        audited(tmp_path / "a", [target], change)
    assert not (tmp_path / "a" / "report.json").exists()


def test_a_folder_is_hashed_as_its_files_lie_there(tmp_path: Path) -> None:
    space, task = load_space("hybrid"), load_task("digits", input_shape=SHAPE)
    genotype = space.canonical(tuple(0 for _ in space.choices))
    folder = export_network(
        TrainedNetwork(space, genotype, task.io, space.build(genotype, task.io).state_dict()), tmp_path / "model"
    )
    parts = ModelSource(str(folder)).parts()
    names = [part.what for part in parts]
    assert names == ["architecture.json", "model.safetensors"]
    printed = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    assert digest_of_parts(parts) == hashlib.sha256(printed).hexdigest()
    (folder / "architecture.json").write_text((folder / "architecture.json").read_text() + "\n")
    assert ModelSource(str(folder)).parts() != parts


def test_a_factory_is_hashed_by_its_source_and_the_bytes_of_its_weights(tmp_path: Path) -> None:
    weights = tmp_path / "good.safetensors"
    save_file(models.good().state_dict(), weights)
    source = ModelSource("audited_models:good", weights, SHAPE)
    hashes = {part.what: part.sha256 for part in source.parts()}
    assert hashes["good.safetensors"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert models.__file__ is not None
    assert hashes["audited_models.py"] == hashlib.sha256(Path(models.__file__).read_bytes()).hexdigest()
    built = {part.what for part in ModelSource("audited_models:good", None, SHAPE).parts()}
    assert built == {"weights as built", "audited_models.py"}


def test_a_model_that_changes_is_not_the_one_that_was_pinned(tmp_path: Path) -> None:
    weights = tmp_path / "good.safetensors"
    save_file(models.good().state_dict(), weights)
    source = ModelSource("audited_models:good", weights, SHAPE)
    pinned = source.pin()
    assert pinned.load().outputs == source.load().outputs
    save_file({name: value + 1 for name, value in models.good().state_dict().items()}, weights)
    network = source.load().network
    assert network is not None
    assert torch.equal(network.state_dict()["head.bias"], models.good().state_dict()["head.bias"] + 1)
    with pytest.raises(ModelError, match="is not the model that the audit began with"):
        pinned.load()


def test_a_factory_that_draws_other_weights_elsewhere_is_seen() -> None:
    pinned = ModelSource("audited_models:that_draws_its_weights", None, SHAPE).pin()
    pinned.load()
    for cache in (subject._loaded, subject._pinned):  # as in another process
        cache.cache_clear()
    with pytest.raises(ModelError, match="give a factory that draws its weights a seed"):
        pinned.load()


def test_the_record_says_what_was_hashed() -> None:
    record = audited(None, [TARGET])
    assert [part.what for part in record.model.hashed] == ["weights in memory"]
    assert record.model.sha256 == digest_of_parts(record.model.hashed)


def test_a_quick_look_is_the_probe_that_the_attack_would_be() -> None:
    progress = At()
    record = audited(None, [TARGET], progress)
    assert "attack" not in progress.seen  # the samples went through the model once
    case = Case(ModelSource("audited_models:good", None, SHAPE), TaskSettings(name="digits"), TARGET, PROBED)
    result = attack(case.loot(), "linear-probe", case.task(), PROBED.at(1.0), 0, count_cost=True)
    assert result is not None
    assert quick_look(case)["attack"] == asdict(result)
    assert [line.value.value for line in record.attacks] == [result.value]
