"""What holds for the whole suite.

One thread: networks this small train slower on several, and sums differ with their number. No deadline for one example
of a property: a busy machine is no fault. Ctrl-C is heard, whatever started the suite: a job that a shell puts in the
background inherits a deaf ear for it, and would hand that to the programs whose interruption is tested.
"""

from __future__ import annotations

import signal

import torch
from hypothesis import settings

signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)
settings.register_profile("archlock", deadline=None)
settings.load_profile("archlock")
