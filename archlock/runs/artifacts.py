"""Files of a run: weights in safetensors and text, each written whole or not at all, none outside its folder."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from archlock.errors import RunFolderError

if TYPE_CHECKING:
    from torch import Tensor

PART = ".part-"
"""Beginning of the name of a file that is being written; no name of the run's own begins so."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,149}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,149}){0,7}")


def check_name(name: str) -> str:
    """The name itself, where it is safe as a relative path: words of letters, digits, ``._-``, parted by ``/``.

    Raises:
        RunFolderError: anything else: empty, absolute, hidden, ``..``, other letters, too long.
    """
    if not _NAME.fullmatch(name):
        raise RunFolderError(
            f"{name!r:.80}: not a file name for a run: use letters, digits, '.', '_', '-', parted by '/'"
        )
    return name


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks finds the old content or all of the new.

    Raises:
        RunFolderError: the disk refuses.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=PART, delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def pack_weights(weights: Mapping[str, Tensor]) -> bytes:
    """Tensors as one safetensors file; tied tensors are stored once per name."""
    from safetensors.torch import save

    return bytes(save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}))


def unpack_weights(content: bytes, where: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU.

    Raises:
        RunFolderError: not whole safetensors; ``where`` names the file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise RunFolderError(f"{where}: damaged weights: {' '.join(str(error).split())}") from None


class Artifacts:
    """Weights under ``weights/`` and text files at the top of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def weights_path(self, name: str) -> Path:
        """Where the weights of a name are; raises `RunFolderError` for a name that is not safe."""
        return self._inside(Path("weights") / f"{check_name(name)}.safetensors")

    def save_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Save tensors; see `RunStore.save_weights`."""
        write_atomically(self.weights_path(name), pack_weights(weights))

    def load_weights(self, name: str) -> dict[str, Tensor]:
        """Load tensors; see `RunStore.load_weights`."""
        path = self.weights_path(name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RunFolderError(f"{path}: no weights: {error.strerror or error}") from None
        return unpack_weights(content, str(path))

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file such as ``report.html`` and return its path; raises `RunFolderError`."""
        path = self._inside(Path(check_name(name)))
        write_atomically(path, text.encode("utf-8"))
        return path

    def sweep(self) -> None:
        """Take away files that a process was killed over before they were whole; the caller holds the lock."""
        for file in (*self.folder.glob(f"{PART}*"), *(self.folder / "weights").glob(f"**/{PART}*")):
            with contextlib.suppress(OSError):
                file.unlink()

    def _inside(self, relative: Path) -> Path:
        """A path below the folder, also when parts of it are symbolic links."""
        path = self.folder / relative
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise RunFolderError(f"{path}: leads out of the run folder; nothing was written")
        return path
