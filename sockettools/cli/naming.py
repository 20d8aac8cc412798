"""Errors of the operating system that tell what they are about."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Let an OSError that names no file name ``what``: writing to an open one does not."""
    try:
        yield
    except OSError as exc:
        if exc.filename is not None or exc.errno is None:
            raise
        raise OSError(exc.errno, exc.strerror, what) from exc
