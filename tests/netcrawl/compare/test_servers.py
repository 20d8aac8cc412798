from __future__ import annotations

import json
import resource
import subprocess
import sys
import textwrap
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netcrawl.compare import load
from netcrawl.compare.server_table import renderables
from netcrawl.compare.servers import SERVERS, Server, ServerComparison, compare_servers
from tests.machine import needs_proc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_proc

SERIAL, THREADS, SELECT, TWISTED = SERVERS


def other_server(folder: Path, source: str) -> Server:
    """Return a server of a few lines: ``sock`` is a client's, and is closed after ``source``."""
    script = folder / "server.py"
    script.write_text(
        "import socket, sys\n"
        "service = sys.argv[1]\n"
        "listener = socket.create_server(('127.0.0.1', 0), backlog=4096)\n"
        "print(f'Serving on 127.0.0.1:{listener.getsockname()[1]}', flush=True)\n"
        "count = 0\n"
        "while True:\n"
        "    sock, _ = listener.accept()\n"
        "    count += 1\n"
        "    with sock:\n" + textwrap.indent(textwrap.dedent(source), " " * 8)
    )
    return Server("other", (sys.executable, "-S", str(script)))


RIGHT = """
    if service == "greet":
        sock.sendall(b"Thank you for connecting")
    else:
        while data := sock.recv(65536):
            sock.sendall(data)
"""


def printed(comparison: ServerComparison) -> list[str]:
    console = Console(file=StringIO(), width=80)
    for renderable in renderables(comparison):
        console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def comparison() -> ServerComparison:
    return compare_servers(1, clients=(1, 30), seconds=0.02)


def test_every_server_is_measured_with_every_number_of_clients(
    comparison: ServerComparison,
) -> None:
    assert comparison.is_sound
    assert [(row.service, row.server, row.clients) for row in comparison.rows] == [
        (service, server.name, clients)
        for clients in (1, 30)
        for service in ("greet", "echo")
        for server in SERVERS
    ]


def test_all_say_the_same(comparison: ServerComparison) -> None:
    said = {(answer.service, answer.octets, answer.problem) for answer in comparison.answers}

    assert len(comparison.answers) == 2 * len(SERVERS)
    assert said == {("greet", 24, ""), ("echo", 65536 + 256 + 7 + 1 + 65536, "")}
    assert len({(answer.service, answer.sha256) for answer in comparison.answers}) == 2


def test_figures_are_possible(comparison: ServerComparison) -> None:
    for row in comparison.rows:
        assert 0 < row.slowest <= row.per_second <= row.fastest
        assert 0 < row.p50 <= row.p99 < 30
        assert 0 < row.cpu < 1
        assert 4_000_000 < row.peak < 400_000_000


def test_as_json(comparison: ServerComparison) -> None:
    found = json.loads(json.dumps(comparison.to_json()))

    assert found["kind"] == "servers"
    assert found["runs"] == 1
    assert len(found["rows"]) == 16
    assert found["words"] == list(comparison.words)


def test_the_tables_are_whole_at_80_columns(comparison: ServerComparison) -> None:
    lines = printed(comparison)

    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    for server in SERVERS:
        assert sum(server.name in line.split() for line in lines) >= 4


def test_serial_serves_one_after_the_other_and_still_everyone() -> None:
    comparison = compare_servers(1, servers=(SERIAL, SELECT), clients=(400,), seconds=0.01)

    assert comparison.is_sound
    assert {row.server for row in comparison.rows} == {"serial", "select"}
    for row in comparison.rows:
        if (row.server, row.service) == ("serial", "echo"):
            # The messages after the first are answered at once; for the first, one waits in line.
            assert row.p99 > 5 * row.p50


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param(
            RIGHT.replace("Thank you", "Thank me "),
            "octet 6 is where it goes wrong: b'me  for connecti', expected b'you for connecti'",
            id="other words",
        ),
        pytest.param(
            RIGHT.replace("connecting", "connect"),
            "octet 21 is where it goes wrong: b'', expected b'ing'",
            id="too short",
        ),
        pytest.param(
            RIGHT.replace('connecting"', 'connecting\\0"'),
            "octet 24 is where it goes wrong: b'\\x00', expected b''",
            id="too long",
        ),
    ],
)
def test_a_server_that_answers_otherwise_is_found_out_and_not_timed(
    source: str, problem: str, tmp_path: Path
) -> None:
    other = other_server(tmp_path, source)

    comparison = compare_servers(1, servers=(SELECT, other), clients=(1,), seconds=0.01)

    assert not comparison.is_sound
    assert [(a.service, a.server, a.problem) for a in comparison.answers if a.problem] == [
        ("greet", "other", problem)
    ]
    assert [(row.service, row.server) for row in comparison.rows] == [
        ("greet", "select"),
        ("echo", "select"),
        ("echo", "other"),
    ]
    text = " ".join(" ".join(printed(comparison)).split())
    assert "greet of other gives another answer, and is not timed: octet" in text
    assert "Same answers from all" not in text


def test_an_echo_that_loses_what_came_with_the_end_is_found_out(tmp_path: Path) -> None:
    source = RIGHT.replace(
        "sock.sendall(data)", "sock.sendall(data) if len(data) < 9 else 0; break"
    )

    comparison = compare_servers(
        1, servers=(SELECT, other_server(tmp_path, source)), clients=(1,), seconds=0.01
    )

    assert [(a.service, a.server) for a in comparison.answers if a.problem] == [("echo", "other")]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param(
            f"if count > 3: continue\n{textwrap.dedent(RIGHT)}",
            "a client heard b'', expected b'Thank you for connecting'",
            id="falls silent",
        ),
        pytest.param(
            f"if count > 3: raise SystemExit\n{textwrap.dedent(RIGHT)}", "", id="falls over"
        ),
    ],
)
def test_a_server_that_fails_under_the_load_is_told(
    source: str, problem: str, tmp_path: Path
) -> None:
    other = other_server(tmp_path, source)

    comparison = compare_servers(1, servers=(SELECT, other), clients=(20,), seconds=0.01)

    assert not comparison.is_sound
    failed = {(f.service, f.server, f.clients): f.problem for f in comparison.failures}
    assert list(failed) == [("greet", "other", 20), ("echo", "other", 20)]
    assert all(failed.values())
    if problem:
        assert failed["greet", "other", 20] == problem
    text = " ".join(" ".join(printed(comparison)).split())
    assert "greet of other with 20 clients failed: " in text


def test_more_clients_than_open_files_are_left_out_and_told() -> None:
    source = """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 100))
        from netcrawl.compare.servers import SERVERS, compare_servers
        found = compare_servers(1, servers=SERVERS[2:3], clients=(45, 60), seconds=0.01)
        print([row.clients for row in found.rows], found.notes, found.is_sound)
        print(resource.getrlimit(resource.RLIMIT_NOFILE))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    note = "60 clients are left out: this system allows a process 100 open files (ulimit -Hn)"
    assert done.stdout.splitlines() == [f"[45, 45] ('{note}',) True", "(40, 100)"], done.stderr


def test_the_limit_of_open_files_is_raised_for_the_servers_and_as_it_was_after() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        comparison = compare_servers(1, servers=(THREADS, TWISTED), clients=(200,), seconds=0.01)
        after = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert comparison.is_sound
    assert after == (64, before[1])


def test_nobody_listens() -> None:
    with pytest.raises(load.Trouble, match=r"a client was not served: Connection refused$"):
        load.Load("greet", 1, 3).run(0.01)
