"""Figures of a profile at the ends of their ranges and beyond: an error that gives the range, never nonsense."""

from __future__ import annotations

import re
from importlib.resources import files
from math import inf, isfinite, nan
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from archlock.errors import ConfigError, HardwareError
from archlock.hwcost import estimate, load_hardware, trace
from archlock.hwcost.system import figures
from archlock.hwcost.system.figures import Capacity, Figure

KINDS = [
    kind
    for kind in vars(figures).values()
    if isinstance(kind, type) and issubclass(kind, Figure) and kind is not Figure
]
NETWORK = nn.Sequential(
    nn.Conv2d(3, 16, 3), nn.GELU(), nn.Conv2d(16, 16, 3, groups=16), nn.Flatten(), nn.Linear(1600, 9)
)


@pytest.mark.parametrize("name", ["npu-tpu-like", "cim-rram", "edge-npu-cim"])
def test_a_magnitude_that_no_hardware_has_is_a_fault_of_the_file(tmp_path: Path, name: str) -> None:
    """Each figure of a profile with one of the values that no hardware has."""
    text = (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()
    values = ("1e300", "1e20", "-1e300", "-1", ".nan", ".inf", "1e999", "1" + 400 * "0")
    path = tmp_path / "wrong.yaml"
    expected = r"must be from \S+ to \S+ \S+, not|expected a (finite )?number|must be a whole number"
    for place, found in enumerate(re.finditer(r"\bvalue: ([^,]+),", text)):
        value = values[place % len(values)]
        path.write_text(text[: found.start(1)] + value + text[found.end(1) :])
        with pytest.raises(ConfigError) as caught:
            load_hardware(path)
        message = str(caught.value)
        assert re.match(rf"\S+wrong\.yaml:\d+: [\w.]+\.value: ({expected})", message), (value, message)
        assert "\n" not in message
        assert len(message) < 250


@pytest.mark.parametrize("kind", KINDS)
def test_the_ends_of_a_range_are_in_it_and_what_is_beyond_is_not(kind: type[Figure]) -> None:
    assert 0 <= kind.least < kind.most
    for unit, size in kind.units.items():
        for value in (kind.least / size, kind.most / size):
            if issubclass(kind, Capacity) or kind.least == 0 or value == round(value):
                assert kind.model_validate({"value": value, "unit": unit, "from": "a test"}).si == pytest.approx(
                    value * size
                )
        for value in (kind.most / size * 2, -1, nan, inf, 0 if kind.least else -kind.most):
            with pytest.raises(ValueError, match=r"must be from|finite number"):
                kind.model_validate({"value": value, "unit": unit, "from": "a test"})


def test_bytes_are_whole() -> None:
    assert Capacity.model_validate({"value": 0.5, "unit": "kB", "from": "a test"}).si == 512
    with pytest.raises(ValueError, match=r"must be whole bytes, not 1\.5"):
        Capacity.model_validate({"value": 1.5, "unit": "byte", "from": "a test"})


@pytest.mark.parametrize("end", ["least", "most"])
@pytest.mark.parametrize("name", ["npu-tpu-like", "cim-asram-22", "cim-dsram-22"])
def test_a_profile_at_the_ends_of_all_ranges_gives_figures(tmp_path: Path, name: str, end: str) -> None:
    """Every figure in turn at an end of its range: latency and energy stay numbers above zero."""
    workload = trace(NETWORK, (1, 3, 14, 14))
    base = (files("archlock.configs") / "hardware" / f"{name}.yaml").read_text()
    for section, key, kind in figure_places(name):
        document = yaml.safe_load(base)
        unit, size = next(iter(kind.units.items()))
        document[section][key] = {"value": getattr(kind, end) / size, "unit": unit, "from": "a test"}
        path = tmp_path / "end.yaml"
        path.write_text(yaml.safe_dump(document))
        if (key, end) == ("cell_columns", "least"):
            continue  # a macro smaller than one weight
        cost = estimate(workload, load_hardware(path))
        assert isfinite(cost.latency_s), (key, cost)
        assert isfinite(cost.energy_j), (key, cost)
        assert cost.latency_s > 0, key
        assert cost.energy_j > 0, key
        assert all(value >= 0 for value in cost.energy_by_cause_j.values()), (key, cost.energy_by_cause_j)
        assert all(0 <= row.utilisation <= 1 + 1e-9 for row in cost.rows), (key, cost.rows)


def figure_places(name: str) -> list[tuple[str, str, type[Figure]]]:
    """Section, key and kind of the figures that a shipped profile states itself."""
    from archlock.hwcost.system.profiles import Profile

    document = yaml.safe_load((files("archlock.configs") / "hardware" / f"{name}.yaml").read_text())
    found = []
    for section, given in document.items():
        for key in given if isinstance(given, dict) else ():
            model = next(m for m in _members(Profile.model_fields[section].annotation) if hasattr(m, "model_fields"))
            kinds = _members(model.model_fields[key].annotation)
            found += [(section, key, kind) for kind in kinds if isinstance(kind, type) and issubclass(kind, Figure)]
    return found


def _members(annotation: object) -> list[type]:
    return list(getattr(annotation, "__args__", [annotation]))


def test_a_layer_too_large_to_be_counted_is_named() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(65_536, 65_536, 3))
    with pytest.raises(HardwareError, match=r"^0:convolution: .* operations in one layer are more than"):
        trace(network, (1, 65_536, 4_096, 4_096))
