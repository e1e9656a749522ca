"""Where in the user's own code a forward pass failed."""

from __future__ import annotations

from pathlib import Path
from traceback import walk_tb

import torch

from archlock import errors

_NOT_THE_USERS = tuple(Path(str(module.__file__)).parent for module in (torch, errors))
"""Folders of torch and of this package."""


def with_place(message: str, error: BaseException) -> str:
    """The message with file and line of the innermost call that is neither torch's nor ours, where there is one."""
    calls = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    own = [(file, line) for file, line in calls if not _is_foreign(file)]
    if not own:
        return message
    file, line = own[-1]
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"{message} (at {shown}:{line})"


def _is_foreign(file: Path) -> bool:
    """Whether a file is not the user's: of torch, of this package, or none at all, such as generated code."""
    return file.suffix != ".py" or any(file.is_relative_to(folder) for folder in _NOT_THE_USERS)
