from __future__ import annotations

import errno

import pytest

from sockettools.cli.naming import naming


@pytest.mark.parametrize(
    ("error", "filename"),
    [
        pytest.param(OSError(errno.ENOSPC, "full"), "it", id="without a name"),
        pytest.param(OSError(errno.ENOSPC, "full", "other"), "other", id="with a name"),
        pytest.param(OSError("not of the system"), None, id="not of the system"),
    ],
)
def test_naming(error: OSError, filename: str | None) -> None:
    with pytest.raises(OSError, match=r"full|not of") as caught, naming("it"):
        raise error

    assert caught.value.filename == filename


def test_what_kind_it_is_stays() -> None:
    with pytest.raises(BrokenPipeError), naming("it"):
        raise BrokenPipeError(errno.EPIPE, "gone")
