"""The vote of the ArchLock paper: of two architectures the one that more proxies prefer is taken to be better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.errors import UsageError
from archlock.scores import FloatArray, ScoreBatch

_CHUNK_ENTRIES = 400_000
"""Entries of the vote matrix held at a time; few enough to stay in a processor's cache."""

_Ranks = NDArray[np.signedinteger[Any]]


def vote(batches: Mapping[str, ScoreBatch]) -> FloatArray:
    """Copeland score of each candidate under the majority of the proxies.

    A proxy's vote between two candidates goes to the better score; a known score beats a failed one; equal scores and
    two failed ones are half a vote each. A candidate gets 1 for each other candidate that it beats by majority and
    1/2 for each tie, divided by the number of others.

    Args:
        batches: proxy name to the scores of the same n candidates.

    Returns:
        shape (n,), in [0, 1], 1 for a candidate that beats all others; 1/2 where there is only one candidate. Time
        grows with n^2, memory with n.

    Raises:
        UsageError: no proxies, or batches of different lengths.

    Source: binary votes of ArchLock (ICLR 2024); Copeland, 1951.
    """
    ranks = _dense_ranks(batches)
    count = ranks.shape[1]
    if count < 2:
        return np.full(count, 0.5)
    scores = np.empty(count)
    for rows, margins in _margins(ranks):
        scores[rows] = np.count_nonzero(margins > 0, axis=1) - np.count_nonzero(margins < 0, axis=1)
    return np.asarray((scores / (count - 1) + 1) / 2, dtype=np.float64)


def pairwise_votes(batches: Mapping[str, ScoreBatch], shares: bool = False) -> FloatArray:
    """Outcome of every pair; entry (a, b) is 1 where a beats b by majority, 0 where b beats a, 1/2 for a tie.

    Args:
        batches: proxy name to the scores of the same n candidates.
        shares: give instead the share of votes that a gets against b.

    Returns:
        shape (n, n); entries (a, b) and (b, a) sum to 1. Raises as `vote`.
    """
    ranks = _dense_ranks(batches)
    proxies, count = ranks.shape
    outcome = np.empty((count, count))
    for rows, margins in _margins(ranks):
        outcome[rows] = (margins / proxies if shares else np.sign(margins)) * 0.5 + 0.5
    return outcome


def _dense_ranks(batches: Mapping[str, ScoreBatch]) -> _Ranks:
    """Shape (proxies, n): equal scores share a rank, higher is better, failed ones are lowest."""
    if not batches:
        raise UsageError("a vote needs at least one proxy")
    lengths = {name: len(batch.values) for name, batch in batches.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(f"a vote needs scores of the same candidates, not batches of lengths {lengths}")
    count = next(iter(lengths.values()))
    return np.stack([_ranks(batch) for batch in batches.values()]).astype(np.min_scalar_type(-max(count, 1)))


def _ranks(batch: ScoreBatch) -> NDArray[np.int64]:
    signed = batch.values if batch.better == "higher" else -batch.values
    ranks = np.full(len(signed), -1, dtype=np.int64)
    ranks[batch.known] = np.unique(signed[batch.known], return_inverse=True)[1]
    return ranks


def _margins(ranks: _Ranks) -> Iterator[tuple[slice, _Ranks]]:
    """Votes for minus votes against, by chunks of rows: shape (rows, n).

    Narrow integers throughout: the work is bound by memory, and a comparison's bytes are added without conversion.
    """
    proxies, count = ranks.shape
    margin_type = np.min_scalar_type(-proxies - 1)
    height = max(1, _CHUNK_ENTRIES // max(count, 1))
    for start in range(0, count, height):
        rows = slice(start, min(start + height, count))
        margins = np.zeros((rows.stop - start, count), dtype=margin_type)
        for proxy in ranks:
            mine = proxy[rows, None]
            margins += (mine > proxy).view(np.int8)
            margins -= (mine < proxy).view(np.int8)
        yield rows, margins
