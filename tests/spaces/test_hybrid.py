import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.hybrid import BOTH, MBCONV, NONE, VIT, VIT_OFF, HybridSpace, build_hybrid
from archlock.spaces.hybrid_attention import MAX_TOKENS, ViTStack
from archlock.spaces.hybrid_count import MBCONV_SHAPES, count_canonical
from archlock.spaces.hybrid_layers import resize, to_luminance
from archlock.spaces.hybrid_options import STAGE_NAMES
from archlock.spaces.network import inherit
from archlock.spaces.protocol import Genotype
from archlock.testing import genotype_of

SPACE = HybridSpace()
NAMES = [choice.name for choice in SPACE.choices]
SMALL = IOSpec(3, 16, 16, OutputKind.CLASSES, 10)
genotype = partial(genotype_of, SPACE)


def outputs_of(genes: Genotype, io: IOSpec, canonical: bool = True) -> Tensor:
    """Outputs of a freshly seeded network on a fixed batch."""
    torch.manual_seed(7)
    network = SPACE.build(genes, io) if canonical else build_hybrid(genes, io)
    inputs = torch.randn(2, *io.input_shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return network(inputs)


def train_step(network: torch.nn.Module, inputs: Tensor) -> Tensor:
    outputs = network(inputs)
    outputs.square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and bool(torch.isfinite(gradient).all()) for gradient in gradients)
    return outputs.detach()


def test_table_holds_more_than_a_million_million_networks():
    assert SPACE.genotype_count == math.prod(len(choice.options) for choice in SPACE.choices)
    assert SPACE.genotype_count > 10**18
    assert 10**12 < SPACE.canonical_count < SPACE.genotype_count


def test_canonical_count_matches_an_enumeration_of_one_stage():
    """Genes that only multiply are enumerated at index 0 and multiplied by their options where active."""
    listed = ["stem.width", "downsample", *(f"stage0.{n}" for n in ("block", "width", "stride", "skip", "depth"))]
    listed.append("stage0.vit_depth")
    places = [NAMES.index(name) for name in listed]
    forms = set()
    for options in itertools.product(*(range(len(SPACE.choices[place].options)) for place in places)):
        genes = [0] * len(NAMES)
        for place, option in zip(places, options, strict=True):
            genes[place] = option
        forms.add(SPACE.canonical(tuple(genes)))
    total = 0
    for form in forms:
        active = SPACE.active(form)
        kept = [
            i for i, on in enumerate(active) if on and i not in places and not NAMES[i].startswith(("stage1", "stage2"))
        ]
        total += math.prod(len(SPACE.choices[i].options) for i in kept)
    assert count_canonical(1) == total
    assert MBCONV_SHAPES == 9


def test_two_hundred_random_genotypes_train():
    rng = np.random.default_rng(0)
    inputs = torch.randn(2, 3, 16, 16)
    for _ in range(200):
        outputs = train_step(SPACE.build(SPACE.sample(rng), SMALL), inputs)
        assert outputs.shape == (2, 10)
        assert bool(torch.isfinite(outputs).all())


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (2, 1, 64), (4, 33, 1), (1, 1, 1), (7, 12, 12)])
@pytest.mark.parametrize("kind", list(OutputKind))
def test_any_shape_and_output_kind_train(shape, kind):
    io = IOSpec(*shape, output=kind, outputs=3)
    rng = np.random.default_rng(sum(shape))
    expected = (2, 3, *shape[1:]) if kind is OutputKind.DENSE else (2, 3)
    for _ in range(12):
        assert train_step(SPACE.build(SPACE.sample(rng), io), torch.randn(2, *shape)).shape == expected


@pytest.mark.parametrize("stride", [1, 4])
def test_large_images_train(stride):
    """The heaviest of attention and of convolution at 224 x 224."""
    block = {"stage0__block": "MBConv+ViT", "stage0__heads": 4, "stage1__block": "ViT", "stage2__block": "ViT"}
    io = IOSpec(3, 224, 224, OutputKind.DENSE, 2)
    network = SPACE.build(genotype(stem__stride=stride, **block), io)
    assert train_step(network, torch.randn(2, 3, 224, 224)).shape == (2, 2, 224, 224)


def test_tokens_are_bounded():
    network = SPACE.build(genotype(stage0__block="ViT"), SMALL)
    stack = next(module for module in network.modules() if isinstance(module, ViTStack))
    for side in (1, 8, 12, 13, 224):
        assert math.ceil(side / stack.factor(side, side)) ** 2 <= MAX_TOKENS
    assert stack.factor(8, 8) == 1


def test_inactive_genes_change_nothing():
    """A raw genotype and its canonical form build the same function, though `build_hybrid` reads every gene."""
    rng = np.random.default_rng(1)
    for _ in range(25):
        raw = tuple(int(rng.integers(len(choice.options))) for choice in SPACE.choices)
        torch.testing.assert_close(outputs_of(raw, SMALL, canonical=False), outputs_of(raw, SMALL), rtol=0, atol=0)


def test_active_genes_change_the_function():
    """One step in any active gene gives another network: the canonical form merges all that it should keep apart."""
    io = IOSpec(3, 24, 24, OutputKind.CLASSES, 4)
    full = genotype(
        **{f"stage{i}__{n}": v for i in range(3) for n, v in (("block", "MBConv+ViT"), ("stride", 2 - (i > 0)))}
    )
    base = outputs_of(full, io)
    neighbours = SPACE.neighbours(full)
    assert len(neighbours) > 60
    for other in neighbours:
        assert not torch.allclose(outputs_of(other, io), base), SPACE.describe(other)


@pytest.mark.parametrize(("block", "becomes"), [(VIT, NONE), (BOTH, MBCONV)])
def test_vit_depth_zero_is_no_vit(block, becomes):
    genes = list(genotype())
    start = NAMES.index("stage1.block")
    genes[start] = block
    genes[start + STAGE_NAMES.index("vit_depth")] = VIT_OFF
    form = SPACE.canonical(tuple(genes))
    assert form[start] == becomes
    assert "stage1.vit_depth" not in SPACE.describe(form)


def test_empty_stage_has_no_other_gene():
    described = SPACE.describe(genotype(stage0__width=48, stage0__heads=4, stage0__stride=2))
    assert [name for name in described if name.startswith("stage0")] == ["stage0.block"]
    assert "downsample" not in described


def test_skip_is_a_gene_only_where_a_block_can_make_it():
    narrow = {"stem__width": 16, "stage0__block": "MBConv"}
    assert "stage0.skip" not in SPACE.describe(genotype(**narrow, stage0__width=24))
    assert "stage0.skip" in SPACE.describe(genotype(**narrow, stage0__width=16))
    assert "stage0.skip" not in SPACE.describe(genotype(**narrow, stage0__width=16, stage0__stride=2))
    pooled = genotype(**narrow, stage0__width=16, stage0__stride=2, downsample="max")
    assert "stage0.skip" in SPACE.describe(pooled)


def test_pure_cnn_has_no_attention():
    names = SPACE.build(genotype(stage0__block="MBConv", stage1__block="MBConv"), SMALL).state_dict()
    assert not any(".vit." in name for name in names)
    assert any(name.startswith("body.stages.1.mbconv.0.depthwise") for name in names)


def test_edits_inherit_every_part_they_leave_in_place():
    parent = SPACE.build(genotype(stage0__block="MBConv", stage1__block="MBConv+ViT", stage2__block="ViT"), SMALL)
    child = SPACE.build(genotype(stage1__block="MBConv+ViT", stage2__block="ViT", stem__stride=2), SMALL)
    assert inherit(child, parent.state_dict()) == sum(tensor.numel() for tensor in child.state_dict().values())
    for name, tensor in child.state_dict().items():
        torch.testing.assert_close(tensor, parent.state_dict()[name])


def test_luminance_stem_is_blind_to_colour_at_equal_luma():
    grey = SPACE.build(genotype(stem__colour="luminance", stage0__block="MBConv"), SMALL).eval()
    red, green = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    red[:, 0], green[:, 1] = 1.0, 0.299 / 0.587
    torch.testing.assert_close(grey(red), grey(green))
    assert to_luminance(torch.ones(1, 5, 2, 2)).shape == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ("size", "share", "expected"), [((16, 16), 0.375, (6, 6)), ((1, 40), 0.5, (1, 20)), ((8, 8), 0.375, (4, 4))]
)
def test_resize_keeps_four_pixels_and_never_enlarges(size, share, expected):
    assert tuple(resize(torch.zeros(1, 1, *size), share).shape[2:]) == expected
