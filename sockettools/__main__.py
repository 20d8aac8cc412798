"""Let ``python -m sockettools`` be the ``sockettools`` command."""

import sys

try:
    from sockettools.cli import run
except KeyboardInterrupt:  # during the imports, which take most of a short command's time
    sys.exit(130)

run()
