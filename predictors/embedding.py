"""Task embeddings: where a task lies among tasks, by which filters of a fixed probe it needs (Task2Vec)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.errors import ModelError, UsageError, did_you_mean
from archlock.predictors.fisher import count_filters, filter_fisher
from archlock.predictors.head import OUTPUT_NAMES, OutputName, fit_head
from archlock.predictors.probe import FACTORS, SIZE, make_pictures, standardise, train_probe
from archlock.predictors.threads import one_thread
from archlock.scores import FloatArray
from archlock.seeding import torch_generator

FLOOR = 1e-2
"""Share of a task's mean Fisher information below which a filter counts as unused."""


class TaskEmbedder:
    """Embeds tasks by the diagonal Fisher information of a fixed probe network (Achille et al., ICCV 2019).

    The information of each filter, averaged over its weights, is taken in logarithms; the mean over filters is
    subtracted, so that neither the loss's scale nor the number of classes counts, and so is ``reference``, the
    same profile averaged over the tasks the probe was trained on. What remains is signed and says which filters
    this task needs more, or less, than tasks usually do: the space in which cosine similarities are stated.
    Every point of it stands for a valid Fisher information, exp(embedding + reference) up to scale.

    Args:
        probe: pictures (n, 3, size, size) to a feature map (n, features, h, w); it is never changed.
        size: rows and columns the probe takes, pixels.
        reference: shape (d,), or None for zeros.
        samples: at most so many of a task's samples are used.
        draws: labels drawn per sample.
    """

    def __init__(
        self, probe: nn.Module, size: int = SIZE, reference: Tensor | None = None, samples: int = 256, draws: int = 4
    ) -> None:
        self.probe = probe
        self.size = size
        self.samples = samples
        self.draws = draws
        self.width = count_filters(probe, size)
        self.reference = torch.zeros(self.width, dtype=torch.float64) if reference is None else reference

    def embed(
        self, inputs: Tensor, targets: Tensor, output: str, outputs: int, generator: torch.Generator
    ) -> FloatArray:
        """Embedding of one task, from training samples only.

        Args:
            inputs: shape (n, C, H, W); three channels are taken as colours, any other number as their mean.
            targets: as ``output`` states: (n,) int64 classes, (n, outputs) 0/1 labels, (n, outputs) values, or a
                dense (n, outputs, H, W).
            output: ``classes``, ``labels``, ``values`` or ``dense``.
            outputs: classes, labels, values or channels.
            generator: draws the subset of samples and the labels.

        Returns:
            shape (width,).

        Raises:
            UsageError: an unknown kind of output, too few samples, or shapes that do not agree.
            ModelError: the probe does not give a feature map.
        """
        kind = _check(inputs, targets, output)
        with one_thread():
            chosen = torch.randperm(len(inputs), generator=generator)[: self.samples]
            pictures = fit_pictures(inputs[chosen], self.size)
            with torch.no_grad():
                feature_map = torch.cat([self.probe(chunk) for chunk in pictures.split(64)])
            if feature_map.dim() != 4:
                raise ModelError(f"task embedding: the probe gives {tuple(feature_map.shape)}, not (n, features, h, w)")
            head = fit_head(feature_map, targets[chosen], kind, outputs)
            fisher = filter_fisher(self.probe, head, pictures, generator, self.draws)
        return (log_profile(fisher) - self.reference).numpy()


def log_profile(fisher: Tensor) -> Tensor:
    """Logarithm of Fisher information relative to its mean over filters, centred; shape (filters,)."""
    relative = fisher / fisher.mean().clamp_min(torch.finfo(fisher.dtype).tiny)
    logs = torch.log(relative + FLOOR)
    return logs - logs.mean()


def fit_pictures(inputs: Tensor, size: int) -> Tensor:
    """(n, C, H, W) to standardised (n, 3, size, size) pictures."""
    coloured = inputs if inputs.shape[1] == 3 else inputs.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return standardise(
        functional.interpolate(coloured.float(), (size, size), mode="bilinear", align_corners=False, antialias=True)
    )


@lru_cache(maxsize=4)
def offline_embedder(seed: int = 0) -> TaskEmbedder:
    """The embedder that needs no download: the offline probe, centred on the tasks it was trained on.

    It is kept for the life of the process.
    """
    probe = train_probe(seed)
    pictures = make_pictures(192, torch_generator(seed, "reference pictures"))
    bare = TaskEmbedder(probe)
    profiles = [
        torch.from_numpy(
            bare.embed(pictures.inputs, pictures.factors[:, i], "classes", k, torch_generator(seed, "reference", name))
        )
        for i, (name, k) in enumerate(FACTORS.items())
    ]
    return TaskEmbedder(probe, reference=torch.stack(profiles).mean(dim=0))


def _check(inputs: Tensor, targets: Tensor, output: str) -> OutputName:
    for name in OUTPUT_NAMES:
        if name == output:
            break
    else:
        raise UsageError(f"task embedding: unknown kind of output {output!r}.{did_you_mean(output, OUTPUT_NAMES)}")
    if inputs.dim() != 4 or len(inputs) != len(targets) or len(inputs) < 2:
        raise UsageError(
            f"task embedding: expected inputs (n, C, H, W) and n targets, n at least 2, "
            f"not {tuple(inputs.shape)} and {tuple(targets.shape)}"
        )
    wanted = {"classes": 1, "labels": 2, "values": 2, "dense": 4}[name]
    if targets.dim() != wanted:
        raise UsageError(f"task embedding: {name} targets need {wanted} dimensions, not {tuple(targets.shape)}")
    return name
