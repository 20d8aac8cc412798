from __future__ import annotations

import json
import os
import pty
import re
import signal
import ssl
import stat
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.browser.request import basic
from tests.machine import needs_dev_full
from tests.servers.certificates import Authority
from tests.servers.ports import held_ports
from tests.servers.proxy import proxy
from tests.servers.scripted import PATIENCE, ScriptedServer, answer, chunked, head, redirect
from tests.sockettools.cli.getting import COMMAND, get, started
from tests.terminals import start_at_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client, Script

PAGE = b"But soft what light through yonder window breaks\n"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue(path)
    return path


# Fields.


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ("X: 1", "x", "1"),
        ("X:1", "x", "1"),
        ("X:   a: b  ", "x", "a: b"),
        ("User-Agent: me", "user-agent", "me"),
        ("user-agent:", "user-agent", None),
        ("Accept:", "accept", None),
        ("X;", "x", ""),
        ("X: ü", "x", "ü".encode().decode("latin-1")),
        ("X: \udcff", "x", "\xff"),
        ("Host: other", "host", "other"),
        ("Authorization: Bearer x", "authorization", "Bearer x"),
    ],
)
def test_a_field(given: str, name: str, expected: str | None) -> None:
    with ScriptedServer(answer()) as server:
        assert get(server.url, "-H", given).status == 0

    assert server.requests[0].field(name) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("-H", "X"), "'X' is not a field: write 'Name: value'", id="no colon"),
        pytest.param(("-H", ": 1"), "does not begin with the name of a field", id="no name"),
        pytest.param(("-H", "X Y: 1"), "does not begin with the name", id="blank in the name"),
        pytest.param(("-H", "X: a\r\nY: b"), "not a value of X", id="two of one"),
        pytest.param(("-H", "X: a\nY: b"), "not a value of X", id="a bare line feed"),
        pytest.param(("-H", "X: a\0"), "not a value of X", id="NUL"),
        pytest.param(("-H", "X\r\nY: b"), "does not begin with", id="line end in the name"),
        pytest.param(("-H", "Host:"), "exactly one Host", id="no host"),
        pytest.param(("-H", "Host: a", "-H", "Host: b"), "exactly one Host", id="two hosts"),
        pytest.param(("-b", "a=1\r\nX: y"), "not a value of Cookie", id="cookie"),
        pytest.param(("-X", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"), "not a method", id="method"),
    ],
)
def test_what_is_no_field_is_refused_before_anything_is_sent(
    arguments: tuple[str, ...], message: str
) -> None:
    with ScriptedServer(answer()) as server:
        done = get(server.url, *arguments)

    assert (done.status, done.out) == (2, b"")
    assert message in done.err
    assert done.err.isprintable() or done.err.count("\r") == 0
    assert server.requests == []


# URLs.


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("/a b", "/a%20b"),
        ("/a \n", "/a"),
        ("/ü?ü", "/%C3%BC?%C3%BC"),
        ("/%0d%0aX", "/%0d%0aX"),
        ("?q", "/?q"),
        ("/a#fragment", "/a"),
        ("/a/../b", "/b"),
    ],
)
def test_what_a_url_becomes(written: str, target: str) -> None:
    with ScriptedServer(answer()) as server:
        assert get(f"{server.url}{written}").status == 0

    assert server.requests[0].line == f"GET {target} HTTP/1.1"
    assert server.requests[0].field("X") is None


@pytest.mark.parametrize("url", ["http://h/a\r\nX: y", "http://h/a\nb", "http://h/a\tb"])
def test_line_ends_and_tabs_are_not_dropped(url: str) -> None:
    done = get(url)

    assert done.status == 2
    assert done.err.endswith("is not a URL to open: it has a line end or a tab in it\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@h:x/",
        "http://me:secret@",
        "http://me:sec/ret@h/",
        "http://me:sec?ret@h/",
        "http://me:sec@ret@[h/",
        "me:secret@h",
        "ldap://me:secret@h/",
        "http:me:secret@h",
        "http://me:secret\n@h:x/",
        "HTTP://me:secret@h:x/",
    ],
)
def test_a_password_is_not_repeated(url: str) -> None:
    done = get(url)

    assert done.status == 2
    assert "is not a URL to open" in done.err or "ldap:// is none of http" in done.err
    assert "sec" not in done.err
    assert "ret" not in done.err.replace("sockettools", "")
    assert done.err.count("\n") == 1


def test_a_very_long_url_is_not_repeated_in_full() -> None:
    assert len(get("x" * 10_000).err) < 500


@pytest.mark.parametrize("arguments", [(), ("--timings",), ("-f",), ("--har", "HAR")])
def test_a_password_is_never_shown(arguments: tuple[str, ...], tmp_path: Path) -> None:
    har = tmp_path / "har"
    arguments = tuple(argument.replace("HAR", str(har)) for argument in arguments)
    said = (redirect("/2"), answer(b"no", "Connection: close", status="404 Not Found"), b"x")
    with ScriptedServer(said) as server:
        url = server.url.replace("//", "//me:secret@")
        done = get(url, url, url, *arguments)

    assert server.requests[0].field("Authorization") == basic(("me", "secret"))
    assert "secret" not in done.err
    assert "me:" not in done.err
    if har.exists():
        assert basic(("me", "secret")) not in har.read_text()
        assert "secret" not in har.read_text()


def test_user() -> None:
    with ScriptedServer(answer()) as server:
        get(server.url.replace("//", "//you:other@"), "-u", "me:se:cret")
        get(server.url, "-u", "me")

    assert [request.field("Authorization") for request in server.requests] == [
        basic(("me", "se:cret")),
        basic(("me", "")),
    ]


@pytest.mark.parametrize(
    ("typed", "status", "sent", "message"),
    [
        pytest.param(b"secret\n", 0, basic(("me", "secret")), "", id="password"),
        pytest.param(b"\x04", 2, None, "--user me: no password was typed", id="end"),
        pytest.param(b"\x03", 130, None, "", id="Ctrl-C"),
    ],
)
def test_a_password_is_asked_for(typed: bytes, status: int, sent: str | None, message: str) -> None:
    master, slave = pty.openpty()
    with (
        ScriptedServer(answer()) as server,
        start_at_terminal(
            [*COMMAND, server.url, "-u", "me"],
            slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        shown = b""
        while not shown.endswith(b"Password for me: "):
            shown += os.read(master, 100)
        os.write(master, typed)
        errors = process.communicate(timeout=PATIENCE)[1].decode()
    os.close(slave)
    os.close(master)

    assert process.returncode == status
    assert message in errors
    assert errors.count("\n") == bool(message)
    assert [request.field("Authorization") for request in server.requests] == [sent] * bool(sent)


def test_an_international_host() -> None:
    with ScriptedServer(answer(PAGE)) as server:
        done = get(
            f"http://Bücher.example:{server.port}/",
            *("--resolve", f"bücher.example:{server.port}:127.0.0.1"),
        )

    assert (done.status, done.out) == (0, PAGE)
    assert server.requests[0].field("Host") == f"xn--bcher-kva.example:{server.port}"


def test_http_1_0() -> None:
    with ScriptedServer((head(version="1.0") + PAGE,)) as server:
        assert get(server.url, "--http1.0").out == PAGE

    assert server.requests[0].line == "GET / HTTP/1.0"
    assert server.requests[0].field("Host") == server.address


@pytest.mark.parametrize(
    ("arguments", "expected"), [((), None), (("--compressed",), "gzip, deflate")]
)
def test_compressed(arguments: tuple[str, ...], expected: str | None) -> None:
    with ScriptedServer(answer()) as server:
        get(server.url, *arguments)

    sent = server.requests[0].field("Accept-Encoding")
    assert sent == expected or (sent or "").startswith(f"{expected}, ")


# Redirects.


@pytest.mark.parametrize(
    ("arguments", "status", "out"),
    [
        ((), 0, PAGE),
        (("-L",), 0, PAGE),
        (("--max-redirs", "2"), 0, PAGE),
        (("--max-redirs", "1"), 1, b""),
        (("--no-redirect",), 0, b""),
    ],
)
def test_redirects(arguments: tuple[str, ...], status: int, out: bytes) -> None:
    with ScriptedServer((redirect("/2"), redirect("/3"), answer(PAGE))) as server:
        done = get(server.url, *arguments)

    assert (done.status, done.out) == (status, out)


def test_nothing_that_proves_who_asks_goes_to_another_origin(
    certificate: Path, authority: Authority
) -> None:
    """From https to http it is also everybody's on the way."""
    with (
        ScriptedServer(answer(PAGE)) as other,
        ScriptedServer(redirect(f"{other.url}/2"), certificate=certificate) as server,
    ):
        done = get(
            server.url.replace("//", "//me:secret@"),
            *("-H", "Authorization: Bearer secret", "-H", "Host: secret.example"),
            *("-b", "secret=1", "-u", "you:secret", "--cacert", str(authority.path)),
        )

    assert done.out == PAGE
    assert server.requests[0].field("Cookie") == "secret=1"
    assert b"secret" not in other.requests[0].head
    assert other.requests[0].field("Authorization") is None
    assert other.requests[0].field("Host") == other.address


# Cookies.


def jar(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ("# Netscape HTTP Cookie File", *lines))


@pytest.fixture
def cookies(tmp_path: Path) -> Path:
    path = tmp_path / "cookies"
    path.write_text(jar("127.0.0.1\tFALSE\t/\tFALSE\t0\tstored\t1", "h\tFALSE\t/\tFALSE\t0\tx\t2"))
    return path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("-b", "a=1; b=2"), "a=1; b=2", id="text"),
        pytest.param(("-b", "FILE"), "stored=1", id="file"),
        pytest.param(("-b", "FILE", "-b", "a=1"), "stored=1; a=1", id="both"),
        pytest.param(("-b", "a=1", "-b", "b=2"), "a=1; b=2", id="two texts"),
        pytest.param(("-b", "FILE", "-H", "Cookie: a=1"), "stored=1; a=1", id="-b and -H"),
        pytest.param(("-b", "FILE", "-H", "Cookie:"), None, id="left out"),
        pytest.param((), None, id="none"),
    ],
)
def test_cookies(arguments: tuple[str, ...], expected: str | None, cookies: Path) -> None:
    with ScriptedServer(answer()) as server:
        done = get(server.url, *(argument.replace("FILE", str(cookies)) for argument in arguments))

    assert done.status == 0
    assert server.requests[0].field("Cookie") == expected


def test_cookies_are_kept_from_one_run_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    said = (
        redirect("/2")[:-2] + b"Set-Cookie: a=1\r\n\r\n",
        answer(b"", "Set-Cookie: b=2; Max-Age=1000"),
    )
    with ScriptedServer(said, answer()) as server:
        # The first time there is no such file.
        for _ in range(2):
            assert get(server.url, "-b", str(path), "-c", str(path)).err == ""

    cookies = [request.field("Cookie") for request in server.requests]
    assert cookies == [None, "a=1", "a=1; b=2"]
    lines = [line.split("\t") for line in path.read_text().splitlines() if "\t" in line]
    assert [line[5:] for line in lines] == [["a", "1"], ["b", "2"]]


def test_nobody_else_can_read_the_jar(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    before = os.umask(0)
    try:
        with ScriptedServer(answer(b"", "Set-Cookie: a=1")) as server:
            get(server.url, "-c", str(path))
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_jar_is_written_also_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    with ScriptedServer((head("Set-Cookie: a=1", "Content-Length: 9"),)) as server:
        assert get(server.url, "-c", str(path)).status == 1

    assert "\ta\t1\n" in path.read_text()


def test_the_jar_on_standard_output() -> None:
    with ScriptedServer(answer(PAGE, "Set-Cookie: a=1")) as server:
        done = get(server.url, "-c", "-")

    assert done.out == PAGE + jar("", "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1").encode()


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        pytest.param(None, 1, "/cookies: No such file or directory", id="not there"),
        pytest.param("nonsense secret\n", 2, "cookies: line 1: it has 1 fields", id="nonsense"),
    ],
)
def test_a_file_of_cookies_that_cannot_be_read(
    content: str | None, status: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "cookies"
    if content is not None:
        path.write_text(content)
    done = get("http://h/", "-b", str(path))

    assert done.status == status
    assert message in done.err
    assert "secret" not in done.err


# Where to connect to.


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("h", "is not HOST:PORT:ADDRESS"),
        ("h:80", "is not HOST:PORT:ADDRESS"),
        ("h:x y:1.2.3.4", "is neither a port"),
        ("h:99999:1.2.3.4", "out of range"),
        ("::1:80:1.2.3.4", "is not HOST:PORT:ADDRESS"),
        ("a b:80:1.2.3.4", "is not a host name"),
    ],
)
def test_what_is_no_override(override: str, message: str) -> None:
    done = get("http://h/", "--resolve", override)

    assert done.status == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("host", "override"),
    [
        ("h.example", "h.example:{}:127.0.0.1"),
        ("H.EXAMPLE", "h.example:{}:127.0.0.1"),
        ("h.example", "H.example:{}:localhost"),
        ("[::5]", "[::5]:{}:127.0.0.1"),
    ],
)
def test_resolve(host: str, override: str) -> None:
    with ScriptedServer(answer(PAGE)) as server:
        done = get(f"http://{host}:{server.port}/", "--resolve", override.format(server.port))

    assert (done.status, done.out) == (0, PAGE)


# Proxies.


def test_a_proxy() -> None:
    with ScriptedServer(answer(PAGE)) as server, proxy() as between:
        done = get(f"{server.url}/a?b#c", "-x", f"http://me:secret@{between.address}")

    assert (done.status, done.out) == (0, PAGE)
    assert between.requests[0].line == f"GET {server.url}/a?b HTTP/1.1"
    assert between.requests[0].field("Proxy-Authorization") == basic(("me", "secret"))
    assert server.requests[0].target == "/a?b"


def test_a_tunnel(certificate: Path, authority: Authority) -> None:
    with ScriptedServer(answer(PAGE), certificate=certificate) as server, proxy() as between:
        done = get(server.url, "-x", between.address, "--cacert", str(authority.path), "--trace")

    assert (done.status, done.out) == (0, PAGE)
    assert between.requests[0].line == f"CONNECT {server.address} HTTP/1.1"
    assert "\\x16" not in done.err  # no encrypted bytes


@pytest.mark.parametrize(
    ("user", "given", "expected"),
    [
        pytest.param("", "Proxy-Authorization: Bearer x", "Bearer x", id="given"),
        pytest.param("me:secret@", "proxy-authorization: Bearer x", "Bearer x", id="in its place"),
        pytest.param("me:secret@", "Proxy-Authorization:", None, id="left out"),
    ],
)
def test_what_is_for_a_proxy_goes_to_no_origin(
    user: str, given: str, expected: str | None, certificate: Path, authority: Authority
) -> None:
    trusted = ("--cacert", str(authority.path))
    with (
        ScriptedServer(answer(PAGE), certificate=certificate) as secure,
        ScriptedServer(answer(PAGE)) as server,
        proxy() as between,
    ):
        for url in (secure.url, server.url):
            assert get(url, "-x", f"{user}{between.address}", "-H", given, *trusted).status == 0
        assert get(server.url, "-H", given).status == 0

    assert [request.field("Proxy-Authorization") for request in between.requests] == [expected] * 2
    assert secure.requests[0].field("Proxy-Authorization") is None
    assert server.requests[-1].field("Proxy-Authorization") is None


def test_what_is_no_value_for_a_proxy(certificate: Path) -> None:
    with ScriptedServer(answer(), certificate=certificate) as server, proxy() as between:
        done = get(server.url, "-x", between.address, "-H", "Proxy-Authorization: a\nb: c")

    assert done.status == 2
    assert between.requests == []


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        pytest.param(
            (answer(status="407 Proxy Authentication Required"),), 1, "407 Proxy", id="refused"
        ),
        pytest.param((b"nonsense\r\n",), 1, "not HTTP", id="garbage"),
        pytest.param((b"",), 1, "without an answer", id="nothing"),
        pytest.param(lambda client: client.wait_for_end(), 3, "in time", id="silence"),
    ],
)
def test_a_proxy_that_does_not_connect(said: Script, status: int, message: str) -> None:
    with ScriptedServer(said) as between:
        seconds = "1" if message == "in time" else "60"
        done = get("https://h/", "-x", f"me:secret@{between.address}", "--connect-timeout", seconds)

    assert done.status == status
    assert f"the proxy {between.address}" in done.err
    assert message in done.err
    assert "secret" not in done.err
    assert done.err.count("\n") == 1


def test_a_proxy_where_nothing_listens() -> None:
    with held_ports(1) as (port,):
        done = get("http://h/", "-x", f"127.0.0.1:{port}")

    assert done.status == 4
    assert f"cannot connect to 127.0.0.1:{port}" in done.err


@pytest.mark.parametrize(
    ("environment", "arguments", "is_through"),
    [
        pytest.param({"http_proxy": "PROXY"}, (), True, id="http_proxy"),
        pytest.param({"HTTP_PROXY": "PROXY"}, (), False, id="HTTP_PROXY"),
        pytest.param({"all_proxy": "PROXY"}, (), True, id="all_proxy"),
        pytest.param({"https_proxy": "PROXY"}, (), False, id="https_proxy"),
        pytest.param({"http_proxy": "PROXY", "no_proxy": "127.0.0.1"}, (), False, id="no_proxy"),
        pytest.param({"http_proxy": "PROXY", "no_proxy": "*"}, (), False, id="no_proxy, all"),
        pytest.param({"http_proxy": "PROXY", "no_proxy": "h"}, (), True, id="no_proxy, another"),
        pytest.param({"http_proxy": "PROXY"}, ("-x", ""), False, id="-x ''"),
        pytest.param({"http_proxy": "http://nosuch.invalid"}, ("-x", "PROXY"), True, id="-x"),
        pytest.param({"no_proxy": "127.0.0.1"}, ("-x", "PROXY"), False, id="-x and no_proxy"),
    ],
)
def test_proxies_of_the_environment(
    environment: dict[str, str],
    arguments: tuple[str, ...],
    is_through: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer(answer(PAGE)) as server, proxy() as between:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("PROXY", between.url))
        done = get(server.url, *(argument.replace("PROXY", between.url) for argument in arguments))

    assert (done.status, done.out, done.err) == (0, PAGE, "")
    assert bool(between.requests) is is_through


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    done = get("http://h/", "-x", "socks5://me:secret@h")
    assert done.status == 2
    assert "--proxy: socks5:// is no proxy" in done.err
    assert "secret" not in done.err

    monkeypatch.setenv("http_proxy", "http://me:secret@h:x")
    done = get("http://h/")
    assert done.status == 2
    assert "http_proxy is not the URL of a proxy" in done.err
    assert "secret" not in done.err


# Whom to trust.


def test_tls(certificate: Path, authority: Authority) -> None:
    with ScriptedServer(answer(PAGE), certificate=certificate) as server:
        for arguments in (("--cacert", str(authority.path)), ("-k",)):
            assert get(server.url, *arguments).out == PAGE


@pytest.mark.parametrize(
    ("names", "is_expired", "is_trusted", "message"),
    [
        pytest.param(("other.example",), False, True, "127.0.0.1", id="name"),
        pytest.param((), True, True, "it was valid until 2", id="date"),
        pytest.param((), False, False, "", id="authority"),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_certificate_that_is_not_trusted(
    names: tuple[str, ...],
    is_expired: bool,
    is_trusted: bool,
    message: str,
    times: int,
    authority: Authority,
    tmp_path: Path,
) -> None:
    path = tmp_path / "server.pem"
    authority.issue(path, *names, expired=is_expired)
    arguments = ("--cacert", str(authority.path)) if is_trusted else ()
    with ScriptedServer(answer(PAGE), certificate=path) as server:
        done = get(*[server.url] * times, *arguments, "--retry", "3")
        assert server.requests == []
        assert get(server.url, "-k").out == PAGE

    assert (done.status, done.out) == (1, b"")
    lines = done.err.splitlines()
    assert len(lines) == times
    for line in lines:
        assert message in line
        assert "--cacert FILE trusts another authority, -k takes any certificate" in line


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_the_end_of_an_encrypted_connection_is_the_end_only_with_a_goodbye(
    says_goodbye: bool, certificate: Path
) -> None:
    """Anybody on the way could have cut it."""

    def until_the_end(client: Client) -> None:
        client.read_request()
        client.send(head() + PAGE)
        if says_goodbye:
            assert isinstance(client.socket, ssl.SSLSocket)
            client.socket.unwrap()

    with ScriptedServer(until_the_end, certificate=certificate) as server:
        done = get(server.url, "-k")

    assert (done.status, done.out) == (0 if says_goodbye else 1, PAGE)
    assert ("without saying goodbye" in done.err) is not says_goodbye


def test_tls_to_what_does_not_speak_it() -> None:
    def refuse(client: Client) -> None:
        client.socket.recv(1)
        client.send(answer(status="400 Bad Request"))

    with ScriptedServer(refuse) as server:
        done = get(server.url.replace("http:", "https:"))

    assert done.status == 1
    assert "127.0.0.1 did not agree on TLS" in done.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--cacert", "/nosuch"), 1, "/nosuch: No such file"),
        (("--cacert", os.devnull), 2, "there is no certificate in it"),
        (("--cacert", "x", "-k"), 2, "exclude each other"),
    ],
)
def test_trust_that_cannot_be(arguments: tuple[str, ...], status: int, message: str) -> None:
    done = get("https://h/", *arguments)

    assert done.status == status
    assert message in done.err


# Seeing how it works.


def test_timings(certificate: Path, authority: Authority) -> None:
    with ScriptedServer((redirect("/2"), answer(PAGE)), certificate=certificate) as server:
        done = get(server.url, "--timings", "--cacert", str(authority.path))

    assert done.out == PAGE
    number = r"[0-9]+\.[0-9]{6}"
    first, second = done.err.splitlines()
    assert re.fullmatch(
        rf"{server.url}/: resolve {number}, connect {number}, TLS {number}, first byte {number}, "
        rf"total {number}",
        first,
    )
    assert re.fullmatch(
        rf"{server.url}/2: resolve -, connect -, TLS -, first byte {number}, total {number}",
        second,
    )


def test_har(tmp_path: Path) -> None:
    path = tmp_path / "har"
    with ScriptedServer((redirect("/2"), answer(PAGE, "Content-Type: text/plain"))) as server:
        assert get(server.url, "--har", str(path)).out == PAGE

    entries = json.loads(path.read_bytes())["log"]["entries"]
    assert [entry["request"]["url"] for entry in entries] == [
        f"{server.url}/",
        f"{server.url}/2",
    ]
    assert [entry["response"]["status"] for entry in entries] == [302, 200]
    assert entries[1]["response"]["content"]["text"].encode() == PAGE


def test_har_of_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "har"
    with ScriptedServer((b"",)) as server:
        assert get(server.url, "--har", str(path)).status == 1

    assert len(json.loads(path.read_bytes())["log"]["entries"]) == 1


@pytest.mark.parametrize("option", ["--har", "--trace-json", "-c"])
def test_a_recording_that_cannot_be_written(option: str) -> None:
    with ScriptedServer(answer()) as server:
        done = get(server.url, option, "/nosuch/file")

    assert done.status == 1
    assert done.err == "sockettools get: /nosuch/file: No such file or directory\n"
    assert server.requests == []


@needs_dev_full
@pytest.mark.parametrize("option", ["--har", "--trace-json", "-c"])
def test_what_does_not_fit_is_named(option: str) -> None:
    with ScriptedServer(answer()) as server:
        done = get(server.url, option, "/dev/full")

    assert done.status == 1
    lines = set(done.err.splitlines())
    told = "sockettools get: nothing more is recorded: /dev/full: No space left on device"
    assert lines - {told} == {"sockettools get: /dev/full: No space left on device"}


def test_what_is_recorded_on_standard_output() -> None:
    with ScriptedServer(answer(b"[", "Content-Type: text/plain")) as server:
        done = get(server.url, "--har", "-")

    assert json.loads(done.out.removeprefix(b"["))["log"]["entries"][0]["response"]["status"] == 200


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "X", "-o", "X"),
        ("-o", "X", "--har", "X"),
        ("-o", "X", "--trace-json", "./X"),
        ("-c", "X", "--har", "X"),
        ("--har", "X", "--trace-json", "X"),
    ],
)
def test_one_file_for_two_things(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ScriptedServer(answer()) as server:
        done = get(server.url, server.url, *options)

    assert done.status == 2
    assert "X is to be written twice" in done.err
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []


def test_trace(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with ScriptedServer(answer(b"hello\n")) as server:
        done = get(server.url, "--trace", "--trace-json", str(path))

    assert done.out == b"hello\n"
    assert "> GET / HTTP/1.1\\r\\n" in done.err
    assert "< hello\\n" in done.err
    assert {json.loads(line)["direction"] for line in path.read_text().splitlines()} == {
        "sent",
        "received",
        None,
    }


def test_receives_of_a_size() -> None:
    with ScriptedServer(answer(b"x" * 100)) as server:
        done = get(server.url, "--recv-size", "40", "--trace")

    sizes = [len(line.split("< ")[1]) for line in done.err.splitlines() if "< x" in line]
    assert sum(sizes) == 100
    assert max(sizes) <= 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recv-size", "0"), "from 1"),
        (("--recv-size", "1G"), "from 1"),
        (("--delay", "-1"), "--delay"),
        (("--max-time", "0"), "is no number of seconds"),
        (("--max-filesize", "x"), "is not a number of bytes"),
        (("--max-redirs", "1001"), "from 0 to 1000"),
    ],
)
def test_what_is_no_limit(arguments: tuple[str, ...], message: str) -> None:
    done = get("http://h/", *arguments)

    assert done.status == 2
    assert message in done.err


def test_ctrl_c_writes_down_what_there_is(tmp_path: Path) -> None:
    asked = threading.Event()

    def stall(client: Client) -> None:
        client.read_request()
        client.send(head("Set-Cookie: a=1", "Transfer-Encoding: chunked") + chunked(PAGE, end=b""))
        asked.set()
        client.wait_for_end()

    cookies, har = tmp_path / "cookies", tmp_path / "har"
    with (
        ScriptedServer(stall) as server,
        started(server.url, "-c", str(cookies), "--har", str(har)) as process,
    ):
        assert asked.wait(PATIENCE)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(len(PAGE)) == PAGE
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b""

    assert "\ta\t1\n" in cookies.read_text()
    assert len(json.loads(har.read_bytes())["log"]["entries"]) == 1
