"""The imc space: its size, what its blocks are, and what surgery makes of them."""

import itertools
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from archlock.attacks import edit_names, edits
from archlock.hwcost import trace
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.imc import ImcSpace
from archlock.spaces.imc_blocks import PlainBlock, ResidualBlock
from archlock.spaces.imc_options import BLOCK_NAMES, BlockSpec
from archlock.spaces.imc_traits import TRAITS
from archlock.spaces.network import inherit
from archlock.spaces.protocol import Genotype
from archlock.testing import genotype_of

SPACE = ImcSpace()
SMALL = IOSpec(3, 16, 16, OutputKind.CLASSES, 10)
genotype = partial(genotype_of, SPACE)


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "spaces-imc.md"


def test_the_guides_search_under_a_floor_runs_as_it_stands():
    pytest.importorskip("optuna", reason="needs the extra bayesian")
    [block] = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(block, GUIDE.name, "exec"), scope)
    front, floor = scope["front"], scope["floor"]
    assert len(front) > 1
    assert all(-one.objectives[0] >= floor for one in front)
    assert any(-one.objectives[0] < floor for one in scope["archive"].evaluations)


def test_more_than_640_million_networks():
    assert SPACE.canonical_count == 180 + 180**2 + 180**3 + 180**4
    assert SPACE.canonical_count > 640_000_000


@pytest.mark.parametrize("blocks", [1, 2])
def test_count_matches_an_enumeration(blocks):
    space = ImcSpace(blocks)
    raw = itertools.product(*(range(len(choice.options)) for choice in space.choices))
    assert len({space.canonical(genes) for genes in raw}) == space.canonical_count


def test_mvgg_without_stride_is_vgg():
    twin = SPACE.canonical(genotype(block0__kind="MVGG", block0__stride=1))
    assert twin == SPACE.canonical(genotype(block0__kind="VGG", block0__stride=1))
    assert SPACE.describe(twin)["block0.kind"] == "VGG"
    assert SPACE.describe(genotype(block0__kind="MVGG"))["block0.kind"] == "MVGG"


def test_blocks_beyond_the_depth_have_no_genes():
    described = SPACE.describe(genotype(blocks=2, block2__width=48, block3__kind="RES"))
    assert set(described) == {"blocks", *(f"block{index}.{name}" for index in (0, 1) for name in BLOCK_NAMES)}


def outputs_of(genes: Genotype, io: IOSpec) -> torch.Tensor:
    """Outputs of a freshly seeded network on a fixed batch, in training mode, so that no norm is an identity."""
    torch.manual_seed(7)
    network = SPACE.build(genes, io).train()
    with torch.no_grad():
        return network(torch.randn(4, *io.input_shape, generator=torch.Generator().manual_seed(3)))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (2, 1, 64), (4, 33, 1), (1, 2, 2), (3, 40, 40)])
@pytest.mark.parametrize("kind", list(OutputKind))
def test_any_shape_and_output_kind_train(shape, kind):
    io = IOSpec(*shape, output=kind, outputs=3)
    rng = np.random.default_rng(sum(shape))
    for _ in range(4):
        network = SPACE.build(SPACE.sample(rng), io)
        outputs = network(torch.randn(3, *shape))
        assert outputs.shape == ((3, 3, *shape[1:]) if kind is OutputKind.DENSE else (3, 3))
        outputs.square().mean().backward()
        assert all(bool(torch.isfinite(p.grad).all()) for p in network.parameters() if p.grad is not None)
        assert all(p.grad is not None for p in network.parameters())


def test_every_active_gene_changes_the_network():
    """One step in any active gene gives another function: the canonical form merges no two networks."""
    for kind in ("VGG", "MVGG", "RES"):
        centre = genotype(blocks=2, block0__kind=kind, block1__kind=kind, block0__width=16, block1__depth=2)
        base = outputs_of(centre, SMALL)
        for other in SPACE.neighbours(centre):
            assert not torch.allclose(outputs_of(other, SMALL), base), SPACE.describe(other)


@pytest.mark.parametrize(
    ("kind", "layer", "halved"),
    [("VGG", PlainBlock, False), ("MVGG", PlainBlock, True), ("RES", ResidualBlock, True)],
)
def test_who_makes_the_map_smaller(kind, layer, halved):
    """VGG pools after its convolutions; the first convolution of the others strides, and nothing pools."""
    block = layer(3, BlockSpec(kind, depth=2, kernel=5, width=8, stride=2))
    strides = [conv.conv.stride for conv in block.convs]
    assert strides == [(2, 2) if halved else (1, 1)] + [(1, 1)] * (len(strides) - 1)
    assert len(strides) == (4 if kind == "RES" else 2)
    assert block(torch.randn(2, 3, 9, 16)).shape == (2, 8, 5, 8)


def test_a_vgg_block_is_convolutions_and_max_pooling():
    block = PlainBlock(3, BlockSpec("VGG", depth=1, kernel=3, width=8, stride=2)).eval()
    inputs = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(block(inputs), torch.nn.functional.max_pool2d(block.convs[0](inputs), 2))


def test_residual_units_add_their_input():
    """With the second convolutions silenced, a block that keeps its shape is the identity on what is not negative."""
    block = ResidualBlock(8, BlockSpec("RES", depth=3, kernel=3, width=8, stride=1)).eval()
    assert block.shortcut is None
    with torch.no_grad():
        for conv in list(block.convs)[1::2]:
            conv.conv.weight.zero_()
    inputs = torch.rand(2, 8, 6, 6)
    torch.testing.assert_close(block(inputs), inputs)


def test_a_shortcut_is_made_where_the_shape_changes():
    for ins, stride in ((8, 2), (4, 1)):
        block = ResidualBlock(ins, BlockSpec("RES", depth=1, kernel=3, width=8, stride=stride))
        assert block.shortcut.conv.kernel_size == (1, 1)
        assert block.shortcut.conv.stride == (stride, stride)


def test_traits_are_finite_and_tell_size():
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(40)]
    traits = SPACE.traits(drawn)
    assert traits.shape == (40, len(TRAITS))
    assert np.isfinite(traits).all()
    with torch.device("meta"):
        counted = [
            sum(
                m.weight.numel()
                for n, m in SPACE.build(g, SMALL).named_modules()
                if isinstance(m, torch.nn.Conv2d) and "shortcut" not in n
            )
            for g in drawn
        ]
    np.testing.assert_allclose(np.exp(traits[:, TRAITS.index("log parameters")]), counted)


def test_multiply_adds_of_the_traits_are_those_of_the_hardware():
    """Up to shortcuts and classifier, the trait counts what the cost model's tracer sees."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        genes = SPACE.sample(rng)
        workload = trace(SPACE.build(genes, SMALL), (1, 3, 16, 16))
        others = sum(
            macs
            for name, macs in zip(workload.names, workload.layers.macs.tolist(), strict=True)
            if "shortcut" in name or "head" in name
        )
        ours = np.exp(SPACE.traits([genes])[0, TRAITS.index("log multiply-adds")])
        assert ours == pytest.approx(workload.macs - others)


class TestSurgery:
    def test_names(self):
        assert edit_names(SPACE) == ("stem", "resolution", "skip", "channels", "all")

    def test_each_opens_what_it_says(self):
        closed = genotype(blocks=2, block0__kind="MVGG")
        opened = {name: SPACE.describe(edited) for name, edited in edits(SPACE, closed).items()}
        assert opened["stem"]["block0.stride"] == 1
        assert opened["stem"]["block1.stride"] == 2
        assert opened["resolution"]["block1.stride"] == 1
        assert opened["skip"]["block0.kind"] == opened["skip"]["block1.kind"] == "RES"
        assert opened["channels"]["block0.width"] == opened["channels"]["block1.width"] == 48
        together = opened["resolution"] | opened["channels"] | opened["skip"]
        for name, option in opened["all"].items():
            assert option == {"kind": "RES", "width": 48, "stride": 1}.get(name.partition(".")[2], together[name])

    def test_an_open_network_has_nothing_to_open(self):
        wide = {
            f"block{index}__{name}": value
            for index in range(4)
            for name, value in (("kind", "RES"), ("width", 48), ("stride", 1))
        }
        assert edits(SPACE, genotype(blocks=4, **wide)) == {}

    def test_what_an_edit_leaves_in_place_is_inherited(self):
        """A stem that no longer strides keeps every weight; a VGG block made residual keeps its convolutions."""
        released = genotype(blocks=2, block0__depth=2, block1__kind="MVGG")
        weights = SPACE.build(released, SMALL).state_dict()
        done = edits(SPACE, released)
        child = SPACE.build(done["stem"], SMALL)
        assert inherit(child, weights) == sum(tensor.numel() for tensor in child.state_dict().values())
        residual = SPACE.build(done["skip"], SMALL)
        inherit(residual, weights)
        for place in (0, 1):
            name = f"body.blocks.0.convs.{place}.conv.weight"
            torch.testing.assert_close(residual.state_dict()[name], weights[name])
