"""Contract suites for those who write their own parts: derive from one, give its fixture, and run pytest.

The only place of the library that imports pytest, and no other part imports it.
"""

from archlock.testing.locking import check_replay, small_table
from archlock.testing.spaces import SearchSpaceContract, genotype_of
from archlock.testing.tables import arrays_of

__all__ = ["SearchSpaceContract", "arrays_of", "check_replay", "genotype_of", "small_table"]
