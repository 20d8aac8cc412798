from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sockettools.net.memory import memory_stream_pair
from sockettools.protocols.ftp_data import peer_host, to_local_lines, to_network_lines

TEXTS = st.lists(st.text(alphabet="ab\r\n").map(str.encode))


@given(TEXTS)
def test_blocks_do_not_matter(blocks: list[bytes]) -> None:
    for convert in (to_local_lines, to_network_lines):
        assert b"".join(convert(blocks)) == b"".join(convert([b"".join(blocks)]))


@given(TEXTS)
def test_there_and_back(blocks: list[bytes]) -> None:
    sent = b"".join(to_network_lines(blocks))

    assert sent.count(b"\n") == sent.count(b"\r\n")
    assert b"".join(to_local_lines([sent])) == b"".join(blocks).replace(b"\r\n", b"\n")


def test_stream_that_leads_to_no_machine() -> None:
    one, other = memory_stream_pair()
    with one, other:
        assert peer_host(one) is None
