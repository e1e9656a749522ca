"""AZ-NAS: four proxies joined by the logarithms of their ranks, a score of a network among others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.proxies.proxy import ALL_FAMILIES, Proxy
from archlock.scores import ScoreBatch

COMPONENTS = ("az_expressivity", "az_progressivity", "az_trainability", "macs")
"""Expressivity, progressivity, trainability and complexity."""


def az_nas(batches: Mapping[str, ScoreBatch]) -> ScoreBatch:
    """Sum over components of log(rank / m), rank m for the best of m candidates; 0 at best.

    A candidate that is bad in one component is punished more than one that is middling in all. Equal scores share
    their mean rank; a failed component ranks last.

    Args:
        batches: each of `COMPONENTS` to the scores of the same m candidates.

    Returns:
        The scores in the order of the candidates, those known that have at least one component.

    Raises:
        UsageError: a component is missing.
    """
    missing = [name for name in COMPONENTS if name not in batches]
    if missing:
        raise UsageError(f"az_nas needs scores of {', '.join(missing)}")
    joined = [batches[name] for name in COMPONENTS]
    count = len(joined[0].values)
    total = np.zeros(count)
    for batch in joined:
        signed = batch.values if batch.better == "higher" else -batch.values
        total += np.log(rankdata(np.where(batch.known, signed, -np.inf)) / max(count, 1))
    known = np.logical_or.reduce([batch.known for batch in joined])
    reasons = tuple(
        "" if is_known else batch_reason for is_known, batch_reason in zip(known, joined[0].reasons, strict=True)
    )
    return ScoreBatch(total, known, reasons, "nat", "higher")


PROXIES = (
    Proxy(
        name="az_nas",
        better="higher",
        needs=frozenset({"backward"}),
        valid_for=ALL_FAMILIES,
        unit="nat",
        source="Lee and Ham, AZ-NAS, CVPR 2024",
        description="log ranks of expressivity, progressivity, trainability and macs, summed",
        components=COMPONENTS,
        combine=az_nas,
    ),
)
