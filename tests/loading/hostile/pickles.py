"""Pickles on their own, under every name that a user may meet."""

from __future__ import annotations

import pickle
from pathlib import Path

from hostile.corpus import Corpus
from hostile.payloads import Runs, payload, text_payload

CORPUS = Corpus()
SYSTEM = r"a call of (posix|nt)\.system"
PROTOCOLS = {"pickle.pkl": 4, "weights.pt": 2, "weights.pth": 3, "model.bin": 5, "model.ckpt": 2}
for _file, _protocol in PROTOCOLS.items():
    CORPUS.each(f"pickle_as_{_file}", _file, {_protocol: SYSTEM}, lambda canary, value: payload(canary, value))


@CORPUS.add("model.pt", "the instruction INST")
def text_pickle(canary: Path) -> bytes:
    return text_payload(canary)


@CORPUS.add("model.pt2", SYSTEM)
def pickle_as_program(canary: Path) -> bytes:
    return payload(canary)


@CORPUS.add("weights.safetensors", SYSTEM)
def pickle_as_safetensors(canary: Path) -> bytes:
    return payload(canary, 4)


@CORPUS.add("model.onnx", SYSTEM)
def pickle_as_onnx(canary: Path) -> bytes:
    return payload(canary, 4)


@CORPUS.add("model.dat", r"a call of builtins\.exec")
def pickle_of_exec(canary: Path) -> bytes:
    return pickle.dumps(Runs(exec, f"open({str(canary)!r}, 'w')"))


@CORPUS.add("model.joblib", r"a call of __builtin__\.eval")
def pickle_of_import(canary: Path) -> bytes:
    return f'c__builtin__\neval\n(S\'open("{canary}","w")\'\ntR.'.encode()
