"""One JSON record of a run; HTML is a view of it, and nothing is shown that the record does not hold."""

from __future__ import annotations

from archlock.report.record import RunRecord

__all__ = ["RunRecord"]
