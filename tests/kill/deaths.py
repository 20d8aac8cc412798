"""How and when a crawl dies: drawn at random, told in one line, and carried out."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from tests.kill.runs import Run, Shape

# Seconds for a crawl that was told to stop.
PATIENCE = 600

# Seconds for a whole crawl, on a machine that is busy with others.
RUN_SECONDS = 90

# What is most of the kills anywhere comes most often here.
_WAYS = ["kill"] * 8 + ["group", "twice", "twice-term", "once", "processor", "disk"]

_STEPS = ("sql", "sql", "commit", "file", "sync")


@dataclass(frozen=True)
class Death:
    """A plan: to die at ``step`` (see ``victim``), or in a ``way`` at a moment.

    The moment is ``seconds`` after the start, after request number ``requests`` of this run was
    made, or after the crawl said that it closes.
    """

    way: str = "kill"
    step: str = "-"
    requests: int | None = None
    at_close: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.step != "-":
            return f"at {self.step}"
        after = "start"
        if self.at_close:
            after = "close"
        elif self.requests is not None:
            after = f"request {self.requests}"
        return f"{self.way} {self.seconds:.3f} s after {after}"


def draw(rng: Random, shape: Shape) -> Death:
    """Return a death for a crawl of this shape; it may be over before."""
    way = rng.choice(_WAYS)
    match rng.choice(("start", "crawl", "crawl", "close", "step", "step")):
        case "start":
            return Death(way, seconds=rng.uniform(0, shape.startup * 1.2))
        case "crawl":
            number = rng.randint(1, max(1, shape.requests))
            return Death(way, requests=number, seconds=rng.uniform(0, 0.15))
        case "close":
            return Death(way, at_close=True, seconds=rng.uniform(0, 0.15))
        case _:
            kinds = [kind for kind in _STEPS if shape.steps.get(kind)]
            if not kinds:
                return Death(requests=rng.randint(1, max(1, shape.requests)))
            kind = rng.choice(kinds)
            step = f"{kind}:{rng.randint(1, shape.steps[kind])}"
            return Death(step=f"{step}:{rng.uniform(0, 0.003):.6f}" if kind == "commit" else step)


def carry_out(death: Death, run: Run, rng: Random) -> bool:
    """Let the crawl die; tell whether it was still there to do so."""
    if death.step == "-":
        if not run.wait_for(death):
            return False
        _WAY[death.way](run, rng)
        run.wait(PATIENCE)
        return True
    return run.wait(RUN_SECONDS) == -signal.SIGKILL


def _kill(run: Run, _: Random) -> None:
    run.process.kill()


def _group(run: Run, _: Random) -> None:
    os.killpg(run.process.pid, signal.SIGKILL)


def _twice(run: Run, rng: Random, number: int = signal.SIGINT) -> None:
    run.process.send_signal(number)
    try:
        run.process.wait(rng.uniform(0, 0.5))
    except subprocess.TimeoutExpired:
        run.process.send_signal(number)


def _twice_term(run: Run, rng: Random) -> None:
    _twice(run, rng, signal.SIGTERM)


def _once(run: Run, _: Random) -> None:
    run.process.send_signal(signal.SIGINT)


def _processor(run: Run, rng: Random) -> None:
    """Let the kernel kill it for what it uses, as it does when there is no memory left."""
    used = int(run.processor_seconds()) + rng.randint(0, 1)
    try:
        resource.prlimit(run.process.pid, resource.RLIMIT_CPU, (used, used))
    except ProcessLookupError:
        return
    try:
        run.process.wait(2)
    except subprocess.TimeoutExpired:
        run.process.kill()


def _disk(run: Run, rng: Random) -> None:
    """Let no file grow any more, as on a full disk; what goes on nevertheless is killed."""
    size = max((path.stat().st_size for path in run.job.glob("*")), default=0)
    limit = size + rng.randint(0, 20_000)
    try:
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    except ProcessLookupError:
        return
    end = time.monotonic() + 6
    while run.process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    run.process.kill()


_WAY = {
    "kill": _kill,
    "group": _group,
    "twice": _twice,
    "twice-term": _twice_term,
    "once": _once,
    "processor": _processor,
    "disk": _disk,
}
