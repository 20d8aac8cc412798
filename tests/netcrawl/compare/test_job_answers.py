from __future__ import annotations

import pytest

from netcrawl.compare.job_answers import code_lines, difference, lines_of
from netcrawl.compare.jobs import JOBS, PROGRAMS


@pytest.mark.parametrize(
    ("output", "fields", "is_ordered", "lines"),
    [
        pytest.param(b"", (), True, (), id="nothing"),
        pytest.param(b"b\na\nb\n", (), True, ("b", "a", "b"), id="in order"),
        pytest.param(b"b\na\nb\n", (), False, ("a", "b", "b"), id="in no order"),
        pytest.param(b"caf\xe9\n", (), True, ("caf\ufffd",), id="not UTF-8"),
        pytest.param(
            b'{"n": 2, "url": "b"}\n{"n": 1, "url": "a"}\n',
            ("url", "n"),
            False,
            ("a 1", "b 2"),
            id="items",
        ),
        pytest.param(
            b'{"url": null}\n{"url": "a"}\n{}\n', ("url",), True, ("a",), id="items without a value"
        ),
    ],
)
def test_lines_of_an_answer(
    output: bytes, fields: tuple[str, ...], is_ordered: bool, lines: tuple[str, ...]
) -> None:
    assert lines_of(output, fields, is_ordered=is_ordered) == lines


def test_an_answer_that_is_not_json() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        lines_of(b"Traceback\n", ("url",), is_ordered=True)


@pytest.mark.parametrize(
    ("first", "other", "is_ordered", "told"),
    [
        pytest.param("a b", "a b", True, "", id="same"),
        pytest.param("a b c", "a x c", True, "line 2 is 'x', not 'b'", id="another line"),
        pytest.param("a b", "b a", True, "line 1 is 'b', not 'a'", id="another order"),
        pytest.param(
            "a b c", "a", True, "it ends after 1 of 3 lines: 'b' is missing", id="too short"
        ),
        pytest.param("a", "a b", True, "it goes on after 1 lines: 'b' is too much", id="too long"),
        pytest.param("a b", "a", False, "'b' is missing", id="one is missing"),
        pytest.param("a", "a a", False, "'a' is too much", id="one twice"),
        pytest.param(
            "a b c", "x y", False, "'a' is missing, 'x' is too much, and 3 more", id="many"
        ),
        pytest.param(
            "a", "x" * 101, True, f"line 1 is '{'x' * 100}...', not 'a'", id="a long line"
        ),
    ],
)
def test_where_answers_differ(first: str, other: str, is_ordered: bool, told: str) -> None:
    assert difference(first.split(), other.split(), is_ordered=is_ordered) == told


@pytest.mark.parametrize(
    ("source", "number"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("a = 1\n\n\n# so\nb = 2  # and so\n", 2, id="blank lines and comments"),
        pytest.param('"""Doc.\n\nMore.\n"""\na = 1\n', 1, id="docstring of the module"),
        pytest.param(
            'class A:\n    """Doc."""\n\n    def f(self):\n        "Doc."\n', 2, id="in it"
        ),
        pytest.param('text = """\n\nlines\n"""\n', 4, id="a string that is code"),
        pytest.param("f(\n    1,\n    2,\n)\n", 4, id="as it is written"),
        pytest.param('async def f():\n    "Doc."\n    return 1\n', 2, id="async"),
    ],
)
def test_lines_of_code(source: str, number: int) -> None:
    assert code_lines(source) == number


def test_every_job_has_its_three_programs_and_there_are_no_others() -> None:
    names = {f"{job.name}_{kind}" for job in JOBS for kind in ("sockets", "library", "spider")}

    assert {path.stem for path in PROGRAMS.glob("*.py")} == {*names, "__init__"}
