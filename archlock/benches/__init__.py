"""Measurements against published tables: locks, engines and predictors, each beside its baselines.

A bench runs trials, writes what is needed to recompute every figure, and sums up. It owns the tables; what it measures
sees only what the protocol allows.
"""
