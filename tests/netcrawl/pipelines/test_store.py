"""A folder that only complete files get into."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netcrawl.pipelines.store import INDEX, LOCK, PARTIAL, Entry, Memory, Store, StoreError
from tests.crawling import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "a" / "store")) as store:
        yield store


def put(store: Store, name: str, content: bytes, *, replaces: str | None = None) -> str:
    with store.new() as file:
        file.write(content[:1])
        file.write(content[1:])
        assert (file.size, file.sha256) == (len(content), sha256(content).hexdigest())
        assert file.path.read_bytes() == content
        return file.place(name, replaces=replaces)


def files(store: Store) -> dict[str, bytes]:
    """Return what a person sees in the folder."""
    return {p.name: p.read_bytes() for p in store.root.iterdir() if not p.name.startswith(".")}


def partials(store: Store) -> list[Path]:
    return list((store.root / PARTIAL).iterdir())


def digits(content: bytes, number: int = 8) -> str:
    return sha256(content).hexdigest()[:number]


def test_a_file_is_there_once_it_is_placed(store: Store) -> None:
    with store.new() as file:
        file.write(b"half")
        assert files(store) == {}
        file.write(b" and half")
        assert file.place("a.txt") == "a.txt"
        assert files(store) == {"a.txt": b"half and half"}

    assert partials(store) == []
    assert files(store) == {"a.txt": b"half and half"}


def test_a_file_that_is_not_placed_is_gone(store: Store) -> None:
    with store.new() as file:
        file.write(b"half")

    assert (files(store), partials(store)) == ({}, [])


def test_it_is_readable_by_whom_the_umask_says(store: Store) -> None:
    put(store, "a", b"1")

    umask = os.umask(0)
    os.umask(umask)
    assert (store.root / "a").stat().st_mode & 0o777 == 0o666 & ~umask


def test_names_that_are_taken(store: Store) -> None:
    assert put(store, "a.tar.gz", b"1") == "a.tar.gz"
    assert put(store, "a.tar.gz", b"1") == "a.tar.gz"  # the same
    assert put(store, "a.tar.gz", b"2") == f"a-{digits(b'2')}.tar.gz"
    assert put(store, "A.Tar.gz", b"2") == f"a-{digits(b'2')}.tar.gz"
    assert put(store, "A.TAR.GZ", b"3") == f"A-{digits(b'3')}.TAR.GZ"
    assert put(store, "Ünï", b"4") == "Ünï"
    assert put(store, "u\u0308NI\u0308", b"5") == f"u\u0308NI\u0308-{digits(b'5')}"
    assert len(files(store)) == 5


def test_a_name_with_the_digits_that_is_taken_too(store: Store) -> None:
    put(store, "a.pdf", b"1")
    put(store, f"a-{digits(b'2')}.pdf", b"3")

    assert put(store, "a.pdf", b"2") == f"a-{digits(b'2', 16)}.pdf"


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    (tmp_path / "Mine.txt").write_bytes(b"mine")
    (tmp_path / "folder.d").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "target.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    with closing(Store(tmp_path)) as store:
        for name in ("mine.txt", "folder.d", "link.txt", "pipe.txt"):
            stem, _, extension = name.partition(".")
            assert put(store, name, b"new") == f"{stem}-{digits(b'new')}.{extension}"

    assert (tmp_path / "Mine.txt").read_bytes() == b"mine"
    assert not (tmp_path / "target.txt").exists()


def test_a_file_that_appears_meanwhile_stays(store: Store) -> None:
    (store.root / "a").write_bytes(b"another crawl's")

    assert put(store, "a", b"1") == f"a-{digits(b'1')}"
    assert (store.root / "a").read_bytes() == b"another crawl's"


def test_a_file_that_vanishes_meanwhile_is_placed_anew(store: Store) -> None:
    put(store, "a", b"1")
    (store.root / "a").unlink()

    assert put(store, "a", b"1") == "a"


def test_replacing(store: Store) -> None:
    put(store, "a", b"1")

    assert put(store, "a", b"2", replaces="a") == "a"
    assert files(store) == {"a": b"2"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", "a\0", ".hidden", INDEX, LOCK]
)
def test_no_path_leaves_the_store(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        put(store, name, b"1")
    with pytest.raises(ValueError, match="not the name of a file"):
        put(store, "a", b"1", replaces=name)
    assert store.size(name) is None
    assert not store.holds(name, 1, sha256(b"1").hexdigest())
    assert (files(store), partials(store)) == ({}, [])


def test_many_threads_and_one_name(store: Store) -> None:
    contents = [bytes([number]) for number in range(40)] * 2
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda content: put(store, "a.bin", content), contents))

    assert [files(store)[path] for path in placed] == contents
    assert len(files(store)) == 40


def test_without_hard_links(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    assert put(store, "a", b"1") == "a"
    assert put(store, "a", b"2") == f"a-{digits(b'2')}"
    assert put(store, "a", b"1") == "a"
    assert partials(store) == []


@pytest.mark.parametrize("below", ["", "x/y"])
def test_a_store_that_cannot_be(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"^store \S+ cannot be written: (File exists|Not a dir)"):
        Store(tmp_path / "file" / below)


@pytest.mark.parametrize("name", [PARTIAL, LOCK, INDEX])
def test_its_own_names_are_no_links(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    precious = elsewhere / ("0" * 32)
    precious.write_bytes(b"precious")
    root = tmp_path / "store"
    root.mkdir()
    (root / name).symlink_to(elsewhere if name == PARTIAL else precious)

    with pytest.raises(StoreError), closing(Store(root)) as store:
        Memory(store, "files")

    assert precious.read_bytes() == b"precious"


def test_a_full_disk(store: Store) -> None:
    with Path("/dev/full").open("wb") as full, store.new() as file:
        os.dup2(full.fileno(), file._file.fileno())
        with pytest.raises(StoreError, match=r"cannot be written: No space left on device$"):
            file.write(bytes(100_000))
    assert partials(store) == []


WRITER = """
import sys, time
from pathlib import Path
from netcrawl.pipelines.store import Store
store = Store(Path(sys.argv[1]))
with store.new() as file:
    file.write(b"half")
    assert file.path
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_crawl_leaves_nothing_that_lasts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        # While it lives, its file is left alone.
        with closing(Store(tmp_path)) as store:
            assert [path.read_bytes() for path in partials(store)] == [b"half"]
            assert files(store) == {}
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        with closing(Store(tmp_path)) as store:
            assert (files(store), partials(store)) == ({}, [])


ENTRY = Entry(
    url="http://h/a",
    source="http://h/b",
    name="a.txt",
    path="a.txt",
    sha256=sha256(b"1").hexdigest(),
    size=1,
    content_type="text/plain",
    etag='"é"',
    last_modified=None,
    details={"width": 3, "tags": ["x", None]},
)


def test_what_is_remembered(store: Store) -> None:
    put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as memory:
        assert memory.recall(ENTRY.url) is None
        memory.remember(ENTRY)
        assert memory.recall(ENTRY.url) == ENTRY
    with closing(Memory(store, "files")) as memory:
        changed = replace(ENTRY, etag=None)
        memory.remember(changed)
        assert memory.recall(ENTRY.url) == changed
        memory.forget(ENTRY.url)
        assert memory.recall(ENTRY.url) is None


def test_an_entry_counts_only_with_its_file(store: Store) -> None:
    path = store.root / put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as memory:
        memory.remember(ENTRY)
        path.write_bytes(b"12")
        assert memory.recall(ENTRY.url) is None
        path.write_bytes(b"1")
        assert memory.recall(ENTRY.url) == ENTRY
        path.unlink()
        assert memory.recall(ENTRY.url) is None
        memory.remember(replace(ENTRY, path="/etc/passwd"))
        assert memory.recall(ENTRY.url) is None


def test_kinds_are_apart_and_share_files(store: Store) -> None:
    put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as memory, closing(Memory(store, "images")) as other:
        memory.remember(ENTRY)
        assert other.recall(ENTRY.url) is None
        assert not memory.is_shared("a.txt", ENTRY.url)
        other.remember(ENTRY)
        assert memory.is_shared("a.txt", ENTRY.url)
        other.forget(ENTRY.url)
        assert not memory.is_shared("a.txt", ENTRY.url)
        memory.remember(replace(ENTRY, url="http://h/other"))
        assert memory.is_shared("a.txt", ENTRY.url)


def break_with_junk(path: Path) -> None:
    path.write_bytes(b"no database" * 500)


def break_by_cutting(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def break_in_the_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(len(content) - 100))


def other_columns(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE files (url); PRAGMA user_version = 1;")


def later_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "break_index",
    [break_with_junk, break_by_cutting, break_in_the_middle, other_columns, later_version],
)
def test_a_broken_index_is_started_anew(store: Store, break_index: object) -> None:
    assert callable(break_index)
    put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as memory:
        memory.remember(ENTRY)
    break_index(store.root / INDEX)

    with closing(Memory(store, "files")) as memory:
        assert memory.recall(ENTRY.url) is None
        assert memory.problem is not None
        assert "started anew" in memory.problem
        memory.remember(ENTRY)
        assert memory.recall(ENTRY.url) == ENTRY
    assert files(store) == {"a.txt": b"1"}
    with closing(Memory(store, "files")) as memory:
        assert memory.recall(ENTRY.url) == ENTRY
        assert memory.problem is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("etag", b"5"), ("path", b"x"), ("size", "big"), ("details", "[]"), ("details", "{")],
)
def test_what_others_have_written_does_not_count(store: Store, column: str, value: object) -> None:
    put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as memory:
        memory.remember(ENTRY)
        with closing(sqlite3.connect(store.root / INDEX)) as connection, connection:
            connection.execute(f"UPDATE files SET {column} = ?", (value,))
        assert memory.recall(ENTRY.url) is None


def test_two_crawls_remember_at_once(store: Store) -> None:
    put(store, "a.txt", b"1")
    with closing(Memory(store, "files")) as one, closing(Memory(store, "files")) as other:
        entries = [replace(ENTRY, url=f"http://h/{number}") for number in range(40)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Memory.remember, [one, other] * 20, entries))
        assert [one.recall(entry.url) for entry in entries] == entries
