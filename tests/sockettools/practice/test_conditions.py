from __future__ import annotations

import pytest

from sockettools.http1 import Fields
from sockettools.practice.conditions import is_known
from sockettools.practice.http import Request

DATE = "Sat, 02 Nov 2013 02:01:26 GMT"


def request(**fields: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Request("GET", "/", "/", "http://h", fields=Fields(sent))


@pytest.mark.parametrize(
    ("sent", "tag", "known"),
    [
        pytest.param('"a"', '"a"', True, id="the same"),
        pytest.param('"b"', '"a"', False, id="another"),
        pytest.param('"b", "a"', '"a"', True, id="one of several"),
        pytest.param('"b,a", "c"', '"a"', False, id="a comma in a tag"),
        pytest.param('W/"a"', '"a"', True, id="weak"),
        pytest.param('"a"', 'W/"a"', True, id="weak here"),
        pytest.param("*", '"a"', True, id="any"),
        pytest.param('"a"', None, False, id="no tag here"),
        pytest.param("a", '"a"', False, id="no quotes"),
        pytest.param("", '"a"', False, id="nothing"),
    ],
)
def test_if_none_match(sent: str, tag: str | None, known: bool) -> None:
    assert is_known(request(if_none_match=sent), tag, None) is known


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        pytest.param(DATE, True, id="the same"),
        pytest.param("Sat, 02 Nov 2013 02:01:27 GMT", True, id="later"),
        pytest.param("Sat, 02 Nov 2013 02:01:25 GMT", False, id="earlier"),
        pytest.param("Saturday, 02-Nov-13 02:01:26 GMT", True, id="RFC 850"),
        pytest.param("Sat Nov  2 02:01:26 2013", True, id="asctime"),
        pytest.param("yesterday", False, id="no date"),
        pytest.param("Sat, 99 Nov 2013 99:01:26 GMT", False, id="a day that is none"),
        pytest.param("Sat, 02 Nov 99999999999999999999 02:01:26 GMT", False, id="overflow"),
        pytest.param("", False, id="empty"),
    ],
)
def test_if_modified_since(sent: str, known: bool) -> None:
    assert is_known(request(if_modified_since=sent), None, DATE) is known


def test_a_tag_overrules_a_date() -> None:
    both = request(if_none_match='"b"', if_modified_since=DATE)

    assert not is_known(both, '"a"', DATE)
    assert not is_known(request(), '"a"', DATE)
