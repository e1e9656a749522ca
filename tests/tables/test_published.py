"""Published proxy scores and hardware figures: what is not there is masked and counted, never a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from archlock.tables import TableError, load_table
from archlock.tables.published import HARDWARE_FILE, load_cell_proxies, load_hardware, load_micro_proxies


@pytest.mark.parametrize("task", ["cifar10", "cifar100", "imagenet16"])
def test_networks_that_do_not_compile_have_no_latency(task: str, shared_data: Path) -> None:
    hardware = load_hardware(task, shared_data)
    assert hardware.failures == {name: 4_699 * (name == "edgetpu_latency") for name in hardware.names}
    column = hardware.column("edgetpu_latency")
    assert (column.unit, column.better, int(column.known.sum())) == ("ms", "lower", 15_625 - 4_699)
    assert column.values[column.known].min() > 0
    assert all(bool(reason) != known for reason, known in zip(column.reasons, column.known, strict=True))


def test_units_follow_the_quantity(shared_data: Path) -> None:
    hardware = load_hardware("cifar10", shared_data)
    units = dict(zip(hardware.names, hardware.units, strict=True))
    assert (units["fpga_energy"], units["pixel3_latency"], units["eyeriss_arithmetic_intensity"]) == (
        "mJ",
        "ms",
        "",
    )


def test_a_class_has_the_mean_of_the_rows_that_were_measured(shared_data: Path) -> None:
    hardware, table = load_hardware("cifar10", shared_data), load_table("nasbench201", shared_data)
    by_row, by_class = hardware.column("edgetpu_latency"), hardware.column("edgetpu_latency", table)
    assert by_class.values.shape == (6_466,)
    mixed = 0
    for one in range(0, 6_466, 7):
        rows = np.flatnonzero((table.classes == one) & by_row.known)
        assert by_class.known[one] == bool(len(rows))
        mixed += 0 < len(rows) < int((table.classes == one).sum())
        if len(rows):
            assert by_class.values[one] == pytest.approx(by_row.values[rows].mean())
    assert mixed > 0


def test_a_table_of_other_rows_is_refused(shared_data: Path) -> None:
    with pytest.raises(TableError, match="15625 rows, but table transnas_macro has 3256"):
        load_hardware("cifar10", shared_data).column("fpga_latency", load_table("transnas_macro", shared_data))


def test_published_scores_order_networks_as_the_literature_says(shared_data: Path) -> None:
    from scipy.stats import spearmanr

    truth = load_table("nasbench201", shared_data)
    proxies = load_cell_proxies("cifar10", shared_data)
    accuracy = truth.truth["cifar10"][truth.classes]
    for name, low, high in [("nwot", 0.7, 0.9), ("freerea/naswot", 0.7, 0.9), ("synflow", 0.7, 0.9)]:
        column = proxies.column(name)
        assert low < spearmanr(column.values[column.known], accuracy[column.known]).statistic < high
    assert proxies.failures["freerea/naswot"] == 201
    assert proxies.failures["snip"] == 15_625 - 9_445


def test_a_task_without_suite_scores_has_the_others(shared_data: Path) -> None:
    assert all("/" in name for name in load_cell_proxies("cifar100", shared_data).names)


def test_micro_scores_stand_in_the_rows_of_the_cells(shared_data: Path) -> None:
    proxies, table = load_micro_proxies(shared_data), load_table("transnas_micro", shared_data)
    assert set(proxies.failures.values()) == {4_096 - 2_128}
    params = proxies.column("params")
    # A network of convolutions 3x3 on all edges is larger than any other that was scored.
    largest = int(np.argmax(np.where(params.known, params.values, 0)))
    assert table.genotypes[largest].tolist() == [3] * 6


def test_unknown_names_suggest_the_nearest(shared_data: Path) -> None:
    with pytest.raises(TableError, match="Did you mean 'cifar10'"):
        load_hardware("cifar1", shared_data)
    with pytest.raises(TableError, match="Did you mean 'fpga_latency'"):
        load_hardware("cifar10", shared_data).column("fpga_latencies")


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no such file. To get it: archlock data get hwnasbench"):
        load_hardware("cifar10", tmp_path)
    with pytest.raises(TableError, match=r"archlock data import FILE --name nasbench201_zerocost"):
        load_cell_proxies("cifar10", tmp_path)


def test_figures_that_are_not_finite_are_refused(tmp_path: Path, shared_data: Path) -> None:
    with np.load(shared_data / HARDWARE_FILE) as file:
        arrays = {key: file[key] for key in file.files}
    arrays["cifar10"][7, 2] = np.nan
    path = tmp_path / HARDWARE_FILE
    path.parent.mkdir()
    np.savez(path, **arrays)
    with pytest.raises(TableError, match="'cifar10': 1 rows are NaN or infinite, the first is row 7"):
        load_hardware("cifar10", tmp_path)
