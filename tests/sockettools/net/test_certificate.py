"""What is read from certificates, and what is said about those that were not trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from sockettools.net.certificate import MAX_SIZE, Certificate, parse_certificate, why_untrusted

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

# OpenSSL's, from <openssl/x509_vfy.h>.
NOT_YET_VALID, HAS_EXPIRED, SELF_SIGNED, HOSTNAME, ADDRESS = 9, 10, 18, 62, 64

SEQUENCE, SET, OCTET_STRING, OID, INTEGER, BOOLEAN = 0x30, 0x31, 0x04, 0x06, 0x02, 0x01
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
DNS_NAME, IP_ADDRESS, E_MAIL = 0x82, 0x87, 0x81
UTF_8, PRINTABLE, TELETEX, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x1C, 0x1E

DATES = ((UTC_TIME, b"260102030405Z"), (UTC_TIME, b"270102030405Z"))


def der(tag: int, *contents: bytes) -> bytes:
    data = b"".join(contents)
    size = len(data)
    if size < 0x80:
        return bytes([tag, size]) + data
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + data


def common_name(value: bytes, tag: int = UTF_8) -> bytes:
    return der(SET, der(SEQUENCE, der(OID, b"\x55\x04\x03"), der(tag, value)))


def alternative_names(*names: bytes) -> bytes:
    value = der(OCTET_STRING, der(SEQUENCE, *names))
    extension = der(SEQUENCE, der(OID, b"\x55\x1d\x11"), der(BOOLEAN, b"\xff"), value)
    other = der(SEQUENCE, der(OID, b"\x55\x1d\x13"), der(OCTET_STRING, der(SEQUENCE)))
    return der(0xA3, der(SEQUENCE, other, extension))


def certificate(
    *optional: bytes,
    subject: bytes = b"",
    dates: tuple[tuple[int, bytes], ...] = DATES,
    version: bytes = b"\xa0\x03\x02\x01\x02",
) -> bytes:
    algorithm = der(SEQUENCE, der(OID, b"\x2a"))
    signed = der(
        SEQUENCE,
        version,
        der(INTEGER, b"\x01"),
        algorithm,
        der(SEQUENCE),
        der(SEQUENCE, *(der(tag, value) for tag, value in dates)),
        der(SEQUENCE, subject),
        der(SEQUENCE, b"\x03\x01\x00"),
        *optional,
    )
    return der(SEQUENCE, signed, algorithm, der(0x03, b"\x00"))


def issued(
    *names: str,
    common_name: str | None = "localhost",
    not_before: datetime = NOW - DAY,
    not_after: datetime = NOW + DAY,
) -> bytes:
    """Return a certificate as another library makes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test")]
    if common_name is not None:
        attributes.append(x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(x509.Name(attributes))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    if names:
        general_names = x509.SubjectAlternativeName([general_name(name) for name in names])
        builder = builder.add_extension(general_names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def test_a_certificate_as_others_make_it() -> None:
    parsed = parse_certificate(issued("localhost", "*.example.test", "127.0.0.1", "::1"))
    assert parsed == Certificate(
        NOW - DAY, NOW + DAY, ("localhost", "*.example.test", "127.0.0.1", "::1")
    )


def test_a_certificate_with_a_common_name_only() -> None:
    assert parse_certificate(issued()).names == ("localhost",)
    assert parse_certificate(issued(common_name=None)).names == ()


def test_a_common_name_beside_other_names_does_not_count() -> None:
    assert parse_certificate(issued("a.test", common_name="b.test")).names == ("a.test",)


@pytest.mark.parametrize("year", [1949, 1950, 1999, 2000, 2049, 2050, 9999])
def test_dates_as_others_write_them(year: int) -> None:
    date = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    if year >= 1950:  # the oldest date that others write
        data = issued(not_before=datetime(1950, 1, 1, tzinfo=UTC), not_after=date)
    else:
        long = (GENERALIZED_TIME, f"{date:%Y%m%d%H%M%SZ}".encode())
        data = certificate(dates=(long, long))
    assert parse_certificate(data).not_after == date


@pytest.mark.parametrize(
    ("tag", "octets", "name"),
    [
        pytest.param(UTF_8, "bücher".encode(), "bücher", id="UTF-8"),
        pytest.param(PRINTABLE, b"h", "h", id="printable"),
        pytest.param(TELETEX, b"b\xfc", "bü", id="teletex"),
        pytest.param(BMP, "bü".encode("utf-16-be"), "bü", id="bmp"),
        pytest.param(UNIVERSAL, "bü".encode("utf-32-be"), "bü", id="universal"),
        pytest.param(UTF_8, b"\xff", "\N{REPLACEMENT CHARACTER}", id="not UTF-8"),
        pytest.param(BMP, b"\x00a\x00", "a\N{REPLACEMENT CHARACTER}", id="half a character"),
        pytest.param(0x1B, b"\xfc", "ü", id="unknown kind"),
        pytest.param(UTF_8, b"\x1b[2J\n", r"\x1b[2J\n", id="control characters"),
        pytest.param(UTF_8, b"a" * 1000, "a" * 253, id="long"),
    ],
)
def test_common_names(tag: int, octets: bytes, name: str) -> None:
    data = certificate(subject=common_name(octets, tag))
    assert parse_certificate(data).names == (name,)


@pytest.mark.parametrize(
    ("tag", "octets", "names"),
    [
        pytest.param(DNS_NAME, b"bank.test\0.evil.test", (r"bank.test\x00.evil.test",), id="NUL"),
        pytest.param(DNS_NAME, "bücher".encode(), (r"b\xc3\xbccher",), id="not ASCII"),
        pytest.param(IP_ADDRESS, ip_address("fe80::1").packed, ("fe80::1",), id="IPv6"),
        pytest.param(E_MAIL, b"me@h", ("other",), id="another kind"),
    ],
)
def test_alternative_names(tag: int, octets: bytes, names: tuple[str, ...]) -> None:
    data = certificate(alternative_names(der(tag, octets)), subject=common_name(b"other"))
    assert parse_certificate(data).names == names


def test_a_certificate_of_version_1() -> None:
    assert parse_certificate(certificate(version=b"", subject=common_name(b"h"))).names == ("h",)


BROKEN = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"0", id="a tag only"),
    pytest.param(b"0\x81", id="half a length"),
    pytest.param(b"0\x80\x00\x00", id="length that comes later"),
    pytest.param(b"0\x81\x05" + bytes(5), id="length that is not the shortest"),
    pytest.param(b"0\x82\x00\x85" + bytes(0x85), id="length with a zero"),
    pytest.param(b"0\x84\xff\xff\xff\xff", id="length of gigabytes"),
    pytest.param(b"0\xff" + b"\xff" * 200, id="length of 127 octets"),
    pytest.param(b"0\x05abc", id="cut"),
    pytest.param(b"\x3f\x81\x01\x00", id="tag that goes on"),
    pytest.param(b"0\x00", id="empty"),
    pytest.param(der(SET, certificate()[4:]), id="set"),
    pytest.param(certificate() + b"\x05\x00", id="something behind it"),
    pytest.param(certificate()[:-1], id="without its last octet"),
    pytest.param(der(SEQUENCE, *[der(SEQUENCE)] * 3), id="nothing signed"),
    pytest.param(der(SEQUENCE, *[der(SEQUENCE)] * 2), id="no signature"),
    pytest.param(certificate(dates=DATES[:1]), id="one date"),
    pytest.param(certificate(dates=(*DATES, DATES[0])), id="three dates"),
    pytest.param(certificate(dates=((PRINTABLE, DATES[0][1]), DATES[1])), id="date of a tag"),
    pytest.param(certificate(dates=((UTC_TIME, b"2601020304Z"), DATES[1])), id="no seconds"),
    pytest.param(certificate(dates=((UTC_TIME, b"260102030405+0100"), DATES[1])), id="zone"),
    pytest.param(certificate(dates=((UTC_TIME, b"260230030405Z"), DATES[1])), id="30 February"),
    pytest.param(certificate(dates=((UTC_TIME, b"260102030460Z"), DATES[1])), id="leap second"),
    pytest.param(
        certificate(dates=((GENERALIZED_TIME, b"00000102030405Z"), DATES[1])), id="year 0"
    ),
    pytest.param(
        certificate(dates=((UTC_TIME, "26010203040٥Z".encode()), DATES[1])), id="Arabic digits"
    ),
    pytest.param(certificate(subject=der(SEQUENCE)), id="sequence in a name"),
    pytest.param(certificate(subject=b"\x31\x05\x30"), id="cut name"),
    pytest.param(certificate(alternative_names(der(IP_ADDRESS, bytes(5)))), id="5 octets of IP"),
    pytest.param(certificate(der(0xA3)), id="no extensions"),
    pytest.param(
        certificate(der(0xA3, der(SEQUENCE, der(OID, b"\x55\x1d\x11")))), id="only an OID"
    ),
    pytest.param(
        certificate(der(0xA3, der(SEQUENCE, der(SEQUENCE, der(OID, b"\x55\x1d\x11"))))),
        id="extension without a value",
    ),
    pytest.param(certificate(subject=common_name(b"a" * MAX_SIZE)), id="too long"),
]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_no_certificate(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_certificate(data)


@pytest.mark.parametrize("data", BROKEN)
@pytest.mark.parametrize("code", [NOT_YET_VALID, HAS_EXPIRED, SELF_SIGNED, HOSTNAME, ADDRESS])
def test_what_is_no_certificate_leaves_the_words_of_openssl(code: int, data: bytes) -> None:
    assert "so it is" in why_untrusted(code, "so it is", [data], "h", NOW)


@given(st.binary(max_size=300))
def test_noise(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_certificate(data)


WHOLE = certificate(
    alternative_names(der(DNS_NAME, b"a.test"), der(IP_ADDRESS, bytes(4))),
    subject=common_name(b"c"),
)


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    st.integers(0, len(WHOLE)),
)
def test_a_damaged_certificate(changes: list[tuple[int, int]], size: int) -> None:
    data = bytearray(WHOLE[: size or None])
    for position, octet in changes:
        if position < len(data):
            data[position] = octet
    try:
        parsed = parse_certificate(bytes(data))
    except ValueError:
        return
    assert "".join(parsed.names).isprintable()


def test_every_prefix_of_a_certificate_is_none() -> None:
    for size in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"."):
            parse_certificate(WHOLE[:size])


def test_the_most_elements_that_fit_take_no_time() -> None:
    names = b"\x82\x00" * 32_000
    assert len(parse_certificate(certificate(alternative_names(names))).names) == 32_000


# What is said.


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        pytest.param(("a.test",), "it is for a.test, not for h.test", id="one"),
        pytest.param(("a.test", "127.0.0.1"), "it is for a.test and 127.0.0.1, not for h.test"),
        pytest.param(
            tuple(f"{number}.test" for number in range(45)),
            "it is for 0.test, 1.test, 2.test, 3.test, 4.test and 40 more, not for h.test",
            id="many",
        ),
        pytest.param(("*.h.test",), "it is for *.h.test, not for h.test", id="wildcard"),
    ],
)
def test_a_wrong_name(names: tuple[str, ...], reason: str) -> None:
    assert why_untrusted(HOSTNAME, "", [issued(*names)], "h.test", NOW) == reason


@pytest.mark.parametrize(
    ("code", "days", "reason"),
    [
        pytest.param(HAS_EXPIRED, (-2, -1), "it was valid until {1}", id="expired"),
        pytest.param(NOT_YET_VALID, (1, 2), "it is not valid before {0}", id="too early"),
    ],
)
def test_a_wrong_date(code: int, days: tuple[int, int], reason: str) -> None:
    dates = [NOW + number * DAY for number in days]
    chain = [issued(not_before=dates[0], not_after=dates[1])]
    shown = [f"{date:%Y-%m-%d %H:%M} UTC" for date in dates]
    assert why_untrusted(code, "", chain, "localhost", NOW) == reason.format(*shown)


def test_a_certificate_without_a_name() -> None:
    reason = why_untrusted(HOSTNAME, "", [issued(common_name=None)], "h", NOW)
    assert reason == "it is for no server at all, not for h"


def test_an_address_that_is_only_the_common_name() -> None:
    data = issued(common_name="127.0.0.1")
    assert why_untrusted(ADDRESS, "IP address mismatch.", [data], "127.0.0.1", NOW) == (
        "IP address mismatch"
    )


def test_the_time_is_over_of_one_further_up() -> None:
    chain = [issued(), issued(not_before=NOW - 9 * DAY, not_after=NOW - DAY)]
    reason = f"one that signed it was valid until {NOW - DAY:%Y-%m-%d %H:%M} UTC"
    assert why_untrusted(HAS_EXPIRED, "", chain, "localhost", NOW) == reason


@pytest.mark.parametrize("code", [NOT_YET_VALID, HAS_EXPIRED])
def test_a_time_that_is_not_that_of_a_certificate_in_the_chain(code: int) -> None:
    assert why_untrusted(code, "OpenSSL's words", [issued()], "h", NOW) == "OpenSSL's words"


def test_something_else_is_wrong() -> None:
    assert why_untrusted(26, "unsuitable purpose", [issued()], "h", NOW) == "unsuitable purpose"


@given(st.integers(0, 100), st.lists(st.binary(max_size=50), max_size=3), st.none() | st.text())
def test_something_is_always_said(code: int, chain: list[bytes], name: str | None) -> None:
    assert "why" in why_untrusted(code, "why", chain, name, NOW)
