"""Pre-trained probes, an optional extra: networks of timm cut to their feature map."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from archlock.errors import UsageError, did_you_mean


class PretrainedProbe(nn.Module):
    """A timm network without pooling and classifier; (n, 3, h, w) to a feature map (n, features, h', w').

    In-place activations are made ordinary ones, because the embedder needs every layer's output as it was.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False).eval()
        for module in self.body.modules():
            if hasattr(module, "inplace"):
                setattr(module, "inplace", False)  # noqa: B010 (modules type their attributes as tensors)

    def forward(self, inputs: Tensor) -> Tensor:
        """Pictures to the feature map before pooling."""
        return cast(Tensor, self.body.forward_features(inputs))  # type: ignore[operator]


def load_pretrained_probe(name: str = "resnet18", weights: bool = True) -> PretrainedProbe:
    """A convolutional network of timm as a probe for `TaskEmbedder`; its weights are downloaded where not cached.

    Args:
        name: as in timm, for instance ``resnet18``.
        weights: whether to load trained weights; random ones make the embedding a baseline.

    Raises:
        UsageError: timm is not installed, has no such network, or its weights cannot be had.
    """
    try:
        import timm
    except ImportError:
        raise UsageError("a pre-trained probe needs timm: pip install archlock[probe]") from None
    except RuntimeError as error:  # torchvision raises it where it was built for another torch
        raise UsageError(f"timm cannot be imported, torchvision must match torch: {error}") from None
    if not timm.is_model(name):
        raise UsageError(f"probe {name!r}: timm has no such network.{did_you_mean(name, timm.list_models())}")
    try:
        body = timm.create_model(name, pretrained=weights, num_classes=0, global_pool="")
    except Exception as error:  # timm and its hub client raise many kinds where weights cannot be had
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"probe {name!r}: its trained weights cannot be had: {reason}") from None
    return PretrainedProbe(body)
