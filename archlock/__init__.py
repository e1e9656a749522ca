"""archlock: neural architectures that do their own task well and transfer badly to others."""

from __future__ import annotations

__version__ = "0.1.0"
