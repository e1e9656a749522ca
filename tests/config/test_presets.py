"""Everything shipped in configs/ is found by name, loads, and agrees with the JSON Schema."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from archlock.config import RunSettings, TableSettings, load_settings, preset_names, read_any_settings
from archlock.documents import Source, parse_yaml
from archlock.errors import ConfigError
from archlock.hwcost import hardware_names, load_hardware
from archlock.locking.plan import make_plan, planned_stages
from archlock.tables.registry import READERS

CONFIGS = Path(__file__).parents[2] / "configs"


def document(name: str) -> Source:
    return parse_yaml((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"), name)


def test_names_are_those_of_the_files() -> None:
    assert preset_names() == tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))
    assert hardware_names() == tuple(sorted(path.stem for path in (CONFIGS / "hardware").glob("*.yaml")))
    assert "quickstart" in preset_names()


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_and_every_name_in_it_is_known(name: str) -> None:
    settings, document = read_any_settings(name)
    if isinstance(settings, TableSettings):
        assert settings.table in READERS
        assert settings.source != settings.target
        return
    plan = make_plan(settings, document)
    assert all(stage.units > 0 for stage in planned_stages(plan))
    assert len(plan.classes) == plan.io.outputs


@pytest.mark.parametrize("name", hardware_names())
def test_a_profile_loads(name: str) -> None:
    hardware = load_hardware(name)
    assert hardware.name == name
    assert hardware.npu or hardware.cim


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_has_one_meaning_however_it_is_named(name: str) -> None:
    by_name, _ = read_any_settings(name)
    for other in (CONFIGS / f"{name}.yaml", f"configs/{name}.yaml", f"{name}.yaml"):
        assert read_any_settings(other)[0] == by_name


def test_a_file_of_the_same_name_goes_before_a_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (files("archlock.configs") / "quickstart.yaml").read_text(encoding="utf-8")
    (tmp_path / "quickstart.yaml").write_text(text.replace("seed: 0", "seed: 77"), encoding="utf-8")
    assert load_settings("quickstart.yaml").seed == 77
    (tmp_path / "quickstart").mkdir()
    assert load_settings("quickstart").seed == 0, "a folder is no settings file"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("quickstrt", "no such file or preset. Did you mean 'quickstart'"),
        ("none.yaml", "no such file"),
        ("x" * 5000, "no such file or preset"),
        ("a\0b", "no such file or preset"),
        ("", "is a folder"),
    ],
)
def test_a_name_that_is_nothing(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(name)
    assert len(str(caught.value)) < 400


def test_the_schema_is_valid_and_presets_agree_with_it() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for name in preset_names():
        settings, source = read_any_settings(name)
        schema = type(settings).model_json_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        check = jsonschema.Draft202012Validator(schema)
        check.validate(source.data)
        assert not check.is_valid(source.data | {"sead": 1})
        assert not check.is_valid(source.data | {"seed": -1})


def test_every_setting_says_what_it_is() -> None:
    for section, info in RunSettings.model_fields.items():
        fields = getattr(info.annotation, "model_fields", {section: info})
        for name, field in fields.items():
            assert field.description, f"{section}.{name}"
