"""A page becomes a file, whole or not at all; and what is needed to make one."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from netcrawl.feeds.replacing import Replacement
from netcrawl.report.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

# The packages of the extra, by the names of their modules.
_EXTRA = {"jinja2": "Jinja2", "vl_convert": "vl-convert-python"}


def needs_extra() -> None:
    """See that there is all that a page is made with.

    Raises:
        ReportError: something is not installed.
    """
    missing = [name for module, name in _EXTRA.items() if find_spec(module) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ReportError(f"{' and '.join(missing)} {are} missing: pip install '.[report]'")


def write_page(path: Path, page: str) -> int:
    """Put a page in the place of a file; return its size in octets.

    Raises:
        ReportError: it cannot be written. The file is as it was.
    """
    data = page.encode()
    try:
        with Replacement(path, in_place=False) as replacement:
            replacement.file.write(data)
            replacement.commit()
    except OSError as exc:
        raise ReportError(f"{path} cannot be written: {exc.strerror or exc}") from exc
    return len(data)
