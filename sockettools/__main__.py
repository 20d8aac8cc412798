"""Let ``python -m sockettools`` be the ``sockettools`` command."""

from sockettools.cli import run

run()
