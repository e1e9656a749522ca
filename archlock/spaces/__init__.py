"""Which networks exist: search spaces, the networks they build, and the registry of both."""
