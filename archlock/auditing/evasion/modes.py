"""A network in training mode whose norms and dropout do as in evaluation, so that any other difference shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

KNOWN = (
    nn.modules.batchnorm._NormBase,
    nn.modules.dropout._DropoutNd,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RReLU,
)
"""Layers of torch of which it is known what they do in training; those of others that keep their forward pass, too."""
KNOWN_PLACES = (
    "torch.nn.utils.parametrizations",
    "torchvision.ops.stochastic_depth",
    "torchvision.ops.drop_block",
    "timm.layers.drop",
    "timm.layers.norm_act",
)
DROPOUTS = (
    functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d, functional.alpha_dropout,
    functional.feature_alpha_dropout, torch.dropout, torch.feature_dropout, torch.alpha_dropout,
)  # fmt: skip


@contextmanager
def settled(network: nn.Module) -> Iterator[None]:
    """Within it, known layers and functions that drop or take statistics do as in evaluation.

    Args:
        network: in training mode; its known layers are put into evaluation mode.
    """
    for module in network.modules():
        if _is_known(module):
            module.training = False
    with _Settled():
        yield


def _is_known(module: nn.Module) -> bool:
    place = type(module).forward.__module__
    return place in KNOWN_PLACES or (isinstance(module, KNOWN) and place.startswith("torch.nn."))


class _Settled(TorchFunctionMode):
    """Functions of torch that know of training, without it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """The function's result as in evaluation."""
        given = dict(kwargs or {})
        if func in DROPOUTS:
            return args[0] if args else given["input"]
        if func is functional.batch_norm:
            named = inspect.signature(functional.batch_norm).bind(*args, **given)
            named.arguments["training"] = named.arguments.get("running_mean") is None
            args, given = named.args, named.kwargs
        if func is functional.scaled_dot_product_attention:
            # query, key, value, mask, then the rate, by place or by name.
            args, given = (*args[:4], *((0.0, *args[5:]) if len(args) > 4 else ())), {**given}
            if len(args) <= 4:
                given["dropout_p"] = 0.0
        return func(*args, **given)
