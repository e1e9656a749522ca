"""Maps the top-level part folders into the ``archlock`` package.

``proxies/`` installs as ``archlock.proxies`` and so on, so that a generic name never lands in site-packages.
Everything else about the build is in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
PARTS = ("proxies", "predictors", "hwcost", "cli", "configs")


def packages_below(folder: Path, name: str) -> dict[str, str]:
    """Dotted package name to folder, for every package in a folder; symlinked parts are passed over."""
    inits = sorted(init for init in folder.rglob("__init__.py") if not init.parent.is_symlink())
    found = {".".join((name, *init.parent.relative_to(folder).parts)): init.parent for init in inits}
    return {package: path.relative_to(ROOT).as_posix() for package, path in found.items()}


house = {
    name: path
    for name, path in packages_below(ROOT / "archlock", "archlock").items()
    if name.split(".")[1:2] not in [[part] for part in PARTS]
}
for part in PARTS:
    house |= packages_below(ROOT / part, f"archlock.{part}")

setup(packages=sorted(house), package_dir=house)
