"""A linear head on frozen probe features: how it is fitted, and the log-likelihood of labels it draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

OutputName = Literal["classes", "labels", "values", "dense"]
OUTPUT_NAMES: tuple[OutputName, ...] = ("classes", "labels", "values", "dense")
RIDGE = 1e-2
STEPS = 30


@dataclass(frozen=True)
class Head:
    """Outputs = rows of features times ``weight`` plus ``bias``.

    Attributes:
        weight: shape (features, outputs).
        bias: shape (outputs,).
        output: kind of output, named as in `archlock.iospec.OutputKind`.
    """

    weight: Tensor
    bias: Tensor
    output: OutputName

    def __call__(self, feature_map: Tensor) -> Tensor:
        """(n, features, h, w) to (n, outputs); to (n * h * w, outputs) where the output is dense."""
        return feature_rows(feature_map, self.output) @ self.weight + self.bias

    def drawn_log_likelihood(self, feature_map: Tensor, generator: torch.Generator) -> Tensor:
        """Log-likelihood, summed over the batch, of labels drawn from the head's own distribution.

        Its gradients are samples of the score function, whose mean square is the Fisher information (not the
        "empirical" one: Kunstner et al., NeurIPS 2019). Values are taken as normal with unit variance.
        """
        outputs = self(feature_map)
        with torch.no_grad():
            chance = torch.rand(outputs.shape, generator=generator)
            normal = torch.randn(outputs.shape, generator=generator)
        if self.output == "classes":  # the Gumbel trick draws from the softmax
            drawn = (outputs.detach() - torch.log(-torch.log(chance.clamp(1e-7, 1 - 1e-7)))).argmax(dim=1)
            return -functional.cross_entropy(outputs, drawn, reduction="sum")
        if self.output == "labels":
            drawn = (chance < torch.sigmoid(outputs.detach())).to(outputs.dtype)
            return -functional.binary_cross_entropy_with_logits(outputs, drawn, reduction="sum")
        return (outputs * normal).sum()


def feature_rows(feature_map: Tensor, output: OutputName) -> Tensor:
    """(n, features, h, w) to (n, features) by the mean, or to (n * h * w, features) for dense outputs."""
    if output == "dense":
        return feature_map.movedim(1, 3).flatten(0, 2)
    return feature_map.mean(dim=(2, 3))


def target_rows(targets: Tensor, output: OutputName, size: tuple[int, int]) -> Tensor:
    """Targets in the rows of `feature_rows`; dense ones averaged down to the feature map, real ones standardised."""
    if output in ("classes", "labels"):
        return targets
    rows = feature_rows(functional.adaptive_avg_pool2d(targets, size), output) if output == "dense" else targets
    return (rows - rows.mean(dim=0)) / rows.std(dim=0, correction=0).clamp_min(1e-6)


def fit_head(feature_map: Tensor, targets: Tensor, output: OutputName, outputs: int) -> Head:
    """The ridge solution for real targets, or penalised logistic regression by L-BFGS for classes and labels.

    Args:
        feature_map: shape (n, features, h, w).
        targets: as `archlock.iospec.OutputKind` states for ``output``.
        output: kind of output.
        outputs: classes, labels, values or channels.
    """
    rows = feature_rows(feature_map, output)
    size = (feature_map.shape[2], feature_map.shape[3])
    wanted = target_rows(targets, output, size)
    centre, spread = rows.mean(dim=0), rows.std(dim=0, correction=0).clamp_min(1e-6)
    unit = (rows - centre) / spread
    solved = _ridge(unit, wanted) if output in ("values", "dense") else _logistic(unit, wanted, output, outputs)
    weight = solved[:-1] / spread[:, None]
    return Head(weight, solved[-1] - centre @ weight, output)


def _with_ones(rows: Tensor) -> Tensor:
    return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)


def _ridge(rows: Tensor, wanted: Tensor) -> Tensor:
    design = _with_ones(rows)
    gram = design.T @ design / len(rows) + RIDGE * torch.eye(design.shape[1], dtype=rows.dtype)
    solved: Tensor = torch.linalg.solve(gram, design.T @ wanted / len(rows))
    return solved


def _logistic(rows: Tensor, wanted: Tensor, output: OutputName, outputs: int) -> Tensor:
    design = _with_ones(rows)
    solved = torch.zeros(design.shape[1], outputs, dtype=rows.dtype, requires_grad=True)
    optimiser = torch.optim.LBFGS([solved], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = design @ solved
        if output == "classes":
            loss = functional.cross_entropy(logits, wanted)
        else:
            loss = functional.binary_cross_entropy_with_logits(logits, wanted)
        loss = loss + 0.5 * RIDGE * solved.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return solved.detach()
