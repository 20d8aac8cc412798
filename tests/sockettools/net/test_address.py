from __future__ import annotations

import socket
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import AddressError, ResolveError
from sockettools.net.address import (
    DATAGRAM,
    MAX_UNIX_PATH,
    STREAM,
    Address,
    InternetAddress,
    UnixAddress,
    is_ipv6,
    parse_address,
    parse_port,
    resolve,
    resolve_host,
)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("example.com:80", InternetAddress("example.com", 80), id="name"),
        pytest.param("127.0.0.1:12345", InternetAddress("127.0.0.1", 12345), id="dotted quad"),
        pytest.param("[::1]:80", InternetAddress("::1", 80), id="IPv6"),
        pytest.param("[fe80::1%eth0]:80", InternetAddress("fe80::1%eth0", 80), id="scope"),
        pytest.param("[::ffff:1.2.3.4]:80", InternetAddress("::ffff:1.2.3.4", 80), id="mapped"),
        pytest.param(":12345", InternetAddress("", 12345), id="any interface"),
        pytest.param("<broadcast>:9", InternetAddress("<broadcast>", 9), id="broadcast"),
        pytest.param("2130706433:80", InternetAddress("127.0.0.1", 80), id="integer"),
        pytest.param("0:80", InternetAddress("0.0.0.0", 80), id="smallest integer"),
        pytest.param("4294967295:80", InternetAddress("255.255.255.255", 80), id="largest integer"),
        pytest.param("localhost:http", InternetAddress("localhost", 80), id="service"),
        pytest.param("localhost:0", InternetAddress("localhost", 0), id="port 0"),
        pytest.param("localhost:65535", InternetAddress("localhost", 65535), id="last port"),
        pytest.param("tcp:localhost:80", InternetAddress("localhost", 80), id="tcp"),
        pytest.param("udp:localhost:80", InternetAddress("localhost", 80, DATAGRAM), id="udp"),
        pytest.param("udp::80", InternetAddress("", 80, DATAGRAM), id="udp on any interface"),
        pytest.param("udp:[::1]:80", InternetAddress("::1", 80, DATAGRAM), id="udp over IPv6"),
        pytest.param("tcp:udp:80", InternetAddress("udp", 80), id="a host called udp"),
        pytest.param("unix:/run/app.sock", UnixAddress("/run/app.sock"), id="unix"),
        pytest.param("unix:relative:1", UnixAddress("relative:1"), id="unix, with a colon"),
        pytest.param(
            "unix:@app", UnixAddress("app", abstract=True), marks=needs_linux, id="abstract"
        ),
        pytest.param(
            "unix:@@", UnixAddress("@", abstract=True), marks=needs_linux, id="abstract @"
        ),
        pytest.param("unix:" + "x" * MAX_UNIX_PATH, UnixAddress("x" * MAX_UNIX_PATH), id="long"),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "'' has no port", id="nothing"),
        pytest.param("localhost", "'localhost' has no port: write HOST:PORT", id="no port"),
        pytest.param("localhost:", "has no port", id="empty port"),
        pytest.param("[::1]", "has no port", id="IPv6 without a port"),
        pytest.param("80", "'80' may be a host or a port: write :80 for the port", id="a number"),
        pytest.param("a:65536", "port 65536 is out of range: 0 to 65535", id="port too big"),
        pytest.param("a:" + "9" * 5000, "is out of range", id="port far too big"),
        pytest.param("a:-1", "'-1' is neither a port from 0 to 65535 nor a service", id="negative"),
        pytest.param("a:²", "'²' is neither a port", id="superscript"),
        pytest.param("a:80\n", r"'80\n' is neither a port", id="end of line"),
        pytest.param("a:nosuch", "no TCP service is called 'nosuch'", id="service"),
        pytest.param("udp:a:nosuch", "no UDP service is called 'nosuch'", id="UDP service"),
        pytest.param("::1", "'::1' has too many colons: write [::1]:PORT", id="bare IPv6"),
        pytest.param("a:b:80", "write HOST:PORT or [IPV6]:PORT", id="too many colons"),
        pytest.param("[abc]:80", "'abc' is not an IPv6 address", id="brackets"),
        pytest.param("[::1%]:80", "'::1%' is not an IPv6 address", id="empty scope"),
        pytest.param("[]:80", "'' is not an IPv6 address", id="empty brackets"),
        pytest.param("[::1:80", "has too many colons", id="open bracket"),
        pytest.param("a b:80", "'a b' is not a host", id="blank"),
        pytest.param("user@host:80", "'user@host' is not a host", id="user"),
        pytest.param("a\0:80", r"'a\x00' is not a host", id="NUL"),
        pytest.param("a\u2028:80", r"'a\u2028' is not a host", id="line separator"),
        pytest.param("http://localhost/", "is neither a port", id="URL"),
        pytest.param("4294967296:80", "has more than the 32 bits of an IPv4 address", id="33 bits"),
        pytest.param("unix:", "a Unix socket has a path: write unix:/PATH", id="no path"),
        pytest.param("unix:/a\0b", "a Unix socket has a path", id="NUL in a path"),
        pytest.param(
            "unix:" + "x" * (MAX_UNIX_PATH + 1),
            f"the path of a Unix socket has at most {MAX_UNIX_PATH} bytes, this one has "
            f"{MAX_UNIX_PATH + 1}",
            id="path too long",
        ),
        pytest.param("unix:" + "é" * 100, "this one has 200", id="path too long in bytes"),
        pytest.param("unix:\ud800", "cannot be the path", id="path that is no text"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)

    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_no_abstract_sockets_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(AddressError, match="only Linux"):
        parse_address("unix:@app")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("localhost", InternetAddress("localhost", 7), id="host"),
        pytest.param("localhost:", InternetAddress("localhost", 7), id="colon"),
        pytest.param("localhost:80", InternetAddress("localhost", 80), id="port"),
        pytest.param("[::1]", InternetAddress("::1", 7), id="IPv6"),
        pytest.param("", InternetAddress("", 7), id="nothing"),
        pytest.param("udp:", InternetAddress("", 7, DATAGRAM), id="udp"),
    ],
)
def test_a_default_port(text: str, address: Address) -> None:
    assert parse_address(text, default_port=7) == address


@pytest.mark.parametrize(("service", "port"), [("http", 80), ("echo", 7), ("imap2", 143)])
@pytest.mark.parametrize("kind", [STREAM, DATAGRAM])
def test_services_are_known_also_without_a_file_of_them(
    service: str, port: int, kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parse_port(service, kind) == port

    def unknown(_name: str, _protocol: str) -> int:
        raise OSError("service/proto not found")

    monkeypatch.setattr(socket, "getservbyname", unknown)
    assert parse_port(service, kind) == port


HOSTS = st.one_of(
    st.sampled_from(["", "localhost", "tcp", "udp", "unix", "<broadcast>", "example.com", "zoë"]),
    st.ip_addresses().map(str),
    st.integers(0, 0xFFFFFFFF).map(str),
)


@given(HOSTS, st.integers(0, 65535), st.sampled_from(["tcp:", "udp:"]))
def test_an_internet_address_can_be_written_and_read(host: str, port: int, scheme: str) -> None:
    address = parse_address(f"{scheme}[{host}]:{port}" if ":" in host else f"{scheme}{host}:{port}")

    assert parse_address(str(address)) == address


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=25))
@needs_linux
def test_a_unix_address_can_be_written_and_read(path: str) -> None:
    text = f"unix:{'./' if path == '@' else ''}{path}"
    address = parse_address(text)

    assert str(address) == text
    assert parse_address(str(address)) == address


@given(
    st.one_of(
        st.text(),
        st.text("[]:@%.0123456789abcdefunixtcpudp<> /\0\n²"),
        st.text(st.characters(categories=["Cs", "Cc", "Nd"])),
    )
)
def test_noise_is_an_address_or_an_address_error(text: str) -> None:
    with suppress(AddressError):
        address = parse_address(text)
        assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [("::1", True), ("fe80::1%lo", True), ("[::1]", False), ("127.0.0.1", False), ("", False)],
)
def test_is_ipv6(text: str, expected: bool) -> None:
    assert is_ipv6(text) is expected


def test_a_number_is_resolved_to_itself() -> None:
    (candidate,) = resolve(InternetAddress("127.0.0.1", 80))

    assert candidate.family == socket.AF_INET
    assert candidate.kind == STREAM
    assert candidate.protocol == socket.IPPROTO_TCP
    assert candidate.sockaddr == ("127.0.0.1", 80)


def test_every_type_if_none_is_named() -> None:
    kinds = {candidate.kind for candidate in resolve_host("127.0.0.1")}

    assert {STREAM, DATAGRAM} <= kinds


@pytest.mark.parametrize(
    ("listening", "host"), [pytest.param(True, "0.0.0.0"), pytest.param(False, "127.0.0.1")]
)
def test_no_host_is_any_interface_or_this_machine(listening: bool, host: str) -> None:
    candidates = resolve(InternetAddress("", 80), listening=listening)

    assert (host, 80) in [candidate.sockaddr for candidate in candidates]


def test_a_broadcast_is_resolved() -> None:
    (candidate,) = resolve(InternetAddress("<broadcast>", 9, DATAGRAM))

    assert candidate.sockaddr == ("255.255.255.255", 9)


@pytest.mark.parametrize(
    ("address", "sockaddr"),
    [
        pytest.param(UnixAddress("/run/x"), "/run/x", id="path"),
        pytest.param(UnixAddress("x", abstract=True), "\0x", id="abstract"),
    ],
)
def test_a_unix_address_is_its_own_candidate(address: UnixAddress, sockaddr: str) -> None:
    (candidate,) = resolve(address)

    assert (candidate.family, candidate.sockaddr) == (socket.AF_UNIX, sockaddr)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        # .invalid (RFC 2606) belongs to nobody.
        pytest.param("nosuch.invalid", "unknown host 'nosuch.invalid': ", id="unknown"),
        pytest.param("a" * 64, "not a host name", id="label too long"),
        pytest.param("\udcff", "not a host name", id="no text"),
    ],
)
def test_a_name_that_means_no_address(host: str, reason: str) -> None:
    with pytest.raises(ResolveError, match=reason):
        resolve(InternetAddress(host, 80))


def test_a_resolver_that_fails_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ResolveError, match=r"^cannot look up 'localhost': Too many open files$"):
        resolve(InternetAddress("localhost", 80))
