"""Energy of the NPU model without DRAM beside ZigZag itself, run on fresh layers.

    python benchmarks/zigzag_fresh.py --python ZIGZAG_ENV/bin/python [--count 20] [--seed 0]

The environment needs ``pip install zigzag-dse==3.9.1 six``. Layers (matrix products and convolutions with 1x1 and 3x3
kernels) and square arrays are drawn; ZigZag maps each with its own search (lowest latency, four loop factors, output
channels along one side of the array and input channels along the other), about 1 to 100 s per layer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from archlock.hwcost.units.npu_reference import zigzag_energy_pj, zigzag_stated_pj
from archlock.seeding import numpy_generator

RUN = """
import json, logging, os, sys, yaml, zigzag
from zigzag.api import get_hardware_performance_zigzag
logging.disable(logging.CRITICAL)
side, folder = int(sys.argv[1]), sys.argv[2]
with open(os.path.join(os.path.dirname(zigzag.__file__), "inputs/hardware/tpu_like.yaml")) as file:
    hardware = yaml.safe_load(file)
hardware["operational_array"]["sizes"] = [side, side]
with open(folder + "/hardware.yaml", "w") as file:
    yaml.safe_dump(hardware, file, sort_keys=False)
found = get_hardware_performance_zigzag(
    folder + "/layer.yaml", folder + "/hardware.yaml", folder + "/mapping.yaml", opt="latency", lpf_limit=4,
    dump_folder=folder, pickle_filename=folder + "/cmes.pickle", loma_show_progress_bar=False)
cost = found[2][0][1][0][0]
levels = {str(operand): [float(each) for each in energies] for operand, energies in cost.mem_energy_breakdown.items()}
unrolled = next(iter(cost.spatial_mapping.mapping_dict_origin.values()))
loops = " ".join(f"({loop}, {int(size)})" for level in unrolled for loop, size in level)
print(json.dumps({"mac_energy_pJ": float(cost.mac_energy), "levels": levels, "spatial_mapping": loops}))
"""
MAPPING = [
    {
        "name": "default",
        "spatial_mapping_hint": {"D1": ["K", "G"], "D2": ["C", "FX"]},
        "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
    }
]
PRECISION = {"operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8}, "operand_source": {"I": 0, "W": 0}}


def product(m: int, k: int, n: int) -> dict[str, Any]:
    """ZigZag's description of a matrix product."""
    sizes = {"equation": "O[d][k]+=I[d][c]*W[c][k]", "dimension_relations": [], "loop_dims": ["D", "C", "K"]}
    return {"id": 0, "name": "layer", "operator_type": "Gemm", **sizes, "loop_sizes": [m, k, n], **PRECISION}


def convolution(side: int, channels: int, outputs: int, kernel: int) -> dict[str, Any]:
    """ZigZag's description of a convolution of a padded square map, ``side`` outputs wide."""
    wide = side + kernel - 1
    return {
        "id": 0, "name": "layer", "operator_type": "Conv",
        "equation": "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]",
        "dimension_relations": ["ix=1*ox+1*fx", "iy=1*oy+1*fy"],
        "loop_dims": ["B", "K", "G", "OX", "OY", "C", "FX", "FY"],
        "loop_sizes": [1, outputs, 1, side, side, channels, kernel, kernel],
        "pr_loop_dims": ["IX", "IY"], "pr_loop_sizes": [wide, wide], "padding": [[0, 0], [0, 0]], **PRECISION,
    }  # fmt: skip


def draw(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, str]]:
    """A layer for ZigZag, and the same as the beginning of a row of a reference file."""
    array = int(rng.choice([8, 16, 32, 64, 128]))
    channels, outputs = (int(rng.choice([16, 24, 32, 48, 64, 96, 128, 192, 256])) for _ in range(2))
    kernel = int(rng.choice([0, 1, 1, 3]))
    if kernel:
        side = int(rng.choice([7, 8, 14, 16, 28]))
        m, k, layer = side * side, channels * kernel**2, convolution(side, channels, outputs, kernel)
    else:
        m, k = int(rng.choice([49, 64, 196, 197, 256])), channels
        layer = product(m, k, outputs)
    sizes = {"gemm_M": m, "gemm_K": k, "gemm_N": outputs, "macs": m * k * outputs, "repeat": 1}
    row = {name: str(size) for name, size in sizes.items()}
    name, kind = (f"conv{kernel}x{kernel}", "conv") if kernel else ("gemm", "gemm")
    return layer, row | {"layer": name, "kind": kind, "hardware": f"tpu_like_ws_{array}x{array}", "flags": ""}


def run_zigzag(python: Path, layer: dict[str, Any], row: dict[str, str]) -> dict[str, str]:
    """The row with what ZigZag finds."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("layer", [layer]), ("mapping", MAPPING)):
            (Path(folder) / f"{name}.yaml").write_text(json.dumps(content))
        side = row["hardware"].rpartition("x")[2]
        command = [str(python), "-c", RUN, side, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise SystemExit(f"ZigZag failed on {row}: {done.stderr.strip().splitlines()[-1:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    levels = json.dumps(found.pop("levels"))
    return row | {name: str(value) for name, value in found.items()} | {"mem_energy_by_level_json": levels}


def main() -> None:
    """Print every layer and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, errors, start = numpy_generator(given.seed, "zigzag", "fresh"), [], perf_counter()
    for _ in range(given.count):
        row = run_zigzag(given.python, *draw(rng))
        ours, theirs = zigzag_energy_pj([row])[0], zigzag_stated_pj([row])[0]
        errors.append(abs(ours / theirs - 1))
        name = f"{row['layer']:8} ({row['gemm_M']} x {row['gemm_K']}) by {row['gemm_N']} on {row['hardware']}"
        print(f"{name:60}{ours:14,.0f}{theirs:14,.0f} pJ{100 * errors[-1]:8.2f} %", flush=True)
    middle, high = 100 * np.median(errors), 100 * np.percentile(errors, 95)
    seconds = perf_counter() - start
    print(f"{given.count} layers: median {middle:.3f} %, 95th percentile {high:.2f} %; {seconds:.0f} s for ZigZag")


if __name__ == "__main__":
    main()
