"""Surgery on macro skeletons: more resolution, channels or modules, within what the benchmark's space holds."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.attacks import AttackBudget, Release, attack, edit_names, edits
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.protocol import Genotype
from archlock.spaces.transnas_macro import TransNASMacroSpace
from archlock.spaces.transnas_twins import (
    BOTH,
    CHANNELS,
    NORMAL,
    RESOLUTION,
    doublings,
    halvings,
    is_published,
    macro_codes,
)
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings

SPACE = TransNASMacroSpace(width=4)
IO = IOSpec(3, 16, 16, OutputKind.CLASSES, 4)
CODES = st.sampled_from(macro_codes())


def depth(code: Genotype) -> int:
    return sum(module > 0 for module in code)


def released(code: Genotype, io: IOSpec = IO) -> Release:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = SPACE.build(code, io)
    return Release(SPACE, code, {name: value.clone() for name, value in network.state_dict().items()})


def test_edits_by_hand() -> None:
    code = (BOTH, NORMAL, RESOLUTION, NORMAL, 0, 0)
    assert edits(SPACE, code) == {
        "resolution": (CHANNELS, NORMAL, NORMAL, RESOLUTION, 0, 0),
        "channels": (BOTH, CHANNELS, BOTH, NORMAL, 0, 0),
        "depth": (BOTH, NORMAL, RESOLUTION, NORMAL, NORMAL, NORMAL),
        "all": (CHANNELS, CHANNELS, CHANNELS, NORMAL, NORMAL, RESOLUTION),
    }


def test_every_code_is_edited_to_a_published_one_unless_it_is_wide_open() -> None:
    for code in macro_codes():
        found = edits(SPACE, code)
        assert all(is_published(edited) and edited != code for edited in found.values())
        last = code[-1] in (RESOLUTION, BOTH)
        assert bool(found) != ((depth(code), doublings(code), halvings(code), last) == (6, 3, 1, True)), code


@given(CODES)
@settings(max_examples=60, deadline=None)
def test_each_edit_gives_more_of_what_it_names_and_leaves_the_rest(code: Genotype) -> None:
    found = {name: edits(SPACE, code, (name,)).get(name, code) for name in edit_names(SPACE)}
    sizes = {name: (depth(edited), doublings(edited), halvings(edited)) for name, edited in found.items()}
    assert sizes["resolution"] == (depth(code), doublings(code), 1)
    assert sizes["channels"] == (depth(code), 3, halvings(code))
    assert sizes["depth"] == (6, doublings(code), halvings(code))
    assert sizes["all"] == (6, 3, 1)
    assert edits(SPACE, found["all"]) == {}


@given(CODES)
@settings(max_examples=6, deadline=None)
def test_layers_whose_shape_is_kept_keep_their_weights_and_others_a_corner(code: Genotype) -> None:
    release = released(code)
    for edited in edits(SPACE, code).values():
        after = release.rebuild(IO, 0, edited).state_dict()
        for name, value in release.weights.items():
            if name.startswith("body.") and name in after:
                corner = tuple(slice(0, min(pair)) for pair in zip(value.shape, after[name].shape, strict=True))
                assert torch.equal(after[name][corner], value[corner]), name
    deeper = edits(SPACE, code, ("depth",)).get("depth", code)
    kept = {name for name in release.weights if name.startswith("body.")}
    assert kept <= release.rebuild(IO, 0, deeper).state_dict().keys()


@pytest.mark.parametrize("code", [(2, 1, 3, 1, 0, 0), (1, 2, 4, 2, 3, 0), (4, 4, 4, 3, 1, 1)])
def test_every_edit_trains(code: Genotype) -> None:
    glyphs = load_task(TaskSettings(name="glyphs", samples=60), input_shape=(3, 16, 16))
    release = released(code, glyphs.io)
    for edit in edits(SPACE, code):
        result = attack(release, f"surgery:{edit}", glyphs, AttackBudget(1.0, 1, 8, (0.01,)), 0)
        assert result is not None
        assert result.is_surgery
        assert 0 <= result.value <= 1
