"""Lets worker processes import the units of these tests: under importlib mode the test modules have no path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
