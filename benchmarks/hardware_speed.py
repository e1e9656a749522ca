"""Layers per second of the batched cost model beside SCALE-Sim's and ZigZag's, in one run on one machine.

    archlock bench hardware --only speed --scalesim-python VENV/bin/python --zigzag-python VENV/bin/python
    python benchmarks/hardware_speed.py [--hardware npu-edge] [--schema npu-only] [--scalesim-python …] …

The environments hold scalesim==3.0.0 (with numpy below 2) and zigzag-dse==3.9.1; either may be left out. What is timed
is told in `archlock.benches.hardware_speed`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from archlock.benches.hardware_speed import PEERS, run_speed, speed_text


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for word in PEERS.values():
        parser.add_argument(f"--{word}-python", type=Path, dest=word)
    parser.add_argument("--hardware", default="npu-edge")
    parser.add_argument("--schema", default="npu-only")
    given = vars(parser.parse_args())
    torch.set_num_threads(1)
    pythons = {peer: given[word] for peer, word in PEERS.items() if given[word]}
    print(speed_text(run_speed(pythons, given["hardware"], given["schema"])))


if __name__ == "__main__":
    main()
