from __future__ import annotations

from typing import Any

import pytest

from netcrawl.compare.server_words import words
from netcrawl.compare.servers import ServerRow


def row(server: str, clients: int = 10, **more: Any) -> ServerRow:
    figures: dict[str, Any] = {
        "service": "echo",
        "per_second": 1.0,
        "slowest": 1.0,
        "fastest": 1.0,
        "cpu": 1e-5,
        "peak": 10_000_000,
        "p50": 1e-3,
        "p99": 1e-3,
    }
    return ServerRow(server=server, clients=clients, **{**figures, **more})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([row("a")], [], id="nobody to compare with"),
        pytest.param(
            [row("a", cpu=2e-5), row("b"), row("c", cpu=1.1e-5), row("d", cpu=2e-4)],
            [
                "With 10 clients at a time, a round trip costs b and c the least of the server's "
                "CPU (10.0 µs), and a 2.0 times as much and d 20 times as much."
            ],
            id="cpu",
        ),
        pytest.param(
            [row("a"), row("b"), row("a", 1), row("b", 1, cpu=9.0)],
            [
                "With 10 clients at a time, a round trip costs a and b the least of the server's "
                "CPU (10.0 µs).",
                "From 1 client to 10, no server's memory grows by as much as 1.0 MB.",
            ],
            id="the most clients count, and who is alike is not ranked",
        ),
        pytest.param(
            [row("a", service="greet"), row("b", service="greet", p99=0.2)],
            [
                "With 10 clients at a time, a connection costs a and b the least of the server's "
                "CPU (10.0 µs).",
                "With 10 clients at a time, half of them wait 1.00 ms or less for a connection of "
                "b, and one in a hundred 200 ms or more: some are served at once, and the others "
                "stand in line.",
            ],
            id="a line",
        ),
        pytest.param(
            [row("a", 1), row("b", 1), row("a", 101, peak=30_000_000), row("b", 101)],
            [
                "With 101 clients at a time, a round trip costs a and b the least of the server's "
                "CPU (10.0 µs).",
                "From 1 client to 101, a grows by 20.0 MB, 200.0 kB a client; the others by less "
                "than 1.0 MB.",
            ],
            id="memory",
        ),
        pytest.param(
            [row("a", 1, p99=9.0), row("b", 1)],
            ["With 1 client, a round trip costs a and b the least of the server's CPU (10.0 µs)."],
            id="one client stands in no line",
        ),
    ],
)
def test_words_say_what_the_figures_say(rows: list[ServerRow], expected: list[str]) -> None:
    assert list(words(rows)) == expected
