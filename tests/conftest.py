"""One thread for the whole suite: networks this small train slower on several, and sums differ with their number."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
