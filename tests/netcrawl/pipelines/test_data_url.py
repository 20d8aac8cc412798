"""data: URLs."""

from __future__ import annotations

import pytest

from netcrawl.pipelines.data_url import parse_data_url


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        pytest.param("data:,", "", b"", id="nothing"),
        pytest.param("data:,A%20brief%20note", "", b"A brief note", id="RFC 2397's"),
        pytest.param(
            "data:text/plain;charset=x,%FF%zz", "text/plain;charset=x", b"\xff%zz", id="%"
        ),
        pytest.param("data:image/png;base64,AAEC", "image/png", b"\0\1\2", id="base64"),
        pytest.param("DATA:image/png;BASE64,AAEC", "image/png", b"\0\1\2", id="capitals"),
        pytest.param("data:image/png; base64 ,AA%45C\n", "image/png", b"\0\1\2", id="white space"),
        pytest.param("data:;base64,AAE=", "", b"\0\1", id="padding"),
        pytest.param("data:;base64,AAE", "", b"\0\1", id="no padding"),
        pytest.param(
            "data:image/svg+xml;utf8,<svg>é", "image/svg+xml;utf8", "<svg>é".encode(), id="é"
        ),
        pytest.param("data:text/base64,AAEC", "text/base64", b"AAEC", id="a type of that name"),
        pytest.param("data:,a#b,c", "", b"a", id="a fragment"),
        pytest.param("data:,a,b", "", b"a,b", id="commas"),
    ],
)
def test_what_is_in_one(url: str, media_type: str, data: bytes) -> None:
    assert parse_data_url(url) == (media_type, data)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("data:image/png;base64", id="no comma"),
        pytest.param("data:image/png#,AA", id="no comma before the fragment"),
        pytest.param("data:;base64,*", id="not in the alphabet"),
        pytest.param("data:;base64,AA-_", id="the other alphabet"),
        pytest.param("data:;base64,A", id="one character"),
        pytest.param("data:;base64,AA=A", id="padding in the middle"),
        pytest.param("data:;base64,A===", id="too much padding"),
        pytest.param("data:;base64,AAA%FF", id="an octet beyond ASCII"),
    ],
)
def test_what_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"comma|base64"):
        parse_data_url(url)
