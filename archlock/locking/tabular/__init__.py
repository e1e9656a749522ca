"""Locking against published tables: the problem a method is given, the methods, and how their picks are judged.

A method sees label-free features of every class and reads labels through a ledger, within budgets. Nothing here prints,
and a method can reach no label that it has not bought.
"""

from __future__ import annotations

from archlock.locking.tabular.problem import PICKS, Method, Mode, Pool, Problem, Proposal

__all__ = ["PICKS", "Method", "Mode", "Pool", "Problem", "Proposal"]
