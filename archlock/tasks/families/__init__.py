"""Generated tasks: each draws its samples from a seed and a difficulty, and each needs something else of a network.

Nothing here reads a file. A family is a function from labels and a generator to pictures.
"""
