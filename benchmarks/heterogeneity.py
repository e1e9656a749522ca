"""What NPU and CIM together gain over either alone, over sampled hybrid networks, on shipped profiles.

    archlock bench hardware --only heterogeneity
    python benchmarks/heterogeneity.py [--networks 200] [--input 3x32x32] [--hardware edge-npu-cim] [--schema NAME]...

What is compared is told in `archlock.benches.heterogeneity`; here networks, input and system may be others.
"""

from __future__ import annotations

import argparse

import torch

from archlock.benches.heterogeneity import SCHEMAS, heterogeneity_text, run_heterogeneity


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--hardware", default="edge-npu-cim")
    parser.add_argument("--input", default="3x32x32", help="CHANNELSxHEIGHTxWIDTH")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schema", action="append", help="repeat; default sequential and parallel")
    given = parser.parse_args()
    torch.set_num_threads(1)
    channels, height, width = (int(size) for size in given.input.split("x"))
    print(f"{given.networks} hybrid networks at {given.input}, seed {given.seed}, on {given.hardware}")
    schemas = given.schema or SCHEMAS
    shape = (channels, height, width)
    print(heterogeneity_text(run_heterogeneity(given.networks, given.seed, shape, given.hardware, schemas)))


if __name__ == "__main__":
    main()
