"""torch.save's container with other pickles, other archives or too little inside."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import torch
from torch import nn

from hostile.corpus import Corpus
from hostile.genuine import state_dict, zipped
from hostile.payloads import Runs, payload, rezipped, text_payload

CORPUS = Corpus()


def torch_zip(pickled: bytes, extra: dict[str, bytes] | None = None) -> bytes:
    """torch.save's container around a pickle."""
    members = {"archive/data.pkl": pickled, "archive/version": b"3\n", "archive/data/0": bytes(64)}
    return zipped(members | {f"archive/{name}": data for name, data in (extra or {}).items()})


def pickle_text(text: str) -> bytes:
    """The instruction that puts a text on the stack."""
    return b"X" + struct.pack("<I", len(text)) + text.encode()


@CORPUS.add("weights.pt", r"a call of (posix|nt)\.system")
def torch_zip_of_code(canary: Path) -> bytes:
    return torch_zip(payload(canary))


@CORPUS.add("weights.pt", r"a call of torch\.nn\.modules\.container\.Sequential")
def torch_zip_of_a_module(canary: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save(nn.Sequential(nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


@CORPUS.add("weights.pt", r"a call of os\.popen")
def torch_zip_with_stack_global(canary: Path) -> bytes:
    return torch_zip(pickle.dumps(Runs(os.popen, f"touch {canary}"), protocol=4))


@CORPUS.add("weights.pt", "the instruction INST")
def torch_zip_with_inst(canary: Path) -> bytes:
    return torch_zip(text_payload(canary))


@CORPUS.add("weights.pt", r"a call of os\.system")
def torch_zip_with_obj(canary: Path) -> bytes:
    return torch_zip(f"(cos\nsystem\nS'touch {canary}'\no.".encode())


@CORPUS.add("weights.pt", r"a call of subprocess\.Popen")
def torch_zip_with_newobj(canary: Path) -> bytes:
    return torch_zip(
        b"\x80\x02csubprocess\nPopen\n(]q\x00(" + pickle_text("touch") + pickle_text(str(canary)) + b"et\x81."
    )


@CORPUS.add("weights.pt", "the instruction EXT1")
def torch_zip_with_extension_code(canary: Path) -> bytes:
    return torch_zip(b"\x80\x02\x82\x01.")


@CORPUS.add("weights.pt", "the state of a list")
def torch_zip_with_build(canary: Path) -> bytes:
    return torch_zip(b"\x80\x02]}X\x03\x00\x00\x00abcK\x01sb.")


@CORPUS.add("weights.pt", "an archive: nothing is unpacked")
def nested_zip(canary: Path) -> bytes:
    return zipped({"inner/data.zip": torch_zip(payload(canary))})


@CORPUS.add("weights.pt", "not a state dict of tensors")
def doubly_nested_zip(canary: Path) -> bytes:
    return torch_zip(b"\x80\x02}.", {"nested.zip": zipped({"again.zip": torch_zip(payload(canary))})})


@CORPUS.add("weights.pt", r"body\.0\.weight: reaches to element 107 of a storage of 0")
def out_of_storage(canary: Path) -> bytes:
    text = state_dict()
    return rezipped(text, lambda members: members.update({n: b"\x00" for n in members if n.endswith("data/0")}))


@CORPUS.add("weights.pt", r"'a/data/0' is 1,\d\d\d times its packed size: a decompression bomb")
def bomb_of_weights(canary: Path) -> bytes:
    return zipped({"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(24 * 1024**2)}, zipfile.ZIP_DEFLATED)
