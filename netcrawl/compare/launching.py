"""Start a command for ``measuring``, wait for it, and report what it used.

``python -I -S launching.py FD COMMAND...``; run as a file, and so small, for a reason. What the
system calls the peak memory of a process includes that of its parent at the moment of the fork:
started from a Scrapy process, every command would seem to need as much memory as Scrapy.

Lines are written to FD: ``pid PID``, ``failed REASON`` if there is no such command, and at the end
``done STATUS USER SYSTEM PEAK WALL`` (seconds; the peak as in ``ru_maxrss``). Standard input is a
line to who has started this: when it ends, the whole process group is killed.
"""

import os
import select
import signal
import sys
import time


def main(report: int, command: list[str]) -> None:
    """Run ``command``, and tell ``report`` about it."""
    os.set_inheritable(report, False)
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, _ignore)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(command, report)
    while True:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            break
        readable, _, _ = select.select([lifeline, ended], [], [])
        if lifeline in readable:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        if ended in readable:
            os.read(ended, 512)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    line = f"done {code} {usage.ru_utime} {usage.ru_stime} {usage.ru_maxrss} {wall}\n"
    os.write(report, line.encode())


def _become(command: list[str], report: int) -> None:
    try:
        os.write(report, f"pid {os.getpid()}\n".encode())
        signal.set_wakeup_fd(-1)
        # Python ignores SIGPIPE, and would hand that on.
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - the command is ours
    except OSError as exc:
        os.write(report, f"failed {exc.strerror or exc}\n".encode())
    finally:
        os._exit(127)


def _ignore(number: int, frame: object) -> None:
    """Let the signal wake the select."""


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
