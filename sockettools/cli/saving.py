"""``-o FILE``: the option of the commands that save one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.cli.status import WrongUsage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


def add_output_argument(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare the option; ``default`` says what is used without it."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"save to FILE, which exists once it is complete (default: {default})",
    )


def file_to_write(name: str) -> Path:
    """Return the path of a file that there is not, or that can be replaced.

    Raises:
        WrongUsage: something else is there: a directory, or a device, which no file is to replace.
    """
    if name in ("", "-"):
        raise WrongUsage(f"-o {name!r}: a name is needed; get writes to standard output")
    path = Path(name)
    if name.endswith("/") or path.is_dir():
        raise WrongUsage(f"{name} is a directory: use -o FILE")
    if path.exists() and not path.is_file():
        raise WrongUsage(f"{name} is not a file: use -o FILE")
    return path


def file_or_device(name: str) -> Path:
    """Return the path of an ``-o`` that may also be a device.

    Raises:
        WrongUsage: it is no name, or that of a directory to be.
    """
    if not name:
        raise WrongUsage("-o '': a name is needed, or - for standard output")
    if name.endswith("/") and not Path(name).is_dir():  # which is an error of its own
        raise WrongUsage(f"-o {name}: that would be a directory, and there is none")
    return Path(name)


def files_for(
    arguments: argparse.Namespace, urls: Sequence[T], name_of: Callable[[T], str | None]
) -> list[Path | None]:
    """Return the file for each URL that ``-o`` and ``-O`` want; None is standard output.

    Raises:
        WrongUsage: they contradict each other; or a name is needed, and ``name_of`` finds none.
    """
    if len(arguments.output) > len(urls):
        raise WrongUsage("there are more -o than URLs")
    if arguments.output and arguments.remote_name:
        raise WrongUsage("-o and -O exclude each other")
    if not arguments.remote_name:
        names = [*arguments.output, *["-"] * (len(urls) - len(arguments.output))]
        return [None if name == "-" else file_or_device(name) for name in names]
    files: list[Path | None] = []
    for url in urls:
        name = name_of(url)
        if name is None:
            raise WrongUsage(f"{url} has no name to save it under: use -o FILE")
        files.append(Path(name))
    return files
