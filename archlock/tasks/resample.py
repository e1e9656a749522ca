"""Brings a task to the shape a space expects. Nothing here looks at validation or test data to decide anything."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from archlock.errors import TaskError
from archlock.tasks.task import Split, Task, TaskKind

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma, ITU-R BT.601."""

SMALLEST_SPREAD = 1e-6


def map_channels(inputs: Tensor, channels: int) -> Tensor:
    """(n, c, h, w) to (n, channels, h, w): 3 to 1 by luminance, 1 to many by repetition, else the mean repeated."""
    given = inputs.shape[1]
    if given == channels:
        return inputs
    if given == 3 and channels == 1:
        weights = torch.tensor(LUMINANCE, dtype=inputs.dtype).view(1, 3, 1, 1)
        return (inputs * weights).sum(dim=1, keepdim=True)
    return inputs.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)


def map_size(images: Tensor, height: int, width: int) -> Tensor:
    """(n, c, h, w) to (n, c, height, width): each axis by area averaging where it shrinks, else bilinear."""
    for axis, size in ((2, height), (3, width)):
        if images.shape[axis] == size:
            continue
        target = (size, images.shape[3]) if axis == 2 else (images.shape[2], size)
        if size < images.shape[axis]:
            images = functional.interpolate(images, size=target, mode="area")
        else:
            images = functional.interpolate(images, size=target, mode="bilinear", align_corners=False)
    return images.contiguous()


def normalised(task: Task) -> Task:
    """The task with inputs at mean 0 and spread 1 over its training part.

    Pictures of one or three channels are scaled by one mean and one spread for all channels, which commutes with
    luminance and keeps the colours in proportion; other channel counts are scaled channel by channel.
    """
    axes = (0, 1, 2, 3) if task.io.channels in (1, 3) else (0, 2, 3)
    mean = task.train.inputs.mean(dim=axes, keepdim=True)
    spread = task.train.inputs.std(dim=axes, keepdim=True, correction=0).clamp_min(SMALLEST_SPREAD)

    def scale(split: Split) -> Split:
        return replace(split, inputs=(split.inputs - mean) / spread)

    return replace(
        task,
        train=scale(task.train),
        validation=scale(task.validation),
        test=scale(task.test),
        scaling=_after(task.scaling, float(mean), float(spread)) if mean.numel() == 1 else None,
    )


def _after(scaling: tuple[float, float] | None, mean: float, spread: float) -> tuple[float, float] | None:
    """One (mean, spread) that does what an earlier one does and then another; resizing between them commutes."""
    return None if scaling is None else (scaling[0] + scaling[1] * mean, scaling[1] * spread)


def fit_to(task: Task, input_shape: tuple[int, int, int]) -> Task:
    """The same task with inputs (channels, height, width), normalised again by its training part alone.

    Dense targets are brought to the same height and width.

    Raises:
        TaskError: a size is not positive.
    """
    channels, height, width = input_shape
    if min(input_shape) < 1:
        raise TaskError(f"{task.name}: cannot be brought to {input_shape}: every size must be at least 1")
    if input_shape == task.io.input_shape:
        return task

    def bring(split: Split) -> Split:
        inputs = map_size(map_channels(split.inputs, channels), height, width)
        dense = task.kind is TaskKind.DENSE
        return replace(split, inputs=inputs, targets=map_size(split.targets, height, width) if dense else split.targets)

    native = "x".join(map(str, task.io.input_shape))
    brought = replace(
        task,
        io=replace(task.io, channels=channels, height=height, width=width),
        train=bring(task.train),
        validation=bring(task.validation),
        test=bring(task.test),
        note=f"{task.note}; brought from {native} to {'x'.join(map(str, input_shape))}".removeprefix("; "),
    )
    return normalised(brought)
