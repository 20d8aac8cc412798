from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scrapy.exceptions import UsageError

from netcrawl.arguments import (
    Argument,
    http_url,
    pattern,
    read_arguments,
    url_file,
    whole_number,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLE = (
    Argument("url", http_url, default=None),
    Argument("count", whole_number, default=7, aliases=("depth",)),
)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        pytest.param({}, {"url": None, "count": 7}, id="defaults"),
        pytest.param({"count": "3"}, {"url": None, "count": 3}, id="text"),
        pytest.param({"count": 3}, {"url": None, "count": 3}, id="a number, from a script"),
        pytest.param({"depth": " 12 "}, {"url": None, "count": 12}, id="alias, white space"),
        pytest.param({"url": "http://h/"}, {"url": "http://h/", "count": 7}, id="url"),
    ],
)
def test_values(given: dict[str, Any], values: dict[str, Any]) -> None:
    assert read_arguments(TABLE, given) == values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cuont": "3"}, "there is no argument 'cuont': did you mean count?"),
        ({"x": "3"}, "there is no argument 'x': there are url, count, depth"),
        ({"count": "3", "depth": "3"}, "count and depth are two words for one argument"),
        ({"url": "h"}, "url='h' cannot be used: it does not begin with http:// or https://"),
        *(
            ({"count": text}, "cannot be used: it takes a whole number from 1 to 999999999")
            for text in ("0", "-1", "+1", "1.0", "1e3", "", " ", "x", "1_0", "１", "1" * 10, "None")
        ),
    ],
)
def test_refusals(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_arguments(TABLE, given)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [("http://h/ # a note", "line 1.*blank"), ("http://h/a b", "line 1.*blank")],
)
def test_a_line_of_a_url_file_is_a_url_and_nothing_else(
    line: str, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "urls"
    file.write_text(line)

    with pytest.raises(ValueError, match=reason):
        url_file(str(file))


def test_an_empty_pattern_is_none() -> None:
    with pytest.raises(ValueError, match="fits everything"):
        pattern("")


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        read_arguments(TABLE, {"url": "http://me:secret@h/"})

    assert "secret" not in str(caught.value)
