"""Attacks by name: how each prepares its network, and which weights it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archlock.attacks.edits import edit_names, edits
from archlock.attacks.release import Release
from archlock.errors import UsageError, did_you_mean
from archlock.iospec import IOSpec
from archlock.spaces.network import Network
from archlock.spaces.protocol import SearchSpace

SURGERY = "surgery:"

Prepare = Callable[[Release, IOSpec, int], Network | None]


@dataclass(frozen=True)
class Attack:
    """One way to reuse a release.

    Attributes:
        prepare: (release, the target's io, seed) to the network to train, or None where there is nothing to do.
        head_only: the body stays frozen, in evaluation mode.
    """

    prepare: Prepare
    head_only: bool = False


def _rebuild(release: Release, io: IOSpec, seed: int) -> Network:
    return release.rebuild(io, seed)


def _surgery(edit: str) -> Prepare:
    def prepare(release: Release, io: IOSpec, seed: int) -> Network | None:
        edited = edits(release.space, release.genotype, (edit,)).get(edit)
        return None if edited is None else release.rebuild(io, seed, edited)

    return prepare


ATTACKS: dict[str, Attack] = {
    "linear-probe": Attack(_rebuild, head_only=True),
    "fine-tune": Attack(_rebuild),
    **{SURGERY + edit: Attack(_surgery(edit)) for edit in edit_names()},
}


def attack_names(space: SearchSpace | None = None) -> tuple[str, ...]:
    """Attacks on releases of a space, or of any."""
    surgeries = edit_names(space)
    return (*(name for name in ATTACKS if not name.startswith(SURGERY)), *(SURGERY + edit for edit in surgeries))


def find_attack(name: str) -> Attack:
    """An attack by name.

    Raises:
        UsageError: no attack of that name.
    """
    if name not in ATTACKS:
        raise UsageError(f"attack {name!r} is not known.{did_you_mean(name, tuple(ATTACKS))}")
    return ATTACKS[name]
