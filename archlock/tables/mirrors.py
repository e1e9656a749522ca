"""Where public files are fetched from: URL templates, the user's before the built-in ones."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from archlock.errors import UsageError, did_you_mean
from archlock.tables.catalogue import Source

VARIABLE = "ARCHLOCK_MIRRORS"
"""Environment variable with templates, separated by blanks."""
SETTING = "mirrors.txt"
"""File in the data folder with one template per line; ``#`` begins a comment."""
BUILT_IN = (
    "https://raw.githubusercontent.com/{repository}/{commit}/{path}",
    "https://github.com/{repository}/raw/{commit}/{path}",
)
FIELDS = ("repository", "commit", "path", "sha256")


def mirror_templates(given: Sequence[str], data: Path) -> tuple[str, ...]:
    """Templates in the order they are tried: given, environment, setting in the data folder, built-in.

    Raises:
        UsageError: a template that is no https URL (http is allowed to this machine), that has an unknown field, or
            that would give every file the same address.
    """
    named = [*given, *os.environ.get(VARIABLE, "").split(), *_setting(data / SETTING)]
    for template in named:
        check_template(template)
    return tuple(dict.fromkeys([*named, *BUILT_IN]))


def check_template(template: str) -> None:
    """Raise a `UsageError` for a template that cannot be used; see `mirror_templates`."""
    fields = re.findall(r"\{([^{}]*)\}", template)
    for field in fields:
        if field not in FIELDS:
            raise UsageError(f"mirror {template!r}: no field {{{field}}}.{did_you_mean(field, FIELDS)}")
    if "path" not in fields and "sha256" not in fields:
        raise UsageError(f"mirror {template!r}: needs {{path}} or {{sha256}}, or every file has the same address")
    if not is_safe(template):
        raise UsageError(f"mirror {template!r}: expected https://…, or http:// to this machine")


def address(template: str, source: Source) -> str:
    """The URL of one file."""
    values = {field: quote(getattr(source, field), safe="/") for field in FIELDS}
    return re.sub(r"\{([a-z0-9]+)\}", lambda found: values[found[1]], template)


def is_safe(url: str) -> bool:
    """Whether a URL is https, or http to this machine: what is fetched cannot be read or replaced on its way."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _setting(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return [word for line in lines if (word := line.partition("#")[0].strip())]
