"""All proxies by name. A new proxy is one `Proxy` in the ``PROXIES`` of a module listed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from archlock.errors import UsageError, did_you_mean
from archlock.proxies import aggregation, feature_maps, halves, noise_response, saliency, separation, size, tangents
from archlock.proxies.proxy import Proxy

_MODULES = (saliency, separation, size, halves, tangents, noise_response, feature_maps, aggregation)

PROXIES: Mapping[str, Proxy] = MappingProxyType({proxy.name: proxy for module in _MODULES for proxy in module.PROXIES})
"""Every proxy, by name."""


def find_proxies(names: Sequence[str] | None = None) -> tuple[Proxy, ...]:
    """Proxies by name, in the order asked and each once; all of them for None.

    Raises:
        UsageError: an unknown name.
    """
    for name in names or ():
        if name not in PROXIES:
            raise UsageError(f"unknown proxy {name!r}.{did_you_mean(name, tuple(PROXIES))}")
    return tuple(PROXIES[name] for name in dict.fromkeys(PROXIES if names is None else names))
