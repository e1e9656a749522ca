"""Locking methods by name, and which one a mode uses unless told otherwise."""

from __future__ import annotations

from archlock.errors import UsageError, did_you_mean
from archlock.locking.tabular.known import known
from archlock.locking.tabular.paper import paper, robust_paper
from archlock.locking.tabular.problem import Method, Mode
from archlock.locking.tabular.random_picks import random_admissible
from archlock.locking.tabular.robust import robust
from archlock.locking.tabular.unknown import robust_unknown, unknown

METHODS: dict[str, Method] = {
    "known": known,
    "paper": paper,
    "random": random_admissible,
    "robust": robust,
    "robust-paper": robust_paper,
    "robust-unknown": robust_unknown,
    "unknown": unknown,
}
"""A method is one entry here; the replay test runs every one of them."""


def method_names() -> tuple[str, ...]:
    """Known methods."""
    return tuple(METHODS)


def load_method(name: str) -> Method:
    """A method by name.

    Raises:
        UsageError: no such method.
    """
    if name not in METHODS:
        raise UsageError(f"method {name!r} is unknown.{did_you_mean(name, method_names())}")
    return METHODS[name]


def default_method(mode: Mode, robust: bool) -> str:
    """The method that a mode uses: named as the mode, or, where edits count, as its robust form."""
    if not robust:
        return mode
    return "robust" if mode == "known" else f"robust-{mode}"
