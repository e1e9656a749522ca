"""The gate: policies, and whether a record meets their clauses."""
