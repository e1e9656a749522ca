"""Safetensors whose header lies."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch
from safetensors.torch import save

from hostile.corpus import Corpus
from hostile.genuine import weights

CORPUS = Corpus()


def with_header(header: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """Safetensors of a header of our choice."""
    return struct.pack("<Q", len(header) if length is None else length) + header + body


@CORPUS.add("weights.safetensors", "damaged: a header of 4,611,686,018,427,387,904 bytes in a file of 10")
def giant_header(canary: Path) -> bytes:
    return with_header(b"{}", length=2**62)


@CORPUS.add("weights.safetensors", "damaged safetensors: .*not fully covered")
def truncated_safetensors(canary: Path) -> bytes:
    return weights()[:-100]


@CORPUS.add("weights.safetensors", "damaged safetensors: .*unknown variant `X32`")
def flipped_header(canary: Path) -> bytes:
    data = bytearray(weights())
    data[data.find(b"F32")] = ord("X")
    return bytes(data)


@CORPUS.add("weights.safetensors", "damaged safetensors: .*invalid offset")
def overlapping_tensors(canary: Path) -> bytes:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    return with_header(json.dumps({"a": entry, "b": entry}).encode(), bytes(8))


@CORPUS.add("weights.safetensors", "damaged safetensors: .*not fully covered")
def beyond_the_end(canary: Path) -> bytes:
    entry = {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}
    return with_header(json.dumps({"a": entry}).encode(), bytes(8))


@CORPUS.add("weights.safetensors", "damaged safetensors: .*overflow computing buffer size")
def overflowing_shape(canary: Path) -> bytes:
    entry = {"dtype": "F32", "shape": [2**32, 2**32, 2**32], "data_offsets": [0, 8]}
    return with_header(json.dumps({"a": entry}).encode(), bytes(8))


@CORPUS.add("weights.safetensors", "damaged safetensors: .*recursion limit exceeded")
def deep_header(canary: Path) -> bytes:
    return with_header(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)


@CORPUS.add("weights.safetensors", "weight holds NaN or infinite values")
def weights_of_nan(canary: Path) -> bytes:
    return save({"weight": torch.tensor([1.0, float("nan")])})
