"""What holds for the whole suite.

One thread: networks this small train slower on several, and sums differ with their number. No deadline for one example
of a property: a busy machine is no fault.
"""

from __future__ import annotations

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("archlock", deadline=None)
settings.load_profile("archlock")
