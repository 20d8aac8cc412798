from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import LocalProtocolError
from sockettools.protocols.dots import dot_stuffed
from sockettools.protocols.smtp_mail import MAX_ADDRESS, Content, envelope_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("a@b.example", "a@b.example", id="plain"),
        pytest.param("Postmaster", "Postmaster", id="no domain"),
        pytest.param("a+b=c/d@B.Example", "a+b=c/d@B.Example", id="as written"),
        pytest.param("a@[IPv6:::1]", "a@[IPv6:::1]", id="address literal"),
        pytest.param("a@bücher.example", "a@xn--bcher-kva.example", id="domain not ASCII"),
        pytest.param("ü@bücher.example", "ü@xn--bcher-kva.example", id="nothing ASCII"),
    ],
)
def test_addresses(address: str, expected: str) -> None:
    assert envelope_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@b",
        "a b@c",
        "a@b c",
        "<a@b>",
        "a@b>",
        "a\r\n@b",
        "a@b\n",
        "a\0@b",
        "a\u2028@b",
        "\ud800@b",
        "a@\ud800",
        "a@ü..b",
        "a@ü／b",
        "a@ü＞b",
        "a@" + "b" * MAX_ADDRESS,
    ],
)
def test_no_addresses(address: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        envelope_address(address)

    assert "\n" not in str(caught.value)


@given(st.text() | st.builds("{}@{}".format, st.text(min_size=1), st.text(min_size=1)))
def test_nothing_ends_an_address(address: str) -> None:
    try:
        sent = envelope_address(address).encode()
    except LocalProtocolError:
        return
    assert not re.search(rb"[\s<>\0]", sent)


@given(st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"\xff"])))
def test_size_and_octets(pieces: list[bytes]) -> None:
    message = b"".join(pieces)
    content = Content.of(message)

    assert b"".join(content.blocks) == message
    sent = b"".join(dot_stuffed(content.blocks)).removesuffix(b".\r\n")
    assert content.size == len(re.sub(rb"(?m)^\.\.", b".", sent))
    assert content.is_8bit == (b"\xff" in message)
