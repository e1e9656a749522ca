"""The relation as ArchLock published it: a perceptron on the pair, asked whether a beats b on a task (ICLR 2024).

It stands beside `archlock.predictors.relation`, which is antisymmetric and free of cycles by construction. This one is
neither, and ranks n architectures with n (n - 1) evaluations per task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.errors import UsageError
from archlock.predictors.pairs import PairEvidence
from archlock.predictors.threads import one_thread
from archlock.scores import FloatArray

WIDTHS = (128, 64, 32, 16)
"""Hidden layers as published."""
BATCH = 256


@dataclass(frozen=True)
class RelationMLP:
    """P(a beats b | task) by a perceptron of four hidden layers on [a, b, task].

    Attributes:
        network: (pairs, 2 f + d) to logits (pairs, 1).
        centre, spread: shape (f,), standardisation of features.
        scale: what embeddings are divided by, so that a task weighs as much as a pair.
        embedding_width: d.
    """

    network: nn.Sequential
    centre: FloatArray
    spread: FloatArray
    scale: float
    embedding_width: int

    @classmethod
    def fit(
        cls,
        features: FloatArray,
        evidence: Sequence[PairEvidence],
        generator: torch.Generator,
        *,
        widths: Sequence[int] = WIDTHS,
        epochs: int = 20,
        learning_rate: float = 1e-3,
    ) -> RelationMLP:
        """Train on pairs with Adam and binary cross-entropy.

        Args:
            features: shape (n, f), all architectures that the evidence's rows point into.
            evidence: pairs of any tasks.
            generator: draws initial weights and batches.
            widths: of the hidden layers.
            epochs: passes over all pairs.
            learning_rate: of Adam.

        Raises:
            UsageError: no pairs, rows out of range, embeddings of different widths, features not finite.
        """
        _check(features, evidence)
        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        embeddings = np.stack([item.embedding for item in evidence])
        # As long as a pair of standardised features, so that the width of an embedding says nothing of its weight.
        scale = float(np.linalg.norm(embeddings, axis=1).mean() / np.sqrt(2 * features.shape[1])) or 1.0
        with one_thread():
            network = _network(2 * features.shape[1] + embeddings.shape[1], widths, generator)
            model = cls(network, centre, spread, scale, embeddings.shape[1])
            model._train(features, evidence, generator, epochs, learning_rate)
        network.requires_grad_(False).eval()
        return model

    def probability(self, features_a: FloatArray, features_b: FloatArray, embedding: FloatArray) -> FloatArray:
        """P(a beats b | task) row by row; features shape (n, f) each, result shape (n,). One pass per row.

        Raises:
            UsageError: the widths are not those of the fit.
        """
        self._check_widths(features_a, embedding)
        self._check_widths(features_b, embedding)
        pairs = [self._unit(features_a), self._unit(features_b), self._task(embedding).expand(len(features_a), -1)]
        with torch.no_grad():
            logits = self.network(torch.cat(pairs, dim=1))[:, 0]
        return np.asarray(torch.sigmoid(logits).numpy(), dtype=np.float64)

    def outcomes(self, features: FloatArray, embedding: FloatArray, panel: FloatArray | None = None) -> FloatArray:
        """Entry (a, b) is P(a beats b | task) of all pairs at once; shape (n, m), or (t, n, m) of several tasks.

        Args:
            features: shape (n, f).
            embedding: shape (d,), or (t, d) of several tasks.
            panel: shape (m, f), whom they are compared with; each other by default.

        Raises:
            UsageError: the widths are not those of the fit.
        """
        others = features if panel is None else panel
        tasks = np.atleast_2d(embedding)
        for checked in (features, others):
            self._check_widths(checked, tasks[0])
        with torch.no_grad(), one_thread():
            own, other, task = self._first_layer(self._unit(features), self._unit(others), self._task(tasks))
            logits = self.network[1:](own[:, None] + other[None, :] + task[:, None, None])[..., 0]
        chances = np.asarray(torch.sigmoid(logits).numpy(), dtype=np.float64)
        return chances[0] if embedding.ndim == 1 else chances

    def _first_layer(self, first: Tensor, second: Tensor, tasks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Parts of the first layer, which is linear, for a, b and task: had once, then added pair by pair."""
        layer, width = cast(nn.Linear, self.network[0]), first.shape[1]
        weight = layer.weight
        own, other = first @ weight[:, :width].T, second @ weight[:, width : 2 * width].T
        return own, other, tasks @ weight[:, 2 * width :].T + layer.bias

    def _train(
        self,
        features: FloatArray,
        evidence: Sequence[PairEvidence],
        generator: torch.Generator,
        epochs: int,
        learning_rate: float,
    ) -> None:
        sides = [np.concatenate([getattr(item, side) for item in evidence]) for side in ("first", "second")]
        compared, places = np.unique(np.stack(sides), return_inverse=True)
        first, second = torch.from_numpy(places.reshape(2, -1))
        rows = self._unit(features[compared])
        tasks = torch.stack([self._task(item.embedding) for item in evidence])
        task = torch.from_numpy(np.repeat(np.arange(len(evidence)), [len(item.outcome) for item in evidence]))
        outcome = torch.from_numpy(np.concatenate([item.outcome for item in evidence])).float()
        optimiser = torch.optim.Adam(self.network.parameters(), lr=learning_rate)
        for _ in range(epochs):
            for batch in torch.randperm(len(outcome), generator=generator).split(BATCH):
                own, other, known = self._first_layer(rows, rows, tasks)
                logits = self.network[1:](own[first[batch]] + other[second[batch]] + known[task[batch]])[:, 0]
                loss = functional.binary_cross_entropy_with_logits(logits, outcome[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def _unit(self, features: FloatArray) -> Tensor:
        return torch.from_numpy((features - self.centre) / self.spread).float()

    def _task(self, embedding: FloatArray) -> Tensor:
        return torch.from_numpy(embedding / self.scale).float()

    def _check_widths(self, features: FloatArray, embedding: FloatArray) -> None:
        wanted = (len(self.centre), self.embedding_width)
        if features.ndim != 2 or (features.shape[1], *embedding.shape) != wanted:
            raise UsageError(
                f"relation MLP: expected features (n, {wanted[0]}) and an embedding ({wanted[1]},), "
                f"not {features.shape} and {embedding.shape}"
            )


def _network(inputs: int, widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with rectifiers between, initialised as He et al. (2015) from the generator."""
    layers: list[nn.Module] = []
    for before, width in zip((inputs, *widths[:-1]), widths, strict=True):
        layers += [nn.Linear(before, width), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.normal_(0.0, (2 / weight.shape[1]) ** 0.5, generator=generator)
            else:
                weight.zero_()
    return network


def _check(features: FloatArray, evidence: Sequence[PairEvidence]) -> None:
    if sum(len(item.outcome) for item in evidence) == 0:
        raise UsageError("relation MLP: needs at least one pair to learn from")
    if features.ndim != 2 or not np.isfinite(features).all():
        raise UsageError(f"relation MLP: expected finite features (n, f), not of shape {features.shape}")
    if len({item.embedding.shape for item in evidence}) > 1:
        raise UsageError("relation MLP: task embeddings differ in width")
    rows = np.concatenate([np.append(item.first, item.second) for item in evidence])
    if rows.min() < 0 or rows.max() >= len(features):
        raise UsageError(f"relation MLP: pairs name rows {rows.min()} to {rows.max()} of {len(features)} architectures")
