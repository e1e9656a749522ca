"""Fuzz the readers of foreign models: mutated files must be read or refused with a clear error, and nothing else.

Genuine files of every form are cut, flipped, spliced and edited inside their JSON, and given to the readers in this
process; any exception but a `ModelError`, a message of several lines, or a file that takes more than a second is a
finding. Prints a table per form.

    python benchmarks/hostile_files.py --files 20000 --seconds 300
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "loading"))

from hostile import genuine  # the files that the tests' are made of

from archlock.errors import ModelError
from archlock.loading.limits import Limits
from archlock.loading.onnx.file import read_graph
from archlock.loading.pt2.archive import read_archive
from archlock.loading.statedict import read_weights

Random = np.random.Generator
SLOW_S = 1.0
TOKENS = (b"__import__('os')", b"-1", b"1e999", b"null", b"[]", b"{}", b'""', b"99999999999999999999", b"true", b"\x00")
READERS: dict[str, tuple[Callable[[], bytes], Callable[[bytes], object]]] = {
    "pt2": (genuine.program, lambda data: read_archive(data, "fuzz.pt2", Limits())),
    "safetensors": (genuine.weights, lambda data: read_weights(data, "fuzz.safetensors", Limits())),
    "state dict": (genuine.state_dict, lambda data: read_weights(data, "fuzz.pt", Limits())),
    "onnx": (genuine.graph, lambda data: read_graph(data, Path("/nowhere"), "fuzz.onnx", Limits())),
}
"""Form to a genuine file and to its reader."""


@dataclass
class Tally:
    """What became of the files of one form."""

    accepted: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def mutated(data: bytes, rng: Random) -> bytes:
    """A file with one to four mutations, inside its members where it is an archive."""
    if data.startswith(b"PK") and rng.random() < 0.7:
        return in_a_member(data, rng)
    for _ in range(int(rng.integers(1, 5))):
        data = once(data, rng)
    return data


def in_a_member(data: bytes, rng: Random) -> bytes:
    """An archive with one member mutated and its checksums right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in members if name.endswith((".json", ".pkl"))] if rng.random() < 0.8 else list(members)
    name = names[int(rng.integers(len(names)))]
    members[name] = (
        edited(members[name], rng) if name.endswith(".json") and rng.random() < 0.6 else once(members[name], rng)
    )
    return genuine.zipped(members)


def once(data: bytes, rng: Random) -> bytes:
    """Flip a bit, cut, repeat, splice a token, or overwrite a few bytes."""
    if not data:
        return bytes(rng.integers(0, 256, 16, dtype=np.uint8))
    at, end = sorted(int(each) for each in rng.integers(0, len(data), 2))
    token = TOKENS[int(rng.integers(len(TOKENS)))]
    noise = rng.integers(0, 256, 8, dtype=np.uint8).tobytes()
    flipped = bytes([data[at] ^ (1 << int(rng.integers(8)))])
    return (
        data[:at] + flipped + data[at + 1 :],
        data[:at],
        data[:at] + data[at : min(end, at + 4096)] * 2 + data[end:],
        data[:at] + token + data[at:],
        data[:at] + noise + data[at + 8 :],
        data[:at] + data[end:],
    )[int(rng.integers(6))]


def edited(data: bytes, rng: Random) -> bytes:
    """JSON with one value, anywhere, replaced by another or left out."""
    value = json.loads(data)
    places = []
    pending = [value]
    while pending:
        item = pending.pop()
        keys = list(item) if isinstance(item, dict) else list(range(len(item)))
        places += [(item, key) for key in keys]
        pending += [item[key] for key in keys if isinstance(item[key], dict | list)]
    if not places:
        return data
    home, key = places[int(rng.integers(len(places)))]
    if rng.random() < 0.2 and isinstance(home, dict):
        del home[key]
    else:
        others = (None, -1, 2**70, 0, "", "os.system", [], {}, 1.5, True, float("nan"), home)
        home[key] = others[int(rng.integers(len(others) - 1))]
    return json.dumps(value).encode()


def fuzz(files: int, seconds: float, seed: int) -> dict[str, Tally]:
    """Mutate and read, every form in turn, until there are enough files or the time is over."""
    tallies = {form: Tally() for form in READERS}
    originals = {form: make() for form, (make, _) in READERS.items()}
    started = time.perf_counter()
    for number in range(files):
        if time.perf_counter() - started > seconds:
            break
        form = tuple(READERS)[number % len(READERS)]
        data = mutated(originals[form], np.random.default_rng([seed, number]))
        read_one(READERS[form][1], data, f"{form} seed {seed} file {number}", tallies[form])
    return tallies


def read_one(read: Callable[[bytes], object], data: bytes, name: str, tally: Tally) -> None:
    """Read one file and note what came of it."""
    started = time.perf_counter()
    try:
        read(data)
        tally.accepted += 1
    except ModelError as error:
        tally.refused += 1
        tally.reasons[str(error).split(":")[1].strip()[:40] if ":" in str(error) else str(error)[:40]] += 1
        if "\n" in str(error):
            tally.findings.append(f"{name}: a message of several lines")
    except Exception as error:  # the finding that is looked for
        tally.findings.append(f"{name}: {type(error).__name__}: {traceback.format_exc().splitlines()[-3:]}")
    took = time.perf_counter() - started
    tally.slowest_s = max(tally.slowest_s, took)
    if took > SLOW_S:
        tally.findings.append(f"{name}: {took:.1f} s")


def main() -> None:
    """Print the table; exit 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tallies = fuzz(arguments.files, arguments.seconds, arguments.seed)
    print(f"{'form':<12} {'files':>7} {'accepted':>9} {'refused':>8} {'reasons':>8} {'slowest ms':>11} {'findings':>9}")
    for form, tally in tallies.items():
        total = tally.accepted + tally.refused + len(tally.findings)
        print(
            f"{form:<12} {total:>7} {tally.accepted:>9} {tally.refused:>8} {len(tally.reasons):>8} "
            f"{1000 * tally.slowest_s:>11.0f} {len(tally.findings):>9}"
        )
    findings = [finding for tally in tallies.values() for finding in tally.findings]
    print("\n".join(findings[:20]))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
