"""A whole search on the spaces of cells and skeletons: its report holds surgeries.

The published networks are wide; a package of narrower ones, as anyone may install it, is searched in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archlock import api
from archlock.attacks import edit_names, edits
from archlock.config import RunSettings
from archlock.report.record import ModelRecord, RunRecord
from archlock.spaces.export import read_safetensors
from archlock.spaces.registry import GROUP, load_space
from archlock.spaces.text import parse_genotype
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import evaluate

SURGERY = "surgery:"
PARENTS = {
    "nasbench201": "NASBench201Space",
    "transnas_micro": "TransNASMicroSpace",
    "transnas_macro": "TransNASMacroSpace",
}
NARROW = """from archlock.spaces.{module} import {parent}


class Narrow({parent}):
    name = "narrow_{module}"

    def __init__(self) -> None:
        super().__init__(width=4)
"""


def settings_of(space: str) -> RunSettings:
    """The least of everything, at the least input."""
    names = edit_names(load_space(space))
    return RunSettings.model_validate(
        {
            "seed": 0,
            "space": space,
            "input": {"channels": 1, "height": 8, "width": 8},
            "source": {"task": {"name": "glyphs", "samples": 60}, "micro_tolerance": 1 - 1e-9, "tolerance": 1 - 1e-9},
            "targets": {
                "search": [{"name": "textures", "samples": 60}],
                "validation": [{"name": "counting", "samples": 60}],
                "held_out": [{"name": "shapes", "samples": 60}],
            },
            "labels": {"architectures": 8, "target_architectures": 2, "steps": 1, "batch": 4, "rounds": 0},
            "proxies": {"names": ["nwot"], "architectures": 8, "batch": 4},
            "engine": {"population": 4, "generations": 1},
            "finalists": {"count": 1, "steps": 1},
            "attacks": {"fractions": [1.0], "learning_rates": [0.01], "steps": 1, "edits": list(names)},
        }
    )


@pytest.fixture(scope="module")
def narrow_spaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An installed package that adds the three spaces at another width."""
    folder = tmp_path_factory.mktemp("package")
    entries = []
    for module, parent in PARENTS.items():
        (folder / f"narrow_{module}.py").write_text(NARROW.format(module=module, parent=parent))
        entries.append(f"narrow_{module} = narrow_{module}:Narrow")
    info = folder / "narrow-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: narrow\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *entries, ""]))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


@pytest.fixture(scope="module", params=PARENTS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, narrow_spaces: None
) -> tuple[Path, RunRecord]:
    path = tmp_path_factory.mktemp(request.param) / "run"
    return path, api.search(settings_of(f"narrow_{request.param}"), path)


def surgeries(record: RunRecord, role: str) -> set[str]:
    return {attack.attack for attack in record.attacks if attack.role == role and attack.attack.startswith(SURGERY)}


def possible(record: RunRecord, model: ModelRecord) -> set[str]:
    space = load_space(record.settings["space"])
    genotype = parse_genotype(space, model.genotype)
    return {SURGERY + name for name in edit_names(space) if edits(space, genotype, (name,))}


@pytest.mark.slow
def test_every_surgery_that_a_model_leaves_open_was_tried_on_it(run: tuple[Path, RunRecord]) -> None:
    _, record = run
    found = {role: surgeries(record, role) for role in ("locked", "twin")}
    assert found == {role: possible(record, record.model(role)) for role in found}
    assert found["locked"] | found["twin"]


@pytest.mark.slow
def test_the_strongest_attack_counts_surgery(run: tuple[Path, RunRecord]) -> None:
    _, record = run
    (row,) = record.targets
    values = {one.attack: one.value.value for one in record.attacks if one.role == "locked"}
    assert row.locked_surgery == values[row.locked_attack]
    assert row.locked_released in (values["linear-probe"], values["fine-tune"])
    assert "after surgery" in record.headline


@pytest.mark.slow
def test_the_search_judges_a_candidate_by_what_surgery_makes_of_it(run: tuple[Path, RunRecord]) -> None:
    _, record = run
    assert all(point.robust >= point.transfer for point in record.candidates)
    assert any(point.robust > point.transfer for point in record.candidates)


@pytest.mark.slow
def test_the_released_model_is_read_back(run: tuple[Path, RunRecord]) -> None:
    path, record = run
    model = read_safetensors(path / "model")
    task = load_task(TaskSettings.model_validate(record.settings["source"]["task"]), input_shape=model.io.input_shape)
    assert evaluate(model.network(), task, task.test) == record.model("locked").source_test.value
