import subprocess
import sys

import numpy as np
import pytest

from archlock.errors import SpaceError
from archlock.spaces import registry
from archlock.spaces.registry import load_space, space_names
from archlock.spaces.text import format_genotype, genotype_id, parse_genotype

SPACE = load_space("hybrid")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed package with the given entry points in the group of spaces."""

    def install(entries: str) -> None:
        info = tmp_path / "plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{entries}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    load_space.cache_clear()
    yield install
    load_space.cache_clear()


def test_built_in_spaces_are_known_and_loaded_once():
    assert "hybrid" in space_names()
    assert load_space("hybrid") is SPACE


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(SpaceError, match=r"unknown search space 'hybird'\. Did you mean 'hybrid'"):
        load_space("hybird")


def test_plugin_space_is_found(plugin):
    plugin("mine = archlock.spaces.hybrid:HybridSpace")
    assert "mine" in space_names()
    assert load_space("mine").choices == SPACE.choices


def test_plugin_cannot_replace_a_built_in_space(plugin):
    plugin("hybrid = archlock.errors:SpaceError")
    assert load_space("hybrid").name == "hybrid"


@pytest.mark.parametrize(
    ("target", "message"),
    [("no_such_module:Space", "cannot be loaded"), ("archlock.errors:SpaceError", "is not a SearchSpace")],
)
def test_broken_plugin_is_named(plugin, target, message):
    plugin(f"broken = {target}")
    with pytest.raises(SpaceError, match=f"'broken' .*{message}"):
        load_space("broken")


def test_text_round_trip_and_twins_share_an_id():
    genotype = SPACE.sample(np.random.default_rng(3))
    assert parse_genotype(SPACE, f" {format_genotype(genotype)} ") == genotype
    empty = (0,) * len(SPACE.choices)
    twin = (*empty[:-1], 1)
    assert genotype_id(SPACE, twin) == genotype_id(SPACE, empty)
    assert len(genotype_id(SPACE, empty)) == 12


def test_id_does_not_change_between_versions():
    """Ids are written to run folders; another value here means that old runs no longer match."""
    assert genotype_id(SPACE, (0,) * len(SPACE.choices)) == "e542af917596"


@pytest.mark.parametrize("text", ["", "1-x-2", "1--2", "-1", "²", "1-2", "0x1"])
def test_bad_text_is_one_clear_line(text):
    with pytest.raises(SpaceError) as caught:
        parse_genotype(SPACE, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("hybrid: ")


def test_non_integer_genes_are_refused():
    with pytest.raises(SpaceError, match=r"gene 'resolution' must be an int from 0 to 3, not 0\.5"):
        SPACE.canonical((0.5, *(0,) * (len(SPACE.choices) - 1)))


def test_library_does_not_import_pytest():
    code = "import sys, archlock.spaces.registry as r; r.load_space('hybrid'); sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
