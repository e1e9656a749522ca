"""Surgery: edits of a released architecture that an attacker would try, as changes of its genes.

Not a move of the search: each edit undoes one way in which a front end or a block can be closed.
"""

from __future__ import annotations

from archlock.errors import UsageError, did_you_mean
from archlock.spaces.protocol import Choice, Genotype, Option, SearchSpace

# Each edit opens some genes; "skip" stands for the skip of every stage, whatever comes before the last dot.
_OPENED: dict[str, dict[str, Option]] = {
    "stem": {"stem.stride": 1, "stem.colour": "colour"},
    "resolution": {"resolution": 1.0},
    "tokens": {"token_stride": 1},
    "skip": {"skip": True},
}
_OPENED["all"] = {gene: option for edit in _OPENED.values() for gene, option in edit.items()}


def edit_names() -> tuple[str, ...]:
    """Known surgeries; ``all`` does every other one at once."""
    return tuple(_OPENED)


def edits(space: SearchSpace, genotype: Genotype, names: tuple[str, ...] | None = None) -> dict[str, Genotype]:
    """Edited canonical genotypes by name; edits that change nothing, or the same as an earlier one, are left out.

    Raises:
        UsageError: no surgery of that name.
    """
    released = space.canonical(genotype)
    found: dict[str, Genotype] = {}
    for name in edit_names() if names is None else names:
        if name not in _OPENED:
            raise UsageError(f"surgery {name!r} is not known.{did_you_mean(name, edit_names())}")
        edited = space.canonical(_open(space.choices, released, _OPENED[name]))
        if edited != released and edited not in found.values():
            found[name] = edited
    return found


def _open(choices: tuple[Choice, ...], genotype: Genotype, opened: dict[str, Option]) -> Genotype:
    genes = []
    for choice, gene in zip(choices, genotype, strict=True):
        option = opened.get(choice.name, opened.get(choice.name.rpartition(".")[2]))
        genes.append(choice.options.index(option) if option in choice.options else gene)
    return tuple(genes)
