"""What a network is asked to do: built-in and user tasks, their registry, and the label ledger."""
