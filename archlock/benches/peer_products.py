"""SCALE-Sim or ZigZag on matrix products: a script for the Python of the peer's own environment; needs no archlock.

    PYTHON -I peer_products.py scalesim|zigzag < layers.json

Standard input: {"array": [rows, columns], "layers": [{"m": …, "k": …, "n": …}, …]}. Standard output: a JSON list of
{"cycles", "energy_pj", "seconds"} per layer; SCALE-Sim gives no energy. Imports are not timed, reading the peer's own
input files is. Weight stationary, the settings of the peers' shipped examples: ZigZag's TPU-like memories with its
default spatial mappings and lpf_limit 4.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

SCALESIM_CONFIG = """[general]
run_name = run
[architecture_presets]
ArrayHeight: {rows}
ArrayWidth: {columns}
IfmapSramSzkB: 64
FilterSramSzkB: 64
OfmapSramSzkB: 64
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Dataflow: ws
Bandwidth: 10
ReadRequestBuffer: 32
WriteRequestBuffer: 32
[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""


def scalesim(layer: dict[str, int], array: list[int]) -> dict[str, float | None]:
    """One product through SCALE-Sim: cycles without stalls."""
    simulation = import_module("scalesim.scale_sim").scalesim
    Path("config.cfg").write_text(SCALESIM_CONFIG.format(rows=array[0], columns=array[1]))
    Path("layers.csv").write_text(f"Layer,M,N,K,Sparsity,\nlayer,{layer['m']},{layer['n']},{layer['k']},1:1,\n")
    Path("layout.csv").write_text("Layer" + ",factor" * 20 + ",\nlayer" + ",1" * 20 + ",\n")
    files = {"config": "config.cfg", "topology": "layers.csv", "layout": "layout.csv"}
    simulation(save_disk_space=True, verbose=False, input_type_gemm=True, **files).run_scale("out")
    with next(Path("out").rglob("COMPUTE_REPORT.csv")).open(newline="") as file:
        row = {key.strip(): value for key, value in next(csv.DictReader(file)).items() if key}
    return {"cycles": float(row["Total Cycles"]), "energy_pj": None}


def zigzag(layer: dict[str, int], array: list[int]) -> dict[str, float | None]:
    """One product through ZigZag: latency and energy of the mapping that it finds."""
    import yaml

    estimate = import_module("zigzag.api").get_hardware_performance_zigzag
    product: dict[str, Any] = {
        "id": 0, "name": "layer", "operator_type": "Gemm", "equation": "O[d][k]+=I[d][c]*W[c][k]",
        "dimension_relations": [], "loop_dims": ["D", "C", "K"], "loop_sizes": [layer["m"], layer["k"], layer["n"]],
        "operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8}, "operand_source": {"I": 0, "W": 0},
    }  # fmt: skip
    Path("layer.yaml").write_text(yaml.safe_dump([product]))
    # The order of the memories is their order from the array outwards.
    Path("hardware.yaml").write_text(yaml.safe_dump(_tpu_like(array), sort_keys=False))
    Path("mapping.yaml").write_text("- name: default\n  memory_operand_links: {O: O, W: I2, I: I1}\n")
    energy, cycles, _ = estimate(
        "layer.yaml", "hardware.yaml", "mapping.yaml", opt="latency", lpf_limit=4, dump_folder="out",
        pickle_filename="out/unread", loma_show_progress_bar=False,
    )  # fmt: skip
    return {"cycles": float(cycles), "energy_pj": float(energy)}


def _tpu_like(array: list[int]) -> dict[str, Any]:
    """ZigZag's shipped hardware with another array."""
    import yaml

    place = import_module("zigzag").__file__
    assert place is not None
    hardware: dict[str, Any] = yaml.safe_load((Path(place).parent / "inputs/hardware/tpu_like.yaml").read_text())
    hardware["operational_array"]["sizes"] = [array[1], array[0]]
    return hardware


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """In an empty folder, with what the peer prints thrown away."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
        os.chdir("/")


def main() -> None:
    """Time every layer of standard input."""
    run = {"scalesim": scalesim, "zigzag": zigzag}[sys.argv[1]]
    given = json.load(sys.stdin)
    results = []
    for number, layer in enumerate([given["layers"][0], *given["layers"]]):
        with _alone():
            start = perf_counter()
            result = run(layer, given["array"])
            seconds = perf_counter() - start
        if number:  # the first is run twice: its first time has the imports in it
            results.append({**result, "seconds": seconds})
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
