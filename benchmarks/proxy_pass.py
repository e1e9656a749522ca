"""Time of the shared proxy pass beside one forward and backward pass, and beside one pass per proxy, in one run.

    python benchmarks/proxy_pass.py [--batch 32] [--size 16] [--repeats 15] [--threads 1]

Prints, per network, the median processor time of: one training forward and backward pass; every proxy in one shared
pass; every proxy in a pass of its own; and the two ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.proxies import PROXIES, score_network


def unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def mobile(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Inverted bottleneck of expansion 4."""
    wide = 4 * inputs
    project = (nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
    return nn.Sequential(unit(inputs, wide, 1), unit(wide, wide, 3, stride, wide), *project)


class Encoder(nn.Module):
    """Patches of 4x4, two transformer layers, mean of the tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        layers = (nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True) for _ in range(2))
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, 3, h, w) to (batch, width, 1, 1)."""
        tokens: Tensor = self.layers(self.patch(inputs).flatten(2).transpose(1, 2))
        return tokens.mean(dim=1)[:, :, None, None]


def networks() -> dict[str, nn.Module]:
    """Name to a small network of each kind."""

    def with_head(width: int, *body: nn.Module) -> nn.Module:
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))

    return {
        "plain CNN": with_head(64, unit(3, 16), unit(16, 32, stride=2), unit(32, 32), unit(32, 64, stride=2)),
        "MBConv": with_head(32, unit(3, 16), mobile(16, 24, 2), mobile(24, 24), mobile(24, 32, 2), mobile(32, 32)),
        "ViT": with_head(64, Encoder(64)),
    }


def median_seconds(work: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median processor seconds of each piece of work; the pieces take turns, so that a busy machine hits all alike."""
    times: list[list[float]] = [[] for _ in work]
    for turn in range(repeats + 2):
        for index, run in enumerate(work):
            start = time.process_time()
            run()
            if turn >= 2:
                times[index].append(time.process_time() - start)
    return [statistics.median(found) for found in times]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 32), ("size", 16), ("repeats", 15), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    inputs = torch.randn(options.batch, 3, options.size, options.size)
    targets = torch.randint(0, 10, (options.batch,))
    print(f"batch {options.batch}, input 3x{options.size}x{options.size}, {len(PROXIES)} proxies, milliseconds")
    print(f"{'network':<10} {'fwd+bwd':>8} {'shared':>8} {'separate':>8}  shared/fwd+bwd  separate/shared")
    for name, network in networks().items():

        def train_step(network: nn.Module = network) -> None:
            network.zero_grad()
            functional.cross_entropy(network(inputs), targets).backward()

        def shared(network: nn.Module = network) -> None:
            score_network(network, inputs, targets, functional.cross_entropy)

        def separate(network: nn.Module = network) -> None:
            for proxy in PROXIES:
                score_network(network, inputs, targets, functional.cross_entropy, [proxy])

        step_s, shared_s, separate_s = median_seconds([train_step, shared, separate], options.repeats)
        row = " ".join(f"{1e3 * seconds:8.1f}" for seconds in (step_s, shared_s, separate_s))
        print(f"{name:<10} {row}  {shared_s / step_s:14.2f}  {separate_s / shared_s:15.2f}")


if __name__ == "__main__":
    main()
