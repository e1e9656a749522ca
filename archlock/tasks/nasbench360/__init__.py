"""The ten tasks of NAS-Bench-360 (Tu et al., NeurIPS 2022 Datasets and Benchmarks), read from their official files.

One module per task and one per file format. Nothing here downloads or unpickles; what is missing is named, with where
it officially lives. `docs/nasbench360.md` states formats, losses, metrics, and every departure from the published code.
"""
