from __future__ import annotations

import gzip
import json
import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Request
from sockettools.browser.download import Download, FileInUse, NotOurs, file_name
from sockettools.errors import IncompleteMessage, RemoteProtocolError
from sockettools.url import parse_http_url
from tests.servers.scripted import PATIENCE, ScriptedServer, answer, head

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Script

WHOLE = bytes(range(256)) * 4
HALF = 512

ETAG = 'ETag: "v1"'
DATE = "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT"


def part(first: int, *fields: str, last: int = len(WHOLE) - 1, size: str = "1024") -> bytes:
    """Return an answer with the octets from ``first`` to ``last``."""
    content_range = f"Content-Range: bytes {first}-{last}/{size}"
    return answer(WHOLE[first : last + 1], content_range, *fields, status="206 Partial Content")


def cut(*fields: str) -> bytes:
    """Return the first half of an answer."""
    return head(f"Content-Length: {len(WHOLE)}", *fields) + WHOLE[:HALF]


def fetch(path: Path, *scripts: Script, resume: bool = False) -> ScriptedServer:
    """Save what a server sends; return the server with what it was asked."""
    with (
        ScriptedServer(*scripts) as server,
        Browser() as browser,
        Download(path, resume=resume) as download,
    ):
        request = Request(parse_http_url(f"{server.url}/file"), fields=download.fields())
        with browser.open(request) as response:
            for _ in download.save(response):
                pass
    return server


def interrupt(path: Path, *fields: str) -> None:
    """Leave half of a download."""
    with pytest.raises(IncompleteMessage):
        fetch(path, (cut(*fields),))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


# A download that is not interrupted.


@pytest.mark.parametrize("body", [b"", b"x", WHOLE * 1000], ids=["empty", "one octet", "large"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_download(body: bytes, resume: bool, file: Path) -> None:
    server = fetch(file, answer(body, ETAG), resume=resume)

    assert file.read_bytes() == body
    assert names(file.parent) == ["file"]
    assert server.requests[0].field("Range") is None


def test_what_is_there_is_replaced_once_all_is_here(file: Path) -> None:
    file.write_bytes(b"before")
    inode = file.stat().st_ino
    interrupt(file)
    assert file.read_bytes() == b"before"

    fetch(file, answer(WHOLE))
    assert file.read_bytes() == WHOLE
    assert file.stat().st_ino != inode


def test_a_head_can_stand_before_it(file: Path) -> None:
    with (
        ScriptedServer(answer(b"body")) as server,
        Browser() as browser,
        browser.open(Request(parse_http_url(server.url))) as response,
        Download(file) as download,
    ):
        sizes = list(download.save(response, b"head "))

    assert file.read_bytes() == b"head body"
    assert sizes == [4]


def test_a_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    for body in (b"one", b"two"):
        fetch(link, answer(body))
        assert link.is_symlink()
        assert target.read_bytes() == body
        assert not target.is_symlink()


def test_what_only_its_owner_could_read_stays_so(file: Path) -> None:
    file.touch(0o600)
    fetch(file, answer(WHOLE))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Download(tmp_path)

    assert names(tmp_path) == []
    assert not tmp_path.with_name(f"{tmp_path.name}.part").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nosuch"):
        Download(tmp_path / "nosuch" / "file")


@pytest.mark.parametrize("name", ["file.part", "file.part.json"])
def test_a_link_in_the_way_is_not_followed(name: str, file: Path) -> None:
    """Somebody else who can write to the folder may have laid it."""
    precious = file.parent / "precious"
    precious.write_bytes(b"precious")
    (file.parent / name).symlink_to(precious)
    with pytest.raises(NotOurs, match=rf"{name} is a link or a pipe: remove it"):
        fetch(file, answer(WHOLE, ETAG))

    assert precious.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["file.part", "file.part.json"])
def test_a_pipe_in_the_way_is_not_waited_for(name: str, file: Path) -> None:
    os.mkfifo(file.parent / name)
    with pytest.raises(NotOurs, match=name):
        fetch(file, answer(WHOLE, ETAG))


@pytest.mark.parametrize("name", ["file.part", "file.part.json"])
def test_a_file_with_another_name_is_not_written_to(name: str, file: Path) -> None:
    precious = file.parent / "precious"
    precious.write_bytes(b"precious")
    (file.parent / name).hardlink_to(precious)
    with pytest.raises(NotOurs, match=rf"{name} is not a file of your own: remove it"):
        fetch(file, answer(WHOLE, ETAG))

    assert precious.read_bytes() == b"precious"


# Two at once.


def test_a_file_is_for_one_download_at_a_time(file: Path) -> None:
    with Download(file), pytest.raises(FileInUse, match=r"file\.part is being written"):
        Download(file)
    assert names(file.parent) == []

    with Download(file):
        assert names(file.parent) == ["file.part"]


def test_many_at_once_leave_one_whole(file: Path) -> None:
    """None of them may end with a mixture, and those that are refused are told so."""
    bodies = [bytes([number]) * 300_000 for number in range(8)]
    outcomes: list[str] = []
    start = threading.Barrier(len(bodies))

    def run(body: bytes) -> None:
        start.wait(PATIENCE)
        try:
            fetch(file, answer(body))
            outcomes.append("done")
        except FileInUse:
            outcomes.append("refused")

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert len(outcomes) == len(bodies)
    assert "done" in outcomes
    assert file.read_bytes() in bodies
    assert names(file.parent) == ["file"]


# One that is interrupted.


def test_what_is_cut_does_not_look_complete(file: Path) -> None:
    interrupt(file, ETAG)

    assert names(file.parent) == ["file.part", "file.part.json"]
    assert file.with_name("file.part").read_bytes() == WHOLE[:HALF]
    note = json.loads(file.with_name("file.part.json").read_bytes())
    assert note["validator"] == '"v1"'


def test_of_nothing_nothing_is_left(file: Path) -> None:
    with pytest.raises(IncompleteMessage):
        fetch(file, (head("Content-Length: 5", ETAG),))

    assert names(file.parent) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param((ETAG,), HALF, id="etag"),
        pytest.param((DATE,), HALF, id="date"),
        pytest.param((), 0, id="no validator"),
        pytest.param(('ETag: W/"v1"',), 0, id="weak"),
        pytest.param((ETAG, "Content-Encoding: deflate"), 0, id="coded"),
    ],
)
def test_how_much_a_later_download_can_go_on_from(
    fields: tuple[str, ...], expected: int, file: Path
) -> None:
    with (
        ScriptedServer((cut(*fields),)) as server,
        Browser() as browser,
        browser.open(Request(parse_http_url(server.url))) as response,
        Download(file) as download,
    ):
        with pytest.raises(RemoteProtocolError):
            for _ in download.save(response):
                pass
        assert download.kept() == expected


@pytest.mark.parametrize(
    ("fields", "if_range"),
    [
        pytest.param((ETAG,), '"v1"', id="etag"),
        pytest.param((ETAG, DATE), '"v1"', id="etag before date"),
        pytest.param(('ETag: W/"v1"', DATE), DATE.partition(": ")[2], id="weak etag, date"),
        pytest.param((DATE,), DATE.partition(": ")[2], id="date"),
    ],
)
def test_the_rest_is_asked_for(fields: tuple[str, ...], if_range: str, file: Path) -> None:
    interrupt(file, *fields)
    server = fetch(file, part(HALF, *fields), resume=True)

    (request,) = server.requests
    assert request.field("Range") == f"bytes={HALF}-"
    assert request.field("If-Range") == if_range
    assert request.field("Accept-Encoding") == "identity"
    assert file.read_bytes() == WHOLE
    assert names(file.parent) == ["file"]


def test_in_many_pieces(file: Path) -> None:
    interrupt(file, ETAG)
    for first in range(HALF, len(WHOLE) - 1, 100):
        last = min(first + 99, len(WHOLE) - 1)
        begun = head(
            f"Content-Length: {len(WHOLE) - first}",
            f"Content-Range: bytes {first}-{len(WHOLE) - 1}/{len(WHOLE)}",
            ETAG,
            status="206 Partial Content",
        )
        said = begun + WHOLE[first : last + 1]
        if last == len(WHOLE) - 1:
            fetch(file, said, resume=True)
        else:
            with pytest.raises(IncompleteMessage):
                fetch(file, (said,), resume=True)
            assert not file.exists()

    assert file.read_bytes() == WHOLE


@pytest.mark.parametrize("fields", [(), ('ETag: W/"v1"',)], ids=["no validator", "a weak one"])
def test_without_a_validator_it_starts_over(fields: tuple[str, ...], file: Path) -> None:
    interrupt(file, *fields)
    server = fetch(file, answer(WHOLE), resume=True)

    assert server.requests[0].field("Range") is None
    assert file.read_bytes() == WHOLE


@pytest.mark.parametrize(
    "note", [None, b"", b"{", b"[]", b"\xff", b'{"validator": 1}', b"[" * 60_000]
)
def test_without_a_note_it_starts_over(note: bytes | None, file: Path) -> None:
    file.with_name("file.part").write_bytes(b"something else")
    if note is not None:
        file.with_name("file.part.json").write_bytes(note)
    server = fetch(file, answer(WHOLE, ETAG), resume=True)

    assert server.requests[0].field("Range") is None
    assert file.read_bytes() == WHOLE
    assert names(file.parent) == ["file"]


def test_what_was_decoded_is_not_gone_on_with(file: Path) -> None:
    coded = gzip.compress(os.urandom(10_000))
    said = head(f"Content-Length: {len(coded)}", "Content-Encoding: gzip", ETAG)
    with pytest.raises(IncompleteMessage):
        fetch(file, (said + coded[:5000],))
    assert names(file.parent) == ["file.part"]

    server = fetch(file, answer(WHOLE), resume=True)
    assert server.requests[0].field("Range") is None
    assert file.read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("asked", "said", "before"),
    [
        pytest.param((("Range", "bytes=512-"),), "206 Partial Content", b"", id="a part"),
        pytest.param((), "200 OK", b"head", id="a head before it"),
        pytest.param((), "404 Not Found", b"", id="an error page"),
    ],
)
def test_what_is_not_the_beginning_is_not_gone_on_with(
    asked: tuple[tuple[str, str], ...], said: str, before: bytes, file: Path
) -> None:
    with (
        ScriptedServer((head("Content-Length: 9", ETAG, status=said) + b"some",)) as server,
        Browser() as browser,
        browser.open(Request(parse_http_url(server.url), fields=asked)) as response,
        Download(file) as download,
        pytest.raises(IncompleteMessage),
    ):
        for _ in download.save(response, before):
            pass

    server = fetch(file, answer(WHOLE), resume=True)
    assert server.requests[0].field("Range") is None
    assert file.read_bytes() == WHOLE


def test_another_programs_file_is_gone_on_with(file: Path) -> None:
    file.write_bytes(WHOLE[:HALF])
    server = fetch(file, part(HALF), resume=True)

    assert server.requests[0].field("Range") == f"bytes={HALF}-"
    assert server.requests[0].field("If-Range") is None
    assert file.read_bytes() == WHOLE
    assert names(file.parent) == ["file"]


def test_what_has_changed_is_got_from_the_beginning(file: Path) -> None:
    interrupt(file, ETAG)
    fetch(file, answer(b"new", 'ETag: "v2"'), resume=True)

    assert file.read_bytes() == b"new"


def test_what_has_changed_and_is_cut_again(file: Path) -> None:
    interrupt(file, ETAG)
    new = head("Content-Length: 100", 'ETag: "v2"') + b"new"
    with pytest.raises(IncompleteMessage):
        fetch(file, (new,), resume=True)

    assert file.with_name("file.part").read_bytes() == b"new"
    rest = answer(b"x" * 97, "Content-Range: bytes 3-99/100", status="206 Partial Content")
    server = fetch(file, rest, resume=True)
    assert server.requests[0].field("If-Range") == '"v2"'
    assert file.read_bytes() == b"new" + b"x" * 97


@pytest.mark.parametrize("has_note", [True, False], ids=["a part", "another program's file"])
def test_what_is_complete_already(has_note: bool, file: Path) -> None:
    if has_note:
        interrupt(file, ETAG)
        file.with_name("file.part").write_bytes(WHOLE)
    else:
        file.write_bytes(WHOLE)
    said = answer(b"no", f"Content-Range: bytes */{len(WHOLE)}", status="416 Range Not Satisfiable")
    fetch(file, said, resume=True)

    assert file.read_bytes() == WHOLE
    assert names(file.parent) == ["file"]


REFUSED = [
    pytest.param(part(HALF + 1), "another part than the one from byte 512", id="too late"),
    pytest.param(part(0), "another part", id="too early"),
    pytest.param(answer(b"x", status="206 Partial Content"), "another part", id="no range"),
    pytest.param(
        answer(b"x", "Content-Range: bytes */1024", status="206 Partial Content"),
        "another part",
        id="no first",
    ),
    pytest.param(
        answer(b"x", "Content-Range: lines 512-1023/1024", status="206 Partial Content"),
        "another part",
        id="lines",
    ),
    pytest.param(
        answer(
            b"x", "Content-Type: multipart/byteranges; boundary=x", status="206 Partial Content"
        ),
        "another part",
        id="several parts",
    ),
    pytest.param(part(HALF, "Content-Encoding: gzip"), "a coded part", id="coded"),
    pytest.param(
        answer(b"x", "Content-Range: bytes */100", status="416 Range Not Satisfiable"),
        "has no byte 512",
        id="416, and it is shorter",
    ),
    pytest.param(
        answer(b"x", status="416 Range Not Satisfiable"), "has no byte 512", id="416, no size"
    ),
]


@pytest.mark.parametrize(("said", "message"), REFUSED)
@pytest.mark.parametrize("has_note", [True, False], ids=["a part", "another program's file"])
def test_what_is_not_the_rest_changes_nothing(
    said: bytes, message: str, has_note: bool, file: Path
) -> None:
    if has_note:
        interrupt(file, ETAG)
    else:
        file.write_bytes(WHOLE[:HALF])
    before = {entry: entry.read_bytes() for entry in file.parent.iterdir()}
    with pytest.raises(RemoteProtocolError, match=message):
        fetch(file, said, resume=True)

    assert {entry: entry.read_bytes() for entry in file.parent.iterdir()} == before


def test_less_than_the_rest_is_not_all(file: Path) -> None:
    """A server may send less of a range than it was asked for (RFC 9110 section 15.3.7)."""
    interrupt(file, ETAG)
    with pytest.raises(IncompleteMessage, match="up to byte 1000 of 1024"):
        fetch(file, part(HALF, ETAG, last=999), resume=True)
    assert not file.exists()

    fetch(file, part(1000, ETAG), resume=True)
    assert file.read_bytes() == WHOLE


def test_a_size_that_nobody_knows(file: Path) -> None:
    interrupt(file, ETAG)
    fetch(file, part(HALF, size="*"), resume=True)

    assert file.read_bytes() == WHOLE


def test_what_is_discarded_is_gone(file: Path) -> None:
    with (
        ScriptedServer((cut(ETAG),)) as server,
        Browser() as browser,
        browser.open(Request(parse_http_url(server.url))) as response,
        Download(file) as download,
    ):
        with pytest.raises(IncompleteMessage):
            for _ in download.save(response):
                pass
        download.discard()

    assert names(file.parent) == []


def test_a_request_that_fails_leaves_everything_as_it_was(file: Path) -> None:
    interrupt(file, ETAG)
    with Download(file, resume=True) as download:
        assert download.offset == HALF
    assert names(file.parent) == ["file.part", "file.part.json"]

    file.with_name("file.part").unlink()
    file.write_bytes(WHOLE[:HALF])
    with Download(file, resume=True) as download:
        assert download.offset == HALF
    assert "file.part" not in names(file.parent)
    assert file.read_bytes() == WHOLE[:HALF]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", None),
        ("/a/", None),
        ("/a", "a"),
        ("/a/b.tar.gz", "b.tar.gz"),
        ("/%2e%2e", "%2e%2e"),
        ("/a%2Fb", "a%2Fb"),
        ("/-", "-"),
        ("/.bashrc", ".bashrc"),
        ("/a//b", "b"),
        ("/a;b=c", "a;b=c"),
        ("/..\\..\\b", "b"),
    ],
)
def test_file_name(path: str, expected: str | None) -> None:
    assert file_name(parse_http_url(f"http://h{path}").path) == expected


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(part(HALF, 'ETag: "v2"'), id="another entity tag"),
        pytest.param(part(HALF, 'ETag: W/"v1"'), id="a weak one"),
        pytest.param(part(HALF, ETAG, size="2048"), id="another length"),
        pytest.param(
            head("Content-Range: bytes */512", "Content-Length: 0", status="416 No"),
            id="an end in the middle",
        ),
    ],
)
def test_the_rest_of_something_else(rest: bytes, file: Path) -> None:
    interrupt(file, ETAG)
    before = file.with_name("file.part").read_bytes()
    with pytest.raises(RemoteProtocolError):
        fetch(file, rest, resume=True)

    assert not file.exists()
    assert file.with_name("file.part").read_bytes() == before


def test_a_rest_that_says_no_length_is_measured_by_what_is_known(file: Path) -> None:
    interrupt(file, ETAG)
    with pytest.raises(IncompleteMessage, match="up to byte 800 of 1024"):
        fetch(file, part(HALF, ETAG, last=799, size="*"), resume=True)
    fetch(file, part(800, ETAG, size="*"), resume=True)

    assert file.read_bytes() == WHOLE


def test_a_part_of_another_url_is_not_gone_on_with(file: Path) -> None:
    interrupt(file, ETAG)
    with Download(file, url="http://elsewhere/", resume=True) as download:
        assert download.fields() == ()


@pytest.mark.parametrize(
    "validator", ["\ud800", "a\r\nX: y", "€", 'W/"weak"', "", "yesterday", None, 5, ["x"]]
)
def test_a_note_with_no_validator_is_none(validator: object, file: Path) -> None:
    interrupt(file, ETAG)
    note = {"url": "", "validator": validator, "total": 1024}
    file.with_name("file.part.json").write_text(json.dumps(note))
    server = fetch(file, answer(WHOLE, ETAG), resume=True)

    assert server.requests[0].field("Range") is None
    assert file.read_bytes() == WHOLE
