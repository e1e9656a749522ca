"""Time to rank architectures on many tasks: n forward passes of ours beside one pass per pair and embedding.

    python benchmarks/relation_ranking.py [--architectures 100] [--embeddings 16] [--width 2048] [--repeats 5]

Both models learn from the same votes in this run, on one thread. *Published* is the relation perceptron of ArchLock
(ICLR 2024), 128-64-32-16 on [a, b, embedding], asked pair by pair and embedding by embedding, as the code published
with it does, without anything of ours around the network. *At once* is the same perceptron asked for all pairs of an
embedding together. *Ours* is the antisymmetric relation model, one forward pass per architecture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch

from archlock.predictors import (
    PairEvidence,
    RelationMLP,
    RelationModel,
    TaskEvidence,
    copeland_scores,
    simulate_targets,
)
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator, torch_generator

FEATURES, SEEN, VOTED = 30, 300, 90


def pair_by_pair(model: RelationMLP, features: FloatArray, embeddings: FloatArray) -> FloatArray:
    """Copeland scores with one forward pass per unordered pair and embedding; shape (t, n)."""
    network = model.network
    rows = torch.from_numpy((features - model.centre) / model.spread).float()
    tasks = torch.from_numpy(embeddings / model.scale).float()
    count = len(rows)
    outcomes = np.full((len(tasks), count, count), 0.5)
    with torch.no_grad():
        for first in range(count):
            for second in range(first + 1, count):
                pair = torch.cat([rows[first], rows[second]])
                for task, embedding in enumerate(tasks):
                    won = bool(network(torch.cat([pair, embedding])) > 0)
                    outcomes[task, first, second], outcomes[task, second, first] = won, not won
    return np.stack([copeland_scores(outcome) for outcome in outcomes])


def all_pairs(model: RelationMLP, features: FloatArray, embeddings: FloatArray) -> FloatArray:
    """The same of all pairs of an embedding at once, each in both orders; shape (t, n)."""
    return np.stack([copeland_scores((model.outcomes(features, one) > 0.5).astype(float)) for one in embeddings])


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least wall-clock time of some repeats."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=100)
    parser.add_argument("--embeddings", type=int, default=16)
    parser.add_argument("--width", type=int, default=2048, help="of an embedding")
    parser.add_argument("--repeats", type=int, default=5, help="of what takes less than a second; the best counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = numpy_generator(0, "relation ranking")
    features = np.eye(5)[rng.integers(0, 5, (SEEN, FEATURES // 5))].reshape(SEEN, -1)
    source = rng.standard_normal(options.width)
    embeddings = np.vstack([source, simulate_targets(source, options.embeddings - 1, 0.9, rng)])
    utility = features @ rng.standard_normal(FEATURES)
    evidence = [TaskEvidence(one, np.arange(VOTED), utility[:VOTED], "vote") for one in embeddings]
    ours = RelationModel.fit(features, evidence)
    pairs = [PairEvidence.of(item, rng, limit=500) for item in evidence]
    published = RelationMLP.fit(features, pairs, torch_generator(0, "relation ranking"), epochs=3)
    asked = features[-options.architectures :]
    rows = (
        ("published", lambda: pair_by_pair(published, asked, embeddings), 1),
        ("at once", lambda: all_pairs(published, asked, embeddings), options.repeats),
        ("ours", lambda: ours.order(asked, embeddings), options.repeats),
    )
    times = {name: seconds(work, repeats) for name, work, repeats in rows}
    passes = options.architectures * (options.architectures - 1) // 2 * options.embeddings
    print(f"{options.architectures} architectures, {options.embeddings} embeddings of {options.width}, one thread")
    for name, taken in times.items():
        print(f"  {name:<10}{taken * 1e3:>12.2f} ms{times['published'] / taken:>10.0f} x")
    print(f"  published: {passes} forward passes; ours: {len(asked)}, shared by all embeddings")


if __name__ == "__main__":
    main()
