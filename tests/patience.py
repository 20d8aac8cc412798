"""How long a test waits for what has to come."""

from sockettools.net.deadline import Deadline

# Seconds not to be waited for in a test that passes.
SECONDS = 300


# Seconds after which one gives up who says nothing more, and is not only late on a busy machine.
SILENCE = 1.0


def patience() -> Deadline:
    """Return a deadline for what begins now: a module's tests may begin long after its import."""
    return Deadline.after(SECONDS)
