"""Zero-cost scores of an untrained network, in one shared pass."""

if __name__ != "archlock.proxies":
    raise ImportError("import archlock.proxies, not proxies: the folder is a part of archlock")
