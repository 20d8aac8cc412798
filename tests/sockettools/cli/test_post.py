"""``post``, and ``get`` for what was posted, against INN; and what is refused before that."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import body
from tests.servers.news import HOST, PASSWORD, USER, News, needs_inn, news
from tests.servers.scripted import Client, ScriptedServer
from tests.sockettools.cli.commands import run, run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE = ("--from", "Alice <alice@example.test>", "--subject", "Hello")


@pytest.fixture(scope="module")
def server() -> Iterator[News]:
    with news() as server:
        yield server


def options(server: News) -> tuple[str, ...]:
    return ("--cacert", str(server.authority), "--tls", "require")


def get(server: News, name: str) -> str:
    """Return an article as the server has it now."""
    process = run("get", *options(server), f"nntp://{HOST}:{server.plain}/{name}")
    assert process.returncode == 0, process.stderr
    return process.stdout


def posted(output: str) -> str:
    """Return the message-id that the command has printed."""
    match = re.fullmatch(r"(<[^<> ]+@example\.test>) is posted\.\n", output)
    assert match, output
    return match[1]


@needs_inn
def test_an_article_in_two_groups(server: News) -> None:
    url = f"nntp://{HOST}:{server.plain}/test.posting,test.other"
    references = ("--references", "<a1@example.test> <b@example.test>", "--references", "<c@d>")
    status, output, errors = run_here(
        "post", *options(server), url, *ALICE, *references, ".\nna\u00efve\n..\n"
    )
    assert (status, errors) == (0, "")
    name = posted(output)
    head, _, body = get(server, name).partition("\n\n")
    assert body == ".\nna\u00efve\n..\n"
    lines = head.split("\n")
    assert "Newsgroups: test.posting,test.other" in lines
    assert "From: Alice <alice@example.test>" in lines
    assert "Subject: Hello" in lines
    assert f"Message-ID: {name}" in lines
    assert "References: <a1@example.test> <b@example.test> <c@d>" in head.replace("\n ", " ")


@needs_inn
def test_standard_input(server: News) -> None:
    url = f"nntps://{HOST}:{server.tls}/test.posting"
    status, output, _ = run_here(
        "post", "--cacert", str(server.authority), url, *ALICE, "-", stdin="from a pipe\n"
    )
    assert status == 0
    assert get(server, posted(output)).endswith("\n\nfrom a pipe\n")


@needs_inn
@pytest.mark.parametrize("port", ["plain", "innd"])
def test_what_the_server_refuses(server: News, port: str) -> None:
    for group, reason in (("no.such", "441 "), ("test.private", "441 ")):
        url = f"nntp://{HOST}:{getattr(server, port)}/{group}"
        status, output, errors = run_here("post", *options(server), url, *ALICE, "x")
        assert (status, output) == (4, "")
        assert f"refused the article: {reason}" in errors
        assert errors.count("\n") == 1


@needs_inn
def test_a_group_for_those_who_are_known(server: News) -> None:
    url = f"nntp://{HOST}:{server.plain}/test.private"
    login = ("-u", f"{USER}:{PASSWORD}")
    status, output, errors = run_here("post", *options(server), *login, url, *ALICE, "x")
    assert (status, errors) == (0, "")
    assert posted(output)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(("nntp://h/", *ALICE, "x"), "names no group", id="no group"),
        pytest.param(("nntp://h/a%20b", *ALICE, "x"), "no name of a group", id="no name"),
        pytest.param(("nntp://h/a/5", *ALICE, "x"), "no name of a group", id="an article"),
        pytest.param(("nntp://h/a%0D%0AX:y", *ALICE, "x"), "no name of a group", id="line end"),
        pytest.param(("ftp://h/a", *ALICE, "x"), "begins with none of nntp://", id="no news"),
        pytest.param(("nntp://h/a", *ALICE[:3], "a\nX: y", "x"), "one line of text", id="subject"),
        pytest.param(("nntp://h/a", "--from", "x", *ALICE[2:], "x"), "no sender", id="sender"),
        pytest.param(("nntp://h/a", *ALICE), "there is no text", id="no text"),
        pytest.param(("nntp://h/a", "x", *ALICE, "y"), "there is more: 'y'", id="two texts"),
        pytest.param(
            ("nntp://h/a", *ALICE, "--references", "x", "x"), "no message-id", id="reference"
        ),
    ],
)
def test_what_cannot_be_posted(arguments: tuple[str, ...], reason: str) -> None:
    status, output, errors = run_here("post", *arguments)
    assert (status, output) == (2, "")
    assert errors.startswith("sockettools post: ")
    assert reason in errors
    assert errors.count("\n") == 1


def test_too_much_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY", 100)
    status, _, errors = run_here("post", "nntp://h/a", *ALICE, "-", stdin="x" * 101)
    assert status == 2
    assert "more than 100 characters" in errors


def test_a_server_that_breaks_off() -> None:
    def server(client: Client) -> None:
        client.send(b"200 ready\r\n")
        with closing(client.socket.makefile("rb")) as lines:
            while lines.readline() != b"POST\r\n":
                client.send(b"500 what?\r\n")
            client.send(b"340 go on\r\n")
            while lines.readline() != b".\r\n":
                pass

    with ScriptedServer(server) as scripted:
        status, output, errors = run_here("post", f"nntp://{scripted.address}/a", *ALICE, "x")
    assert (status, output) == (1, "")
    assert errors == f"sockettools post: {scripted.address} closed the connection\n"
