"""Turning an untrained network into a trained one: fit, evaluate, micro-train."""
