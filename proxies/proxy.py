"""What a proxy is: a definition with its direction, needs and source, and a function of the shared pass's evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.scores import Direction, ScoreBatch

Need = Literal["labels", "backward", "data"]
Family = Literal["cnn", "vit", "hybrid"]
ALL_FAMILIES: frozenset[Family] = frozenset({"cnn", "vit", "hybrid"})


def _among_others(evidence: Evidence) -> float:
    """What a proxy of ranks says of one network alone."""
    raise DegenerateError("it ranks a network among others: score several at once")


@dataclass(frozen=True)
class Proxy:
    """A zero-cost score of an untrained network.

    Attributes:
        name: as users write it.
        better: direction that the literature calls better.
        needs: what it cannot do without: labels, a backward pass, a batch of data.
        valid_for: network families for which it means what its source says.
        unit: unit of the value, empty where it has none.
        source: citation.
        description: one line.
        parts: parts of the shared pass that it reads.
        compute: the value from the evidence; raises `archlock.proxies.evidence.DegenerateError` where there is none.
        components, combine: for a score of a network among others, the proxies that it joins and how.
    """

    name: str
    better: Direction
    needs: frozenset[Need]
    valid_for: frozenset[Family]
    unit: str
    source: str
    description: str
    parts: frozenset[Part] = frozenset()
    compute: Callable[[Evidence], float] = _among_others
    components: tuple[str, ...] = ()
    combine: Callable[[Mapping[str, ScoreBatch]], ScoreBatch] | None = None
