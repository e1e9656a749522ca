"""Files of other tools, most of which hold code by design."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

from hostile.corpus import Corpus
from hostile.genuine import zipped
from hostile.payloads import payload
from hostile.state_dicts import torch_zip

CORPUS = Corpus()


@CORPUS.add("model.pt", "a TorchScript archive: it holds code")
def torchscript(canary: Path) -> bytes:
    return zipped(
        {
            "model/data.pkl": b"\x80\x02}.",
            "model/constants.pkl": payload(canary),
            "model/code/__torch__.py": b"def forward(self): ops.evil.run()",
        }
    )


@CORPUS.add("model.pt2", "a TorchScript archive: it holds code")
def torchscript_as_program(canary: Path) -> bytes:
    return torchscript(canary)


@CORPUS.add("model.pt2", r"an exported program of torch before 2\.8: it holds its weights as pickles")
def old_program(canary: Path) -> bytes:
    return zipped({"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": torch_zip(payload(canary))})


@CORPUS.add("model.tar.gz", "a packed archive: nothing is unpacked")
def packed_archive(canary: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("../../evil.py")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    return buffer.getvalue()


@CORPUS.add("model.h5", "an HDF5 file: Keras models can hold code")
def keras_file(canary: Path) -> bytes:
    return b"\x89HDF\r\n\x1a\n" + payload(canary)


@CORPUS.add("model.npy", "a numpy array: arrays can hold pickles")
def array_of_objects(canary: Path) -> bytes:
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + payload(canary)


@CORPUS.add("model.so", "a compiled program: machine code is never run")
def machine_code(canary: Path) -> bytes:
    return b"\x7fELF" + bytes(200)
