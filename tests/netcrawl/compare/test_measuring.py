from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from netcrawl.compare.measuring import (
    MAX_ERRORS,
    MeasuringError,
    TimeIsUp,
    background,
    measure,
)
from tests.machine import needs_proc

LONG = 60.0  # seconds that nothing here takes, however busy the machine


def python(source: str) -> list[str]:
    return [sys.executable, "-S", "-c", textwrap.dedent(source)]


def is_there(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + LONG
    while is_there(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.01)


def test_tells_what_a_command_wrote_and_how_it_ended() -> None:
    done = measure(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"),
        timeout=LONG,
    )

    assert (done.status, done.stdout, done.errors) == (3, b"out\n", b"err\n")
    assert done.problem == "err"


def test_cpu_is_what_was_worked_and_wall_what_was_waited() -> None:
    working = measure(python("import time\nwhile time.process_time() < 0.5: pass"), timeout=LONG)
    waiting = measure(python("import time; time.sleep(0.5)"), timeout=LONG)

    assert 0.5 <= working.cpu <= working.wall + 0.1
    assert waiting.wall >= 0.5
    assert waiting.cpu < 0.4


def test_peak_is_of_the_command_and_not_of_who_started_it() -> None:
    ballast = bytearray(os.urandom(1)) * 300_000_000  # this process has them

    small = measure(python("pass"), timeout=LONG)
    large = measure(python("x = b'x' * 100_000_000"), timeout=LONG)

    assert len(ballast) > large.peak
    assert small.peak < 60_000_000
    assert 100_000_000 < large.peak < 200_000_000


def test_the_children_that_it_waited_for_are_counted() -> None:
    done = measure(
        python("""
            import subprocess, sys
            work = "import time\\nwhile time.process_time() < 0.3: pass"
            subprocess.run([sys.executable, "-S", "-c", work])
        """),
        timeout=LONG,
    )

    assert done.cpu >= 0.3


def test_its_standard_input_is_empty_and_its_folder_and_environment_are_given(
    tmp_path: Path,
) -> None:
    done = measure(
        python("import os, sys; print([sys.stdin.read(), os.getcwd(), os.environ['WORD']])"),
        timeout=LONG,
        cwd=tmp_path,
        env={"WORD": "said"},
    )

    assert done.stdout.decode().strip() == str(["", str(tmp_path), "said"])


@needs_proc
def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    command = python(f"""
        import os, pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
        pathlib.Path({str(tmp_path / "pids")!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
        time.sleep(600)
    """)

    with pytest.raises(TimeIsUp, match=r"^python\S* was not done after 5 seconds$"):
        measure(command, timeout=5)

    for pid in map(int, (tmp_path / "pids").read_text().split()):
        wait_until_gone(pid)


@needs_proc
def test_what_a_command_leaves_behind_is_not_waited_for_and_killed() -> None:
    done = measure(
        python("""
            import subprocess, sys
            command = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
            print(subprocess.Popen(command).pid)
        """),
        timeout=LONG,
    )

    assert done.status == 0
    wait_until_gone(int(done.stdout))


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_no_child_outlives_this_process(number: signal.Signals) -> None:
    source = f"""
        from netcrawl.compare.measuring import background, measure
        work = [{sys.executable!r}, "-S", "-c",
                "import time; print('ready', flush=True); time.sleep(600)"]
        with background(work) as child:
            print(child.pid, flush=True)
            measure(work, timeout=600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_there(pid)
        process.send_signal(number)
        assert process.wait(LONG) != 0
    wait_until_gone(pid)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param("raise SystemExit('why\\x1b[2J')", "why\\x1b[2J", id="last line"),
        pytest.param("raise SystemExit(7)", "exit status 7", id="says nothing"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL", id="killed"),
    ],
)
def test_a_problem_is_one_line(source: str, problem: str) -> None:
    assert measure(python(source), timeout=LONG).problem == problem


def test_no_such_command() -> None:
    with pytest.raises(MeasuringError, match=r"^no-such-command cannot be started: No such file"):
        measure(["no-such-command"], timeout=LONG)
    with (
        pytest.raises(MeasuringError, match=r"^no-such-command cannot be started: No such file"),
        background(["no-such-command"]),
    ):
        pass


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(MeasuringError, match=r"^python\S* cannot be started: .*nowhere"):
        measure(python("pass"), timeout=LONG, cwd=tmp_path / "nowhere")


def test_output_is_bounded_and_of_errors_the_end_is_kept() -> None:
    endless = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(MeasuringError, match=r"wrote more than 1\.0 MB$"):
        measure(python(endless), timeout=LONG, max_output=1_000_000)

    chatty = "import sys\nfor n in range(100_000): print(n, file=sys.stderr)"
    errors = measure(python(chatty), timeout=LONG).errors
    assert len(errors) == MAX_ERRORS
    assert errors.endswith(b"\n99999\n")


def test_much_output_on_both_ways_is_whole() -> None:
    source = "import sys\nfor _ in range(300): sys.stdout.write('o' * 9999); sys.stderr.write('e')"

    done = measure(python(source), timeout=LONG)

    assert done.stdout == b"o" * 9999 * 300
    assert done.errors == b"e" * 300


@needs_proc
def test_a_background_process_tells_what_it_uses_while_it_runs() -> None:
    source = """
        import sys, time
        while time.process_time() < 0.3: pass
        ballast = b"x" * 50_000_000
        print("ready on 7", flush=True)
        time.sleep(600)
    """
    with background(python(source), timeout=LONG) as child:
        assert child.first_line == "ready on 7"
        assert child.is_running
        assert 0.3 <= child.cpu() < 5
        assert 50_000_000 < child.peak() < 150_000_000
    assert not child.is_running
    with pytest.raises(MeasuringError, match="has ended"):
        child.cpu()
    with pytest.raises(MeasuringError, match="has ended"):
        child.peak()


def test_a_background_process_that_does_not_get_ready() -> None:
    with (
        pytest.raises(MeasuringError, match=r"did not start: the port is taken$"),
        background(python("raise SystemExit('the port is taken')"), timeout=LONG),
    ):
        pass
    with (
        pytest.raises(TimeIsUp, match=r"was not ready after 0\.2 seconds$"),
        background(python("import time; time.sleep(600)"), timeout=0.2),
    ):
        pass
