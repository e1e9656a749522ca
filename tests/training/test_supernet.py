import numpy as np
import pytest
import torch

from archlock.errors import SpaceError
from archlock.seeding import torch_generator
from archlock.spaces.hybrid import HybridSpace
from archlock.tasks.registry import load_task
from archlock.training.fit import evaluate
from archlock.training.supernet import Supernet, corner
from archlock.training.two_phase import (
    SupernetSchedule,
    make_supernet,
    plain,
    sandwich,
    sized,
    train_phase,
    train_supernet,
    with_blocks,
    without_attention,
)

SPACE = HybridSpace()
DIGITS = load_task("digits")
ZEROS = (0,) * len(SPACE.choices)
SHORT = SupernetSchedule(cnn_steps=2, hybrid_steps=2, batch=8, random_networks=1)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def supernet() -> Supernet:
    return make_supernet(SPACE, DIGITS, torch_generator(0))


def copies(supernet: Supernet) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in supernet.shared.items()}


def test_every_network_finds_its_tensors(supernet):
    rng = np.random.default_rng(0)
    for _ in range(40):
        with torch.device("meta"):
            network = SPACE.build(SPACE.sample(rng), DIGITS.io)
        slices = supernet.slices(network)
        assert {name: part.shape for name, part in slices.items()} == {
            name: tensor.shape for name, tensor in network.named_parameters()
        }


def test_gradients_reach_only_the_slices_of_the_network(supernet):
    small = sized(SPACE, with_blocks(SPACE, ZEROS, "MBConv"), largest=False)
    supernet.forward(small, DIGITS.train.inputs[:4]).square().sum().backward()
    weight = supernet.shared["body.stages.0.mbconv.0.project.conv.weight"]
    assert bool((weight.grad[:8, :8] != 0).any())
    assert int((weight.grad[8:] != 0).sum()) == 0
    assert supernet.shared["body.stages.0.vit.blocks.0.query.weight"].grad is None


def test_kernels_are_taken_from_the_centre():
    whole, wanted = torch.arange(49.0).view(1, 1, 7, 7), torch.zeros(1, 1, 3, 3)
    torch.testing.assert_close(whole[corner(whole, wanted)], whole[:, :, 2:5, 2:5])


def test_inherited_network_is_its_own_and_keeps_the_weights(supernet):
    genotype = SPACE.sample(np.random.default_rng(4))
    network = supernet.inherit_into(genotype)
    for name, part in supernet.slices(network).items():
        torch.testing.assert_close(dict(network.named_parameters())[name].detach(), part.detach())
    before = copies(supernet)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in supernet.shared.items())


def test_inherited_batch_norm_is_measured(supernet):
    """On the calibration inputs, evaluation with measured statistics is nearly training with batch statistics."""
    genotype = with_blocks(SPACE, ZEROS, "MBConv")
    network = supernet.inherit_into(genotype)
    assert not network.training
    with torch.no_grad():
        torch.testing.assert_close(
            network(supernet.calibration), supernet.forward(genotype, supernet.calibration), rtol=0.05, atol=0.05
        )


def test_first_phase_leaves_attention_alone(supernet):
    before = copies(supernet)
    train_phase(supernet, DIGITS, SHORT, 2, False, torch_generator(1), np.random.default_rng(1))
    changed = {name for name, tensor in supernet.shared.items() if not torch.equal(before[name], tensor)}
    assert changed
    assert not any(".vit." in name for name in changed)
    train_phase(supernet, DIGITS, SHORT, 2, True, torch_generator(1), np.random.default_rng(1))
    assert any(".vit." in name and not torch.equal(before[name], t) for name, t in supernet.shared.items())


def test_sandwich_holds_the_extremes():
    networks = sandwich(SPACE, np.random.default_rng(2), count=2, attention=True)
    sizes = [sum(p.numel() for p in SPACE.build(g, DIGITS.io).parameters()) for g in networks]
    assert len(networks) == 4
    assert max(sizes) == sizes[0]
    for genotype in sandwich(SPACE, np.random.default_rng(2), count=5, attention=False):
        assert not any("ViT" in str(option) for option in SPACE.describe(genotype).values())


def test_without_attention_keeps_pure_cnns():
    cnn = SPACE.canonical(with_blocks(SPACE, ZEROS, "MBConv"))
    assert without_attention(SPACE, cnn) == cnn


def test_same_generator_same_supernet_and_no_global_randomness():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first = copies(train_supernet(SPACE, DIGITS, SHORT, torch_generator(5)))
    torch.testing.assert_close(torch.rand(1), expected)
    second = copies(train_supernet(SPACE, DIGITS, SHORT, torch_generator(5)))
    other = copies(train_supernet(SPACE, DIGITS, SHORT, torch_generator(6)))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_network_outside_the_supernet_is_refused():
    covering = [sized(SPACE, with_blocks(SPACE, ZEROS, "MBConv"), largest=True)]
    narrow = Supernet(SPACE, DIGITS.io, covering, DIGITS.train.inputs[:8])
    with pytest.raises(SpaceError, match="no shared tensor"):
        narrow.forward(with_blocks(SPACE, ZEROS, "ViT"), DIGITS.train.inputs[:8])


@pytest.mark.slow
def test_a_trained_supernet_serves_both_extremes_at_once():
    """Largest and smallest network share tensors, and both read real digits without a step of their own."""
    schedule = SupernetSchedule(cnn_steps=60, hybrid_steps=60, random_networks=1)
    trained = train_supernet(SPACE, DIGITS, schedule, torch_generator(0))
    for block, largest, least in (("MBConv+ViT", True, 0.8), ("MBConv", False, 0.4)):
        network = trained.inherit_into(sized(SPACE, with_blocks(SPACE, plain(SPACE), block), largest=largest))
        assert evaluate(network, DIGITS, DIGITS.validation) > least
