"""The process that opens one foreign file: ``python -m archlock.loading.worker ORDER``, for `archlock.loading.guard`.

It bounds itself before it opens the file, and from then on starts no process, opens no connection and writes nowhere
but into its folder: what would, raises.
"""

from __future__ import annotations

import difflib  # noqa: F401  # suggestions in refusals; no module is loaded once the watch is on
import encodings.cp437  # noqa: F401  # names of archive members
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archlock.errors import ArchlockError, ModelError
from archlock.loading.guard import RESULT
from archlock.loading.limits import Limits

_FORBIDDEN_NAMES = """os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty subprocess.Popen socket.connect
    socket.bind socket.sendto socket.getaddrinfo pickle.find_class webbrowser.open"""
FORBIDDEN = _FORBIDDEN_NAMES.split()
"""What the interpreter announces before it does it, and no reader of models does."""
_CHANGING_NAMES = (
    """os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown shutil.rmtree"""
)
CHANGING = _CHANGING_NAMES.split()
"""What is done to a path, and only in the folder."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def main(order: Mapping[str, Any]) -> None:
    """Carry out an order and write the answer into its folder."""
    limits = Limits(**order["limits"])
    folder = Path(order["folder"])
    try:
        job = _job(order["job"])
        with_torch = "torch" in sys.modules
        bound(limits, with_torch=with_torch)
        watch(folder, imports=with_torch)
        answer = job(order, limits)
    except ArchlockError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {
            "error": f"{order['where']}: needs more than {limits.memory_bytes / 1024**3:.1f} GiB to be read; refused"
        }
    except RecursionError:
        answer = {"error": f"{order['where']}: nested too deeply; refused"}
    (folder / RESULT).write_text(json.dumps(answer), encoding="utf-8")


def read_file(path: str, where: str, limits: Limits) -> bytes:
    """A regular file of bounded size.

    Raises:
        ModelError: it cannot be read, or is too large.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(limits.file_bytes + 1)
    except OSError as error:
        raise ModelError(f"{where}: {error.strerror}") from None
    if len(data) > limits.file_bytes:
        raise ModelError(f"{where}: more than the {limits.file_bytes:,} bytes allowed")
    return data


def sha256(data: bytes) -> str:
    """SHA-256 of the bytes that were read, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def bound(limits: Limits, *, with_torch: bool) -> None:
    """Limit this process; where the system cannot, only the time by the wall is limited, from outside."""
    try:
        import resource
    except ImportError:
        return
    # Libraries that are already mapped need no memory until they are used; beyond them counts what is asked for.
    space = limits.memory_bytes + (_mapped_bytes() if with_torch else 0)
    seconds = int(limits.seconds) + 1
    for kind, most in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 2 * limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def _mapped_bytes() -> int:
    """Address space that is taken and not resident."""
    try:
        size, resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[:2]
    except OSError:
        return 0
    return (int(size) - int(resident)) * os.sysconf("SC_PAGE_SIZE")


def watch(folder: Path, *, imports: bool) -> None:
    """From here on this process reads, computes, and writes into one folder.

    Args:
        folder: where it may write.
        imports: further modules may be imported; torch does so on its first operators.
    """
    home = str(folder.resolve()) + os.sep
    forbidden = frozenset(FORBIDDEN if imports else (*FORBIDDEN, "marshal.loads", "compile"))

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in forbidden:
            raise ModelError(f"reading it tried {event}; refused")
        changes = event in CHANGING or (event == "open" and _writes(arguments))
        if changes and not os.path.realpath(str(arguments[0])).startswith(home):
            raise ModelError(f"reading it tried to change {str(arguments[0])[:100]!r}; refused")

    sys.addaudithook(refuse)


def _writes(arguments: tuple[Any, ...]) -> bool:
    """Whether an ``open`` is for writing: by its mode, or by its flags where it has none."""
    mode, flags = arguments[1], arguments[2]
    return any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags and flags & WRITING)


def _job(name: str) -> Callable[[Mapping[str, Any], Limits], dict[str, Any]]:
    """A job by name, with everything it needs imported beforehand."""
    if name in ("try_program", "try_onnx"):
        from archlock.loading import trials

        jobs: Mapping[str, Callable[[Mapping[str, Any], Limits], dict[str, Any]]] = trials.JOBS
    elif name == "onnx":
        from archlock.loading.onnx import job

        jobs = {"onnx": job.read}
    else:
        from archlock.loading import jobs as plain

        jobs = plain.JOBS
    return jobs[name]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
