"""Sizes that an exported program writes as formulas: integer arithmetic over named sizes, and nothing else.

torch hands these strings to ``sympy.sympify``, which evaluates them as Python. Here they are split into tokens and read
by recursive descent; a formula is either sympy's written form, such as ``Mul(Integer(8), Symbol('s77'))``, or plain
arithmetic, such as ``8*s77 + 1``.
"""

from __future__ import annotations

import re

from archlock.errors import ModelError

MOST_LETTERS = 4096
MOST_DEPTH = 40
MOST_POWER = 8
_FUNCTIONS_NAMES = """Add Mul FloorDiv CleanDiv CeilDiv Mod PythonMod Max Min Abs ModularIndexing IntTrueDiv
    TruncToInt CeilToInt FloorToInt RoundToInt ceiling floor Eq Ne Equality Unequality Ge Gt Le Lt
    GreaterThan StrictGreaterThan LessThan StrictLessThan And Or Not Rational"""
FUNCTIONS = frozenset(_FUNCTIONS_NAMES.split())
"""Functions of integers that torch's shape expressions are made of."""
SYMBOL = re.compile(r"[a-z]{1,6}\d{1,9}")
_TOKEN = re.compile(r"\s*(?:(\d{1,18})|([A-Za-z_]\w{0,40})|('[a-z]{1,6}\d{1,9}')|(\*\*|//|[-+*/%(),=<>&|~]))")


_INPUT_SIZE = re.compile(r"L(\['\w{1,80}'\]|\[\d{1,3}\]){1,4}\.(size|stride)\(\)\[\d{1,2}\]", re.ASCII)
"""A size of an input in a guard, such as ``L['x'].size()[2]``."""


GUARD_FUNCTIONS = frozenset(("min", "max", "abs"))
"""Functions that guards, which are written as Python, have besides."""
_SIGNS = {re.compile(r"\b(and|or)\b"): "&", re.compile(r"\bnot\b"): "~", re.compile(r"!="): "=="}
"""Words of Python to signs of formulas; which of several does not matter, since only the form is asked for."""


def check_expression(text: str, where: str) -> None:
    """Refuse a formula that is anything but integer arithmetic.

    Raises:
        ModelError: with the formula; nothing of it is evaluated.
    """
    _check(text, text, FUNCTIONS, where)


def check_guard(text: str, where: str) -> None:
    """Refuse a guard that does more than compare sizes of the input, such as ``L['x'].size()[2] != 1``.

    Raises:
        ModelError: with the guard; nothing of it is evaluated.
    """
    told = _INPUT_SIZE.sub(" s0 ", text[: MOST_LETTERS + 1])
    for words, sign in _SIGNS.items():
        told = words.sub(sign, told)
    _check(told, text, FUNCTIONS | GUARD_FUNCTIONS, where)


def _check(text: str, shown: str, functions: frozenset[str], where: str) -> None:
    try:
        _Reader(_tokens(text), functions).whole()
    except _RefusedError as error:
        raise ModelError(
            f"{where}: {shown!r:.120} is not integer arithmetic ({error}); torch would run it as code"
        ) from None


class _RefusedError(Exception):
    """A formula that is refused, and why."""


def _tokens(text: str) -> list[str]:
    if len(text) > MOST_LETTERS:
        raise _RefusedError("too long")
    text, found, at = text.strip(), [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _RefusedError(f"unexpected {text[at : at + 12]!r}")
        found.append(match.group().strip())
        at = match.end()
    return found


class _Reader:
    """Recursive descent: sums of products of terms."""

    def __init__(self, tokens: list[str], functions: frozenset[str]) -> None:
        self.tokens = tokens
        self.functions = functions
        self.at = 0
        self.depth = 0

    def whole(self) -> None:
        self.sum()
        if self.at < len(self.tokens):
            raise _RefusedError(f"unexpected {self.tokens[self.at]!r}")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise _RefusedError(f"expected {expected or 'more'} after {' '.join(self.tokens[: self.at])[-20:]!r}")
        self.at += 1
        return token

    def sum(self) -> None:
        """Terms joined by any operator: only whether it is arithmetic is asked, not its value."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise _RefusedError("nested too deeply")
        self.term()
        while self.peek() in ("+", "-", "*", "//", "/", "%", "**", "<", ">", "&", "|", "="):
            self.operator()
            self.term()
        self.depth -= 1

    def operator(self) -> None:
        token = self.take()
        if token in ("<", ">") and self.peek() == "=":
            self.take()
        elif token == "=":  # only as ==
            self.take("=")
        elif token == "**":
            self.exponent()
            self.at -= 1  # read again as the operator's second term
            if self.tokens[self.at + 1 : self.at + 2] == ["**"]:
                raise _RefusedError("a power of a power")

    def exponent(self) -> None:
        """A small number: towers of powers are a way to take for ever."""
        token = self.take()
        if not token.isdecimal() or int(token) > MOST_POWER:
            raise _RefusedError("a power that is no small number")

    def term(self) -> None:
        while self.peek() in ("-", "+", "~"):
            self.take()
        token = self.take()
        if token == "(":
            self.sum()
            self.take(")")
        elif token.isdecimal():
            return
        elif token[0].isalpha() or token[0] == "_":
            self.name(token)
        else:
            raise _RefusedError(f"unexpected {token!r}")

    def name(self, token: str) -> None:
        """A size, or a call of a known function."""
        if self.peek() != "(":
            if SYMBOL.fullmatch(token) is None:
                raise _RefusedError(f"the name {token!r}")
            return
        self.take("(")
        if token == "Symbol":
            self.symbol()
        elif token == "Integer":
            if self.peek() == "-":
                self.take()
            if not self.take().isdecimal():
                raise _RefusedError("an Integer that is none")
        elif token == "Pow":
            self.sum()
            self.take(",")
            wrapped = self.peek() == "Integer"
            if wrapped:
                self.take()
                self.take("(")
            self.exponent()
            if wrapped:
                self.take(")")
        elif token in self.functions:
            self.sum()
            while self.peek() == ",":
                self.take()
                self.sum()
        else:
            raise _RefusedError(f"the function {token!r}")
        self.take(")")

    def symbol(self) -> None:
        """``'s0', positive=True, integer=True``."""
        if not self.take().startswith("'"):
            raise _RefusedError("a Symbol without its name")
        while self.peek() == ",":
            self.take()
            if self.take() not in ("positive", "integer", "nonnegative", "negative", "real", "zero", "nonzero"):
                raise _RefusedError("a Symbol with an unknown property")
            self.take("=")
            if self.take() not in ("True", "False"):
                raise _RefusedError("a Symbol's property that is no truth value")
