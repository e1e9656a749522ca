import sys
import time

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from archlock.errors import ModelError, UsageError
from archlock.predictors import TaskEmbedder, cosine_similarity, load_pretrained_probe, offline_embedder, train_probe
from archlock.predictors.fisher import filter_fisher
from archlock.predictors.head import Head, fit_head

EMBEDDER = offline_embedder(0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    return torch.from_numpy(found.images).float()[:, None] / 16, torch.from_numpy(found.target).long()


def gratings(count: int = 600) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(3)
    labels = torch.randint(4, (count,), generator=random)
    angle = torch.pi * labels / 4
    axis = torch.linspace(-1, 1, 16)
    along = axis[None, None, :] * angle.cos()[:, None, None] + axis[None, :, None] * angle.sin()[:, None, None]
    phase = 6.3 * torch.rand(count, 1, 1, generator=random)
    return torch.sin(9 * along + phase)[:, None] + 0.2 * torch.randn(count, 1, 16, 16, generator=random), labels


def test_tasks_lie_further_apart_than_resamples_of_one_task():
    found = []
    for name, (inputs, targets) in {"digits": digits(), "gratings": gratings()}.items():
        for part in (slice(0, 256), slice(256, 512)):
            found.append(EMBEDDER.embed(inputs[part], targets[part], "classes", 10, generator(len(name) + part.start)))
    cosines = cosine_similarity(np.stack(found), np.stack(found))
    assert min(cosines[0, 1], cosines[2, 3]) > cosines[:2, 2:].max() + 0.2


def test_embedding_is_deterministic_on_any_number_of_threads_and_leaves_them_and_the_probe_alone():
    inputs, targets = digits()
    weights = [weight.clone() for weight in EMBEDDER.probe.parameters()]
    threads = torch.get_num_threads()
    first = EMBEDDER.embed(inputs, targets, "classes", 10, generator(1))
    torch.set_num_threads(2 if threads == 1 else 1)
    again = EMBEDDER.embed(inputs, targets, "classes", 10, generator(1))
    assert torch.get_num_threads() == (2 if threads == 1 else 1)
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(first, again)
    assert all(torch.equal(a, b) for a, b in zip(weights, EMBEDDER.probe.parameters(), strict=True))


@pytest.mark.parametrize("output", ["classes", "labels", "values", "dense"])
def test_every_kind_of_output_embeds_to_centred_finite_values(output):
    inputs = torch.randn(20, 2, 9, 13, generator=generator())
    targets = {
        "classes": torch.arange(20) % 3,
        "labels": (torch.arange(60).reshape(20, 3) % 2).float(),
        "values": inputs.mean(dim=(2, 3)).repeat(1, 2)[:, :3],
        "dense": inputs.cumsum(dim=3)[:, :1].repeat(1, 3, 1, 1),
    }[output]
    found = EMBEDDER.embed(inputs, targets, output, 3, generator())
    assert found.shape == (EMBEDDER.width,)
    assert np.isfinite(found).all()
    assert abs(found.mean()) < 1e-9
    assert np.linalg.norm(found) > 1


def test_scale_of_pixels_does_not_matter():
    inputs, targets = digits()
    found = [EMBEDDER.embed(x, targets, "classes", 10, generator(1)) for x in (inputs, 16 * inputs + 3)]
    assert cosine_similarity(found[0][None], found[1][None])[0, 0] > 0.99


def test_filter_fisher_equals_the_squared_gradients_of_autograd_one_sample_at_a_time():
    probe = nn.Sequential(nn.Conv2d(3, 4, 3, 2, padding=1, groups=1), nn.ReLU(), nn.Conv2d(4, 6, 3, groups=2)).double()
    inputs = torch.randn(5, 3, 9, 9, generator=generator(), dtype=torch.float64)
    head = Head(torch.randn(6, 2, generator=generator(1)).double(), torch.zeros(2).double(), "values")
    found = filter_fisher(probe, head, inputs, generator(2), draws=1)
    drawn = torch.randn(5, 2, generator=_after_uniforms(generator(2), 10), dtype=torch.float32)
    expected = torch.zeros(10, dtype=torch.float64)
    for sample, normal in zip(inputs, drawn, strict=True):
        likelihood = (head(probe(sample[None])) * normal).sum()
        gradients = torch.autograd.grad(likelihood, [probe[0].weight, probe[2].weight])
        expected += torch.cat([gradient.square().flatten(1).mean(dim=1) for gradient in gradients]) / 5
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)


def _after_uniforms(random: torch.Generator, count: int) -> torch.Generator:
    torch.rand(count // 2, 2, generator=random)
    return random


def test_heads_separate_what_is_separable():
    labels = torch.arange(90) % 3
    feature_map = torch.eye(3)[labels][:, :, None, None] + 0.1 * torch.randn(90, 3, 2, 2, generator=generator())
    assert (fit_head(feature_map, labels, "classes", 3)(feature_map).argmax(1) == labels).all()
    values = fit_head(feature_map, labels[:, None].float(), "values", 1)(feature_map)[:, 0]
    assert torch.corrcoef(torch.stack([values, labels.float()]))[0, 1] > 0.95


def test_probe_training_is_deterministic_and_kept():
    assert train_probe(0) is train_probe(0)
    short = [train_probe.__wrapped__(7, 3), train_probe.__wrapped__(7, 3), train_probe.__wrapped__(8, 3)]
    first, again, other = (probe.layers[0].weight for probe in short)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_offline_probe_is_ready_in_seconds():
    start = time.thread_time()
    train_probe.__wrapped__(1, 15)
    assert 10 * (time.thread_time() - start) < 12


def test_wrong_calls_say_what_is_wrong():
    inputs, targets = digits()
    for bad, message in (
        ((inputs, targets, "clases", 10), "Did you mean 'classes'"),
        ((inputs[:5], targets, "classes", 10), "n targets"),
        ((inputs, targets, "dense", 10), "need 4 dimensions"),
    ):
        with pytest.raises(UsageError, match=message):
            EMBEDDER.embed(*bad, generator())
    with pytest.raises(ModelError, match="no convolution"):
        TaskEmbedder(nn.ReLU())
    flat = TaskEmbedder(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()))
    with pytest.raises(ModelError, match=r"not \(n, features, h, w\)"):
        flat.embed(inputs, targets, "classes", 10, generator())


def test_a_missing_extra_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"pip install archlock\[probe\]"):
        load_pretrained_probe("resnet18")


def test_a_pretrained_probe_embeds_where_timm_is_installed():
    pytest.importorskip("timm", reason="the probe extra is not installed", exc_type=ImportError)
    embedder = TaskEmbedder(load_pretrained_probe("resnet10t", weights=False), size=32, samples=16, draws=1)
    inputs, targets = digits()
    assert np.isfinite(embedder.embed(inputs, targets, "classes", 10, generator())).all()
    with pytest.raises(UsageError, match="no such network"):
        load_pretrained_probe("resnet10x")
