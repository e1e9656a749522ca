"""What a thief rebuilds: the body as it was released, a head of their own, and weights kept through surgery."""

from __future__ import annotations

from dataclasses import replace

import torch

from archlock.attacks import Release, edits
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.network import Network
from archlock.tasks.task import Task


def original(release: Release, io: IOSpec) -> Network:
    network = release.space.build(release.genotype, io)
    network.load_state_dict(dict(release.weights))
    return network.eval()


def test_the_body_is_the_released_one(released: Release, digits: Task) -> None:
    inputs = digits.test.inputs[:8]
    rebuilt = released.rebuild(digits.io, seed=5).eval()
    with torch.no_grad():
        assert torch.equal(rebuilt.body(inputs), original(released, digits.io).body(inputs))


def test_the_head_is_not(released: Release, digits: Task) -> None:
    heads = [released.rebuild(digits.io, seed).head.state_dict() for seed in (5, 5, 6)]
    source = {name.removeprefix("head."): v for name, v in released.weights.items() if name.startswith("head.")}
    assert source.keys() == heads[0].keys()
    for name, value in source.items():
        assert not torch.equal(heads[0][name], value)
        assert torch.equal(heads[0][name], heads[1][name])
        assert not torch.equal(heads[0][name], heads[2][name])


def test_another_output_keeps_the_body(released: Release, digits: Task) -> None:
    inputs = digits.test.inputs[:4]
    dense = replace(digits.io, output=OutputKind.DENSE, outputs=2)
    rebuilt = released.rebuild(dense, seed=0).eval()
    with torch.no_grad():
        assert torch.equal(rebuilt.body(inputs), original(released, digits.io).body(inputs))
        assert rebuilt(inputs).shape == (4, 2, 16, 16)


def test_rebuilding_leaves_the_loot_and_the_global_generator_alone(released: Release, digits: Task) -> None:
    before = {name: value.clone() for name, value in released.weights.items()}
    state = torch.get_rng_state()
    rebuilt = released.rebuild(digits.io, seed=1)
    with torch.no_grad():
        for parameter in rebuilt.parameters():
            parameter.add_(1.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(released.weights[name], value) for name, value in before.items())


def test_surgery_keeps_every_weight_whose_shape_is_kept(closed: Release, digits: Task) -> None:
    edited = edits(closed.space, closed.genotype, ("all",))["all"]
    after = closed.rebuild(digits.io, 0, edited).state_dict()
    body = {name: value for name, value in closed.weights.items() if name.startswith("body.")}
    assert body.keys() <= after.keys()
    same = [name for name, value in body.items() if after[name].shape == value.shape]
    assert all(torch.equal(after[name], body[name]) for name in same)
    assert set(body) - set(same) == {"body.stem.conv.conv.weight"}


def test_a_colour_stem_keeps_the_grey_filter_as_its_first_channel(closed: Release, digits: Task) -> None:
    edited = edits(closed.space, closed.genotype, ("stem",))["stem"]
    name = "body.stem.conv.conv.weight"
    after = closed.rebuild(digits.io, 0, edited).state_dict()[name]
    assert after.shape[1] == 3
    assert torch.equal(after[:, :1], closed.weights[name])
