"""Archives that wander, swell or lie about what they hold."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

from hostile.corpus import Corpus
from hostile.genuine import program, zipped
from hostile.payloads import payload, with_member

CORPUS = Corpus()
OUTSIDE = "leads outside the archive"
WANDERING = {
    "../../evil.py": rf"'\.\./\.\./evil\.py' {OUTSIDE}",
    "/etc/evil": f"'/etc/evil' {OUTSIDE}",
    "..\\evil.py": rf"evil\.py' {OUTSIDE}",
    "a/../../evil": rf"'a/\.\./\.\./evil' {OUTSIDE}",
    "C:evil.py": rf"'C:evil\.py' {OUTSIDE}",
    "e\nvil": rf"'e\\nvil' {OUTSIDE}",
}
CORPUS.each("traversal", "model.pt2", WANDERING, lambda canary, value: zipped({value: payload(canary)}))


def directory(data: bytes) -> int:
    """Where the list of an archive's members begins; archives within it have lists of their own."""
    return int(struct.unpack("<I", data[data.rfind(b"PK\x05\x06") + 16 :][:4])[0])


@CORPUS.add("model.pt2", r"evil\.py' leads outside the archive")
def traversal_in_a_program(canary: Path) -> bytes:
    return with_member("../../evil.py", payload(canary))


@CORPUS.add("model.pt2", r"'model/models/model\.json' is a link")
def linked_member(canary: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("model/models/model.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


@CORPUS.add("model.pt2", r"two members are named 'm/models/m\.json'")
def doubled_member(canary: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("m/models/m.json", b"{}")
        archive.writestr("m/models/m.json", payload(canary))
    return buffer.getvalue()


@CORPUS.add("model.pt2", r"'m/models/m\.json' is 1,\d\d\d times its packed size: a decompression bomb")
def decompression_bomb(canary: Path) -> bytes:
    return zipped({"m/models/m.json": bytes(24 * 1024**2)}, zipfile.ZIP_DEFLATED)


@CORPUS.add("model.pt2", "20,500 members, more than the 20,000 allowed")
def bomb_of_members(canary: Path) -> bytes:
    return zipped({f"m/extra/{number}": b"" for number in range(20_500)})


@CORPUS.add("model.pt2", "'m/a' and 'm/b' share their bytes")
def overlapping_members(canary: Path) -> bytes:
    data = bytearray(zipped({"m/a": bytes(500_000), "m/b": bytes(500_000), "m/models/m.json": b"{}"}))
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"PK\x01\x02"))
    data[at + 42 : at + 46] = struct.pack("<I", 0)
    return bytes(data)


@CORPUS.add("model.pt2", r"unpacks to 2,147,\d\d\d,\d\d\d bytes, more than the 536,870,912 allowed")
def lying_sizes(canary: Path) -> bytes:
    data, at = bytearray(program()), directory(program())
    data[at + 24 : at + 28] = struct.pack("<I", 0x7FFFFF00)
    return bytes(data)


@CORPUS.add("model.pt2", "is encrypted, so it cannot be inspected")
def encrypted_member(canary: Path) -> bytes:
    data, at = bytearray(program()), directory(program())
    data[at + 8] |= 1
    return bytes(data)


@CORPUS.add("model.pt2", "damaged archive")
def truncated_program(canary: Path) -> bytes:
    return program()[: len(program()) // 2]


@CORPUS.add("model.pt2", r"models/model\.json: damaged: Bad CRC-32")
def flipped_program(canary: Path) -> bytes:
    data = bytearray(program())
    at = data.find(b'"graph_module"')
    data[at + 3] ^= 0x40
    return bytes(data)
