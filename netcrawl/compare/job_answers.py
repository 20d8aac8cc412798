"""Answers of programs: lines of text, made alike, and where two of them differ."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Characters of a line that are shown where it is the one that differs.
_SHOWN = 100

# What stands in a program without being a line of code.
_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def lines_of(output: bytes, fields: Sequence[str], *, is_ordered: bool) -> tuple[str, ...]:
    r"""Return the lines of an answer, sorted where their order is nobody's intention.

    With ``fields`` the lines are objects of JSON, of which those fields are taken; an item without
    a value there is no line.

    >>> lines_of(b"b 2\na 1\n", (), is_ordered=False)
    ('a 1', 'b 2')
    >>> lines_of(b'{"url": "/a", "size": 3, "more": 0}', ("url", "size"), is_ordered=True)
    ('/a 3',)

    Raises:
        ValueError: they are not JSON.
    """
    lines = output.decode("utf-8", "replace").splitlines()
    if fields:
        items = [json.loads(line) for line in lines]
        values = [[item.get(field) for field in fields] for item in items]
        lines = [" ".join(map(str, each)) for each in values if None not in each]
    return tuple(lines if is_ordered else sorted(lines))


def difference(first: Sequence[str], other: Sequence[str], *, is_ordered: bool) -> str:
    """Say where an answer differs from the first one, "" if nowhere.

    >>> difference(["a", "b"], ["a", "c"], is_ordered=True)
    "line 2 is 'c', not 'b'"
    >>> difference(["a", "b"], ["b", "c", "d"], is_ordered=False)
    "'a' is missing, 'c' is too much, and 1 more"
    """
    if list(first) == list(other):
        return ""
    if not is_ordered:
        missing, extra = Counter(first) - Counter(other), Counter(other) - Counter(first)
        told = [f"{_shown(line)} is missing" for line in list(missing)[:1]]
        told += [f"{_shown(line)} is too much" for line in list(extra)[:1]]
        more = missing.total() + extra.total() - len(told)
        return ", ".join(told) + (f", and {more} more" if more else "")
    for number, (expected, found) in enumerate(zip(first, other, strict=False), 1):
        if expected != found:
            return f"line {number} is {_shown(found)}, not {_shown(expected)}"
    if len(other) < len(first):
        end = _shown(first[len(other)])
        return f"it ends after {len(other)} of {len(first)} lines: {end} is missing"
    return f"it goes on after {len(first)} lines: {_shown(other[len(first)])} is too much"


def code_lines(source: str) -> int:
    r"""Count the lines of a program that have code on them: no comments, no docstrings.

    >>> code_lines('"What it does."\n\n# so\nimport sys  # for argv\nprint(\n    sys.argv\n)\n')
    4
    """
    documentation: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())) as text, *_]:
                    documentation.update(range(text.lineno, (text.end_lineno or 0) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def _shown(line: str) -> str:
    return repr(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")
