"""Run the suite that Scrapy's own download handlers are tested with against a handler.

The suite is in Scrapy's source distribution, which pip fetches in the version that is installed.
Of it only the tests are unpacked, into a temporary folder: what they test is the installed Scrapy.
They need an older pytest, and plugins, which are kept to themselves beside the distribution.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import scrapy

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".scrapy" / "suite"
MODULE = Path(__file__).with_name("handler_suite.py")

TOOLS = ("pytest<9", "pytest-asyncio", "pytest-timeout", "pytest-twisted")

# For a test that the module's own limit does not end.
TEST_SECONDS = 60


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scrapy_suite", description=__doc__)
    parser.add_argument("handler", help="import path of the download handler's class")
    parser.add_argument("--reactor", choices=["asyncio", "none"], default="asyncio")
    parser.add_argument("-k", metavar="EXPR", default="", help="only the tests that match")
    parser.add_argument(
        "--at-least", metavar="N", type=int, default=1, help="fail if fewer tests than this pass"
    )
    parser.add_argument(
        "--mitmproxy",
        action="store_true",
        help="install mitmproxy beside the suite, for the tests that are skipped without it",
    )
    parser.add_argument("--sdist", type=Path, help="Scrapy's source distribution, if it is here")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for what is fetched")
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest, after --")
    return parser.parse_args()


def pip(*arguments: str, python: str | Path = sys.executable) -> None:
    """Run pip, which says nothing unless it fails."""
    subprocess.run(
        [python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments], check=True
    )


def make(folder: Path, *requirements: str, environment: bool = False) -> Path:
    """Install into ``folder``, with a Python of its own if asked, unless that was done before."""
    done = folder / "requirements.txt"
    text = "\n".join(requirements)
    if not done.exists() or done.read_text() != text:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if environment:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip("install", *requirements, python=folder / "bin" / "python")
        else:
            pip("install", "--target", str(folder), *requirements)
        done.write_text(text)
    return folder


def fetch(version: str, cache: Path) -> Path:
    """Return the source distribution, from the registry if it is not in ``cache``."""
    archive = cache / f"scrapy-{version}.tar.gz"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            # Only Scrapy itself is wanted as source, not what pip builds its metadata with.
            pip("download", "--no-deps", "--no-binary=scrapy", "-d", folder, f"scrapy=={version}")
            (fetched,) = Path(folder).glob("*.tar.gz")
            fetched.replace(archive)
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack the tests and how they are run; return where they are."""
    with tarfile.open(archive) as tar:
        top = tar.getnames()[0].partition("/")[0]
        wanted = (f"{top}/tests/", f"{top}/conftest.py", f"{top}/pyproject.toml")
        members = [member for member in tar if member.name.startswith(wanted)]
        tar.extractall(folder, members, filter="data")
    return folder / top


def run(options: argparse.Namespace) -> int:
    """Run the suite as ``options`` ask; return the exit status."""
    python = sys.implementation.cache_tag
    cache = options.cache.absolute()
    tools = make(cache / f"tools-{python}", *TOOLS)
    environment = {
        **os.environ,
        "SCRAPY_SUITE_HANDLER": options.handler,
        "PYTHONPATH": os.pathsep.join(
            [str(tools), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    environment.pop("PYTEST_ADDOPTS", None)
    if options.mitmproxy:
        mitmproxy = make(cache / f"mitmproxy-{python}", "mitmproxy", environment=True)
        environment["MITMDUMP"] = str(mitmproxy / "bin" / "mitmdump")

    archive = options.sdist or fetch(scrapy.__version__, cache)
    with tempfile.TemporaryDirectory(prefix="scrapy-suite-") as folder:
        tree = unpack(archive, Path(folder))
        module = tree / "tests" / "test_downloader_handler_given.py"
        shutil.copyfile(MODULE, module)
        report = Path(folder, "report.xml")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-rs", "--tb=short", f"--junitxml={report}"),
            *("-p", "no:cacheprovider", "-p", "timeout"),
            *("-p", "asyncio" if options.reactor == "none" else "twisted"),
            *(f"--reactor={options.reactor}", f"--timeout={TEST_SECONDS}"),
            *("-m", "not requires_internet", "-k", options.k),
            *(str(module.relative_to(tree)), *options.pytest),
        ]
        status = subprocess.run(command, cwd=tree, env=environment, check=False).returncode
        counts, unhappy = read(report) if report.exists() else (Counter[str](), [])

    for line in unhappy:
        print(line)
    print(
        f"{options.handler}, Scrapy {scrapy.__version__}, reactor {options.reactor}:",
        ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped")),
    )
    if counts["passed"] < options.at_least:
        print(f"fewer than {options.at_least} passed")
        return status or 1
    return status


def read(report: Path) -> tuple[Counter[str], list[str]]:
    """Count the outcomes in pytest's report, and say of each failure in a line what failed."""
    counts: Counter[str] = Counter()
    unhappy = []
    for case in ElementTree.parse(report).iter("testcase"):
        trouble = case.find("failure")
        if trouble is None:
            trouble = case.find("error")
        if trouble is not None:
            counts["failed"] += 1
            group = case.get("classname", "").rpartition(".")[2]
            reason = (trouble.get("message") or "").partition("\n")[0]
            unhappy.append(f"FAILED {group}.{case.get('name')}: {reason[:200]}")
        else:
            counts["skipped" if case.find("skipped") is not None else "passed"] += 1
    return counts, unhappy


if __name__ == "__main__":
    sys.exit(run(parse_arguments()))
