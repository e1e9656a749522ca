"""What a network is asked to do: data in three parts, a loss, and a metric that is higher when better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional

from archlock.errors import TaskError
from archlock.iospec import IOSpec, OutputKind


class TaskKind(StrEnum):
    """What is learned."""

    CLASSIFICATION = "classification"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"
    DENSE = "dense"


OUTPUT_OF = {
    TaskKind.CLASSIFICATION: OutputKind.CLASSES,
    TaskKind.MULTILABEL: OutputKind.LABELS,
    TaskKind.REGRESSION: OutputKind.VALUES,
    TaskKind.DENSE: OutputKind.DENSE,
}

METRIC_OF = {
    TaskKind.CLASSIFICATION: "accuracy",
    TaskKind.MULTILABEL: "macro F1",
    TaskKind.REGRESSION: "1 - relative error",
    TaskKind.DENSE: "1 - relative error",
}


@dataclass(frozen=True)
class Split:
    """Inputs, shape (n, channels, height, width), float32; targets as `archlock.iospec.OutputKind` states.

    ``groups``, int64, (n,) or (n, k), says which samples are parts of one thing (windows of one recording) where a
    `Measure` judges the whole; None where each sample stands for itself.
    """

    inputs: Tensor
    targets: Tensor
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: Tensor) -> Split:
        """The samples at some indices."""
        groups = None if self.groups is None else self.groups[indices]
        return Split(self.inputs[indices], self.targets[indices], groups)


@dataclass(frozen=True)
class Measure:
    """A published loss and metric that are not the usual ones of the kind.

    Attributes:
        name: of the metric; higher is better, 1 is perfect.
        metric: (outputs, targets, groups or None) of all samples at once to the metric.
        loss: (outputs, targets) of a batch to a differentiable scalar; None for the usual loss of the kind.
    """

    name: str
    metric: Callable[[Tensor, Tensor, Tensor | None], float]
    loss: Callable[[Tensor, Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Task:
    """Data, loss and metric of one task.

    Attributes:
        name: unique name, as a user would write it.
        kind: what is learned.
        io: input shape and output of a network for it.
        train, validation, test: disjoint samples. Statistics that any of them is scaled by come from ``train`` alone.
        classes: class or label names, empty for the other kinds.
        note: one line on where the data comes from and how it was brought to this shape.
        scaling: (mean, spread) such that inputs are (raw - mean) / spread, raw values resized and mapped to the
            channels of ``io``; None where the channels are scaled one by one.
        measure: loss and metric where they are not the usual ones of the kind.
        overlapping: samples of one part may share what they are cut from, so that no other parts can be drawn.
    """

    name: str
    kind: TaskKind
    io: IOSpec
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...] = ()
    note: str = ""
    settings: dict[str, str | int | float] = field(default_factory=dict)
    scaling: tuple[float, float] | None = (0.0, 1.0)
    measure: Measure | None = None
    overlapping: bool = False

    def __post_init__(self) -> None:
        for part, split in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            _check_split(f"{self.name}: {part}", split, self.io)

    @property
    def metric_name(self) -> str:
        """Name of the metric; higher is better, 1 is perfect."""
        return METRIC_OF[self.kind] if self.measure is None else self.measure.name

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean training loss of a batch, a differentiable scalar."""
        if self.measure is not None and self.measure.loss is not None:
            return self.measure.loss(outputs, targets)
        if self.kind is TaskKind.CLASSIFICATION:
            return functional.cross_entropy(outputs, targets)
        if self.kind is TaskKind.MULTILABEL:
            return functional.binary_cross_entropy_with_logits(outputs, targets)
        return functional.mse_loss(outputs, targets)

    def metric(self, outputs: Tensor, targets: Tensor, groups: Tensor | None = None) -> float:
        """Metric over all samples at once; higher is better, 1 is perfect. ``groups`` are those of the `Split`.

        Classification: share correct. Multi-label: F1 averaged over labels. Regression and dense: one minus the
        relative L2 error per sample, averaged (the Darcy-flow measure of Li et al., ICLR 2021, as a score). A task
        with a `Measure` of its own uses that.
        """
        if self.measure is not None:
            return self.measure.metric(outputs, targets, groups)
        if self.kind is TaskKind.CLASSIFICATION:
            return float((outputs.argmax(dim=1) == targets).float().mean())
        if self.kind is TaskKind.MULTILABEL:
            return _macro_f1(outputs > 0, targets > 0.5)
        error = (outputs - targets).flatten(1).norm(dim=1) / targets.flatten(1).norm(dim=1).clamp_min(1e-8)
        return float(1 - error.mean())

    def fraction(self, share: float, generator: torch.Generator) -> Task:
        """The same task with a random share of its training samples, at least two and at least one per class.

        Raises:
            TaskError: the share is not in (0, 1].
        """
        if not 0 < share <= 1:
            raise TaskError(f"{self.name}: a data fraction must be in (0, 1], not {share}")
        if share == 1:
            return self
        order = torch.randperm(len(self.train), generator=generator)
        # Two at least: batch norm cannot train on one sample.
        keep = order[: max(2, round(share * len(order)))]
        if self.kind is TaskKind.CLASSIFICATION:
            labels = self.train.targets[order]
            firsts = torch.stack([order[int((labels == label).nonzero()[0])] for label in set(labels.tolist())])
            keep = torch.cat([firsts, keep[~torch.isin(keep, firsts)]])[: max(len(keep), len(firsts))]
        return replace(self, train=self.train.take(keep))

    def revalidated(self, generator: torch.Generator) -> Task:
        """The same task with another validation part of the same size; the test part is not touched.

        It is drawn at random from the training part, which the old one joins. Samples that are judged in groups or
        overlap stay.
        """
        if self.overlapping or self.train.groups is not None or self.validation.groups is not None:
            return self
        order = torch.randperm(len(self.train), generator=generator)
        count = min(len(self.validation), len(self.train) // 2)
        kept, old = self.train.take(order[count:]), self.validation
        train = Split(torch.cat([kept.inputs, old.inputs]), torch.cat([kept.targets, old.targets]))
        return replace(self, train=train, validation=self.train.take(order[:count]))


def _macro_f1(predicted: Tensor, actual: Tensor) -> float:
    hits = (predicted & actual).sum(dim=0).double()
    total = predicted.sum(dim=0) + actual.sum(dim=0)
    return float(torch.where(total > 0, 2 * hits / total.clamp_min(1), 1.0).mean())


def _check_split(where: str, split: Split, io: IOSpec) -> None:
    """Raise a `TaskError` that names the first fault of a split."""
    if len(split.inputs) == 0 or len(split.inputs) != len(split.targets):
        raise TaskError(f"{where}: {len(split.inputs)} inputs and {len(split.targets)} targets")
    if tuple(split.inputs.shape[1:]) != io.input_shape:
        raise TaskError(f"{where}: inputs have shape {tuple(split.inputs.shape[1:])}, expected {io.input_shape}")
    if not bool(torch.isfinite(split.inputs).all()):
        raise TaskError(f"{where}: inputs hold NaN or infinite values")
    if io.output is OutputKind.CLASSES:
        low, high = int(split.targets.min()), int(split.targets.max())
        if low < 0 or high >= io.outputs:
            raise TaskError(f"{where}: labels run from {low} to {high}, expected 0 to {io.outputs - 1}")
    elif not bool(torch.isfinite(split.targets).all()):
        raise TaskError(f"{where}: targets hold NaN or infinite values")
