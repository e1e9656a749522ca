"""Zero-cost scores of an untrained network, in one shared pass.

Knows torch modules, a batch and a loss, and nothing of spaces, tasks or searches.
"""

if __name__ != "archlock.proxies":
    raise ImportError("import archlock.proxies, not proxies: the folder is a part of archlock")

from archlock.proxies.proxy import Proxy
from archlock.proxies.registry import PROXIES, find_proxies
from archlock.proxies.scoring import score_many, score_network
from archlock.proxies.voting import pairwise_votes, vote

__all__ = ["PROXIES", "Proxy", "find_proxies", "pairwise_votes", "score_many", "score_network", "vote"]
