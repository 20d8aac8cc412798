"""What FTP's URLs mean, against a server that does what each test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    IncompleteMessage,
    InsecureLogin,
    PermanentNegativeReply,
    TransientNegativeReply,
)
from sockettools.net.address import InternetAddress
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.ftp import FtpPlace, parse_place
from tests.servers.scripted import ScriptedServer
from tests.servers.scripted_ftp import MLSD, FtpScript

if TYPE_CHECKING:
    from typing import Any

    from sockettools.service_url import ServiceUrl
    from tests.servers.scripted import Client

TABLE = """\
type            size  modified              name
file             167  2016-07-06 09:50:00Z  romeo.txt
dir                -  2016-07-06 09:50:00Z  na me
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("/a/b.txt", FtpPlace(b"a/b.txt"), id="below the login directory"),
        pytest.param("//a/b.txt", FtpPlace(b"/a/b.txt"), id="from the root, two slashes"),
        pytest.param("/%2Fa/b.txt", FtpPlace(b"/a/b.txt"), id="from the root, RFC 1738"),
        pytest.param("", FtpPlace(b"", is_directory=True), id="nothing"),
        pytest.param("/", FtpPlace(b"", is_directory=True), id="login directory"),
        pytest.param("//", FtpPlace(b"/", is_directory=True), id="root"),
        pytest.param("/a/", FtpPlace(b"a", is_directory=True), id="directory"),
        pytest.param("//a/", FtpPlace(b"/a", is_directory=True), id="directory from the root"),
        pytest.param("/a;type=d", FtpPlace(b"a", is_directory=True), id="type d"),
        pytest.param("/a;TYPE=A", FtpPlace(b"a", is_text=True), id="type a"),
        pytest.param("/a;type=i", FtpPlace(b"a"), id="type i"),
        pytest.param("/a;b", FtpPlace(b"a;b"), id="semicolon"),
        pytest.param("/a%3Btype=x", FtpPlace(b"a;type=x"), id="encoded semicolon"),
        pytest.param("/a?b=c", FtpPlace(b"a?b=c"), id="question mark"),
        pytest.param("/a#b", FtpPlace(b"a"), id="fragment"),
        pytest.param("/a%23b%25", FtpPlace(b"a#b%"), id="encoded"),
        pytest.param("/caf%E9", FtpPlace(b"caf\xe9"), id="Latin-1"),
    ],
)
def test_place(path: str, place: FtpPlace) -> None:
    assert parse_place(path) == place


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("/a;type=x", "the type 'x'", id="type x"),
        pytest.param("/a;type=", "the type ''", id="no type"),
        pytest.param("/a%0D%0ADELE%20b", "a line end", id="line end"),
        pytest.param("/a%0a", "a line end", id="LF"),
        pytest.param("/a%00", "a NUL", id="NUL"),
        pytest.param("?a", "a slash", id="no slash"),
    ],
)
def test_no_place(path: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_place(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/b.txt", "b.txt"), ("/caf%E9", "café"), ("/caf%C3%A9", "café"), ("/a/", ""), ("", "")],
)
def test_name(path: str, name: str) -> None:
    assert parse_place(path).name == name


def url_of(
    server: ScriptedServer, path: str, user: str = "", host: str = "127.0.0.1"
) -> ServiceUrl:
    return parse_service_url(f"ftp://{user}{host}:{server.port}{path}")


def fetched(
    script: FtpScript, path: str, wanted: Wanted | None = None, *, user: str = "", **access: Any
) -> bytes:
    with (
        ScriptedServer(script) as server,
        fetch(
            url_of(server, path, user),
            Access(**access),
            wanted or Wanted(),
        ) as resource,
    ):
        return b"".join(resource.blocks)


def test_file() -> None:
    script = FtpScript({"SIZE": b"213 4\r\n", "MDTM": b"213 20160706095000\r\n"})
    with (
        ScriptedServer(script) as server,
        fetch(url_of(server, "/a/b%20c.txt"), Access()) as resource,
    ):
        assert (resource.size, resource.name, resource.offset) == (4, "b c.txt", 0)
        assert resource.media_type == "application/octet-stream"
        assert resource.validator == '"20160706095000-4"'
        assert b"".join(resource.blocks) == b"data"

    assert script.lines == [
        "AUTH TLS",
        "USER anonymous",
        "PASS anonymous@",
        "FEAT",
        "OPTS UTF8 ON",
        "TYPE I",
        "SIZE a/b c.txt",
        "MDTM a/b c.txt",
        "EPSV",
        "RETR a/b c.txt",
        "QUIT",
    ]


def test_less_than_the_server_has_promised() -> None:
    with pytest.raises(IncompleteMessage, match="4 octets of 5"):
        fetched(FtpScript({"SIZE": b"213 5\r\n"}), "/a")


def test_text() -> None:
    script = FtpScript(data=b"one\r\ntwo\rthree\r\n")

    assert fetched(script, "/a.txt;type=a") == b"one\ntwo\rthree\n"
    assert "TYPE A" in script.lines
    assert "SIZE" not in script.verbs


@pytest.mark.parametrize(
    ("path", "directory"),
    [
        ("", None),
        ("/", None),
        ("/-l/", "-l"),
        ("//", "/"),
        ("/a%20b/c/", "a b/c"),
        ("/a;type=d", "a"),
    ],
)
def test_directory(path: str, directory: str | None) -> None:
    script = FtpScript(data=MLSD)

    assert fetched(script, path).decode() == TABLE
    assert [line for line in script.lines if line.startswith("CWD")] == (
        [f"CWD {directory}"] if directory else []
    )
    assert "MLSD" in script.lines


def test_directory_as_people_see_it() -> None:
    script = FtpScript(
        {"MLSD": b"502 no\r\n"},
        data=b"total 1\r\n-rw-r--r-- 1 u g 1 Jul  6  2016 a\x1b[2J\r\nwhatever\x07\r\n",
    )

    assert fetched(script, "/").decode().splitlines()[1:] == [
        r"file               1  Jul  6  2016          a\x1b[2J",
        r"whatever\x07",
    ]


# Going on with a file


@pytest.mark.parametrize(
    ("offset", "got", "left", "rest"),
    [
        pytest.param(3, 3, 4, True, id="the rest"),
        pytest.param(7, 7, 0, False, id="all is there"),
        pytest.param(8, 0, 7, False, id="more is there than the server has"),
    ],
)
def test_offset(offset: int, got: int, left: int, rest: bool) -> None:
    script = FtpScript({"SIZE": b"213 7\r\n"}, data=b"data")
    with (
        ScriptedServer(script) as server,
        fetch(url_of(server, "/a"), Access(), Wanted(offset)) as resource,
    ):
        assert (resource.offset, resource.size) == (got, left)
        if rest:
            assert b"".join(resource.blocks) == b"data"

    assert (f"REST {offset}" in script.lines) == rest
    assert ("RETR" in script.verbs) == bool(left)


def test_offset_where_there_is_no_rest() -> None:
    with pytest.raises(PermanentNegativeReply, match="refused to go on from octet 2"):
        fetched(FtpScript({"REST": b"502 no\r\n"}), "/a", Wanted(2))


def test_offset_of_text() -> None:
    with pytest.raises(ValueError, match="cannot be gone on with"):
        fetched(FtpScript(), "/a;type=a", Wanted(2))


# Names


def test_latin_1_where_there_is_no_such_name_in_utf_8() -> None:
    def retrieve(script: FtpScript, client: Client) -> None:
        script.answers = {}
        client.send(b"550 no such file\r\n")

    script = FtpScript({"RETR": retrieve})

    assert fetched(script, "/café") == b"data"
    assert [line for line in script.lines if line.startswith("RETR")] == [
        "RETR caf\xc3\xa9",
        "RETR caf\xe9",
    ]


@pytest.mark.parametrize(("path", "times"), [("/café", 2), ("/cafe", 1), ("/caf%E9", 1), ("/€", 1)])
def test_no_such_file(path: str, times: int) -> None:
    script = FtpScript({"RETR": b"550 no such file\r\n"})

    with pytest.raises(PermanentNegativeReply, match="550 no such file"):
        fetched(script, path)
    assert script.verbs.count("RETR") == times


# Logging in


def knows(_url: object) -> Credentials:
    return Credentials("user", "secret")


def test_credentials() -> None:
    script = FtpScript()

    fetched(script, "/a", credentials=knows)

    assert script.lines[1:3] == ["USER user", "PASS secret"]


@pytest.mark.parametrize("user", ["anonymous@", "ftp@"])
def test_nobody_is_asked_for_the_password_of_the_anonymous(user: str) -> None:
    script = FtpScript()

    fetched(script, "/a", user=user, credentials=lambda _url: pytest.fail("asked"))

    assert "USER anonymous" in script.lines


def elsewhere(script: FtpScript, **access: Any) -> None:
    """Fetch from a host that is not this one, as far as one can tell."""
    with ScriptedServer(script) as server:
        addresses = {("ftp.example", server.port): InternetAddress("127.0.0.1", server.port)}
        url = url_of(server, "/a", host="ftp.example")
        with fetch(url, Access(addresses=addresses, **access)) as resource:
            b"".join(resource.blocks)


def test_no_password_in_clear_text_to_another_machine() -> None:
    script = FtpScript()

    with pytest.raises(InsecureLogin):
        elsewhere(script, credentials=knows)

    assert "USER" not in script.verbs


def test_password_in_clear_text_if_it_was_asked_for() -> None:
    script = FtpScript()

    elsewhere(script, credentials=knows, tls=TlsPolicy.OFF)

    assert script.lines[:2] == ["USER user", "PASS secret"]


def test_anonymous_in_clear_text() -> None:
    elsewhere(FtpScript())


def test_encryption_is_required() -> None:
    script = FtpScript()

    with pytest.raises(PermanentNegativeReply, match="offers no encryption"):
        fetched(script, "/a", tls=TlsPolicy.REQUIRE)

    assert script.verbs in (["AUTH"], ["AUTH", "QUIT"])


def test_421_for_the_encryption() -> None:
    with pytest.raises(TransientNegativeReply, match="421 no"):
        fetched(FtpScript({"AUTH": b"421 no\r\n"}), "/a")
