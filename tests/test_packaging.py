"""What is installed: exactly the tracked modules under ``archlock``, each once, with their data files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("proxies", "predictors", "hwcost", "cli", "configs")


def command(*arguments: str | Path, cwd: Path) -> str:
    result = subprocess.run([*map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def tracked() -> tuple[str, ...]:
    """Paths of the files that git tracks and that are there."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = command("git", "ls-files", "-z", cwd=ROOT).split("\0")
    return tuple(name for name in listed if name and (ROOT / name).exists())


@pytest.fixture(scope="module")
def clone(tracked: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, symlinks kept."""
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def pip(*arguments: str | Path, cwd: Path) -> None:
    flags = ("--quiet", "--no-deps", "--disable-pip-version-check", "--no-index")
    command(sys.executable, "-m", "pip", *arguments, *flags, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tracked files."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, ".", cwd=clone)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def packed(wheel: Path) -> list[str]:
    """Names in the wheel, its own metadata left out."""
    with zipfile.ZipFile(wheel) as held:
        return [name for name in held.namelist() if ".dist-info/" not in name]


def test_parts_are_links_in_the_package_and_refuse_their_bare_names() -> None:
    for part in PARTS:
        link = ROOT / "archlock" / part
        assert link.is_symlink()
        assert link.readlink() == Path("..") / part
        result = subprocess.run(
            [sys.executable, "-c", f"import {part}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert f"import archlock.{part}, not {part}" in result.stderr


def test_the_wheel_holds_the_tracked_files_of_the_package_and_nothing_else(
    packed: list[str], tracked: tuple[str, ...]
) -> None:
    links = {f"archlock/{part}" for part in PARTS}
    own = [name for name in tracked if name.startswith("archlock/") and name not in links]
    expected = own + [f"archlock/{name}" for name in tracked if name.partition("/")[0] in PARTS]
    assert sorted(packed) == sorted(expected)
    assert max(Counter(packed).values()) == 1


def test_the_wheel_has_the_type_marker_data_and_the_command(packed: list[str], wheel: Path) -> None:
    assert {"archlock/py.typed", "archlock/configs/quickstart.yaml"} <= set(packed)
    assert any(name.startswith("archlock/configs/hardware/") for name in packed)
    assert any(name.startswith("archlock/report/templates/") for name in packed)
    with zipfile.ZipFile(wheel) as held:
        metadata = {Path(name).name: name for name in held.namelist() if ".dist-info/" in name}
        assert "archlock = archlock.cli.main:main" in held.read(metadata["entry_points.txt"]).decode()
        assert held.read(metadata["top_level.txt"]).decode().split() == ["archlock"]
        assert "LICENSE" in metadata


INSTALLED = """
import sys
sys.path[0] = sys.argv[1]
import archlock
assert archlock.__file__.startswith(sys.argv[1]), archlock.__file__
from archlock.cli.main import run
from archlock.config import preset_names
from archlock.hwcost import hardware_names, load_hardware
assert 'quickstart' in preset_names()
assert [load_hardware(name).name for name in hardware_names()] == list(hardware_names())
assert run(['search', 'quickstart', '--dry-run', '--json']) == 0
for part in ('cli', 'configs', 'hwcost', 'predictors', 'proxies'):
    try:
        __import__(part)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f'{part} was installed under its bare name')
"""


def test_an_installed_wheel_finds_its_presets_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    pip("install", "--target", tmp_path / "site", wheel, cwd=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "check.py").write_text(INSTALLED, encoding="utf-8")
    command(sys.executable, tmp_path / "check.py", tmp_path / "site", cwd=tmp_path / "elsewhere")


EDITABLE = """
import site, sys
site.addsitedir(sys.argv[1])
sys.path.append(sys.argv[3])
import archlock.configs, archlock.errors, archlock.strict_yaml
from importlib.resources import files
for module in (archlock, archlock.configs):
    assert module.__file__.startswith(sys.argv[2]), module.__file__
assert (files('archlock.configs') / 'quickstart.yaml').is_file()
"""


@pytest.mark.slow
def test_an_editable_install_uses_the_checkout(clone: Path, tmp_path: Path) -> None:
    pip("install", "--no-build-isolation", "--target", tmp_path / "site", "--editable", ".", cwd=clone)
    # Without the site packages of this python, where archlock itself may be installed; PyYAML is given by hand, last.
    yaml_home = Path(yaml.__file__).parents[1]
    command(sys.executable, "-S", "-c", EDITABLE, tmp_path / "site", clone, yaml_home, cwd=tmp_path)


@pytest.mark.slow
def test_a_wheel_of_the_source_archive_is_the_same(clone: Path, packed: list[str], tmp_path: Path) -> None:
    code = "import sys; from setuptools.build_meta import build_sdist; print(build_sdist(sys.argv[1]))"
    name = command(sys.executable, "-c", code, tmp_path, cwd=clone).split()[-1]
    pip("wheel", "--no-build-isolation", "--wheel-dir", tmp_path, tmp_path / name, cwd=tmp_path)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as held:
        assert sorted(entry for entry in held.namelist() if ".dist-info/" not in entry) == sorted(packed)
