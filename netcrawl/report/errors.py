"""What keeps a report from being made, in one line for a person."""

from __future__ import annotations


class ReportError(Exception):
    """There is no report; the text says why."""
