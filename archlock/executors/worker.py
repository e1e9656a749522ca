"""What a worker process does before its first unit, and how it ends when its parent does."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Thread


def start_worker(lifeline: Connection) -> None:
    """Make this process a worker: deaf to Ctrl-C, on one thread, and gone when the lifeline's other end closes.

    The parent alone holds the other end, so its death by any cause, ``kill -9`` included, ends the worker too; a pool
    of its own would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()

    import torch

    torch.set_num_threads(1)


def _end_with_parent(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
