"""The add-on in a project of somebody else's, as ``scrapy startproject`` makes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.settings import Settings

from netcrawl.addon import Netcrawl, chosen_parts
from netcrawl.download.politeness import RetryAfterMiddleware
from netcrawl.parts import HANDLERS, MIDDLEWARES, NAMED, ORDERED, PARTS
from tests.crawling import ROOT
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netcrawl.parts import Part

ADDONS = {"netcrawl.addon.Netcrawl": 500}
RETRY = "scrapy.downloadermiddlewares.retry.RetryMiddleware"
OURS = "netcrawl.download.politeness.RetryAfterMiddleware"
SOCKETS = "netcrawl.download.sockets.SocketDownloadHandler"


def applied(project: dict[str, Any] | None = None, **more: Any) -> Settings:
    settings = Settings(project)
    settings.update(more, "cmdline")
    Netcrawl().update_settings(settings)
    return settings


def paths(part: Part) -> set[str]:
    """Return the components that a part brings."""
    ordered = [
        path
        for setting in ORDERED
        for path in (*part.replaced.get(setting, {}).values(), *part.added.get(setting, {}))
    ]
    named = [path for setting in NAMED for path in part.named.get(setting, {}).values()]
    return {path for path in (*ordered, *named, *part.values.values()) if "netcrawl" in str(path)}


def brought(settings: Settings) -> set[str]:
    values: list[Any] = list(settings.values())
    for setting in (*ORDERED, *NAMED):
        components = settings.getdict(setting)
        values += [key for key, value in components.items() if value is not None]
        values += components.values()
    return {value for value in values if isinstance(value, str) and value.startswith("netcrawl.")}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.setting)
def test_each_part_is_switched_by_its_setting(part: Part) -> None:
    with_it = brought(applied({part.setting: True}))
    without = brought(applied({part.setting: False}))

    assert with_it - without == paths(part)
    assert brought(applied()) == (with_it if part.default else without)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.setting)
def test_each_part_is_in_the_readme(part: Part) -> None:
    row = f"| `{part.setting}` | {'on' if part.default else 'off'} | {part.changes} |"

    assert row in (ROOT / "netcrawl/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("set_by_user", "components"),
    [
        pytest.param({}, {RETRY: None, OURS: 550}, id="nothing"),
        pytest.param({RETRY: None}, {RETRY: None}, id="Scrapy's is off"),
        pytest.param({RETRY: 77}, {RETRY: None, OURS: 77}, id="moved"),
        pytest.param({RetryMiddleware: 77}, {RetryMiddleware: None, OURS: 77}, id="moved class"),
        pytest.param({OURS: None}, {OURS: None}, id="ours is off"),
        pytest.param(
            {RetryAfterMiddleware: 9}, {RetryAfterMiddleware: 9}, id="ours is there, as a class"
        ),
        pytest.param(
            {RETRY: None, "their.own.RetryMiddleware": 550},
            {RETRY: None, "their.own.RetryMiddleware": 550},
            id="another is in its place",
        ),
    ],
)
@pytest.mark.usefixtures("their_own")
def test_what_a_project_has_set_wins(set_by_user: dict[Any, Any], components: Any) -> None:
    made = applied({MIDDLEWARES: set_by_user}).getdict(MIDDLEWARES)

    about_retry = {key: value for key, value in made.items() if "Retry" in str(key)}
    assert about_retry == components


@pytest.fixture
def their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their").mkdir()
    (tmp_path / "their" / "own.py").write_text("class RetryMiddleware: pass\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_a_handler_and_a_value_of_the_project_stay() -> None:
    settings = applied(
        {HANDLERS: {"http": "their.Handler"}, "NETCRAWL_FAST": True, "CONCURRENT_ITEMS": 7},
        LOG_LEVEL="ERROR",
    )

    handlers = settings.getdict(HANDLERS)
    assert (handlers["http"], handlers["https"]) == ("their.Handler", SOCKETS)
    assert settings.getint("CONCURRENT_ITEMS") == 7
    assert settings["LOG_LEVEL"] == "ERROR"
    assert not settings.getbool("WARN_ON_GENERATOR_RETURN_VALUE")


def test_what_a_command_needs_stays() -> None:
    settings = Settings({"NETCRAWL_FRONTIER": True})
    settings.set("SCHEDULER", "a.command.Needs", "command")
    Netcrawl().update_settings(settings)

    assert settings["SCHEDULER"] == "a.command.Needs"


def test_without_asyncio_scrapys_handler_stays() -> None:
    settings = applied({"TWISTED_REACTOR": "twisted.internet.selectreactor.SelectReactor"})

    assert "http" not in settings.getdict(HANDLERS)
    assert settings.getdict(MIDDLEWARES)[OURS] == 550


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        pytest.param(
            {"NETCRAWL_COOKIES": "of course"},
            "netcrawl: NETCRAWL_COOKIES is 'of course': it can be True or False",
            id="value",
        ),
        pytest.param(
            {"NETCRAWL_COKIES": False},
            "netcrawl: there is no setting NETCRAWL_COKIES; did you mean NETCRAWL_COOKIES?",
            id="name",
        ),
        pytest.param(
            {"NETCRAWL_QXZV": False}, "netcrawl: there is no setting NETCRAWL_QXZV", id="nothing"
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        chosen_parts(Settings(settings))

    assert caught.value.code == line


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(Netcrawl.update_pre_crawler_settings, id="before"),
        pytest.param(Netcrawl().update_settings, id="with-the-spider's"),
    ],
)
def test_a_number_that_is_none_is_one_line(check: Callable[[Settings], None]) -> None:
    with pytest.raises(SystemExit) as caught:
        check(Settings({"DOWNLOAD_SPOOL_SIZE": "1 MB"}))

    problem = "DOWNLOAD_SPOOL_SIZE='1 MB' cannot be used: it takes a whole number from 0 on"
    assert caught.value.code == f"netcrawl: {problem}"


SPIDER = """
import scrapy

class PagesSpider(scrapy.Spider):
    name = "pages"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        yield {"url": response.url, "title": response.css("title::text").get()}
        yield from response.follow_all(css="a")
"""

PAGES: dict[str, Answer | str] = {
    "/robots.txt": Answer("User-agent: *\nDisallow: /secret\n", content_type="text/plain"),
    "/": "<title>home</title><a href=/1>1</a><a href=/moved>2</a><a href=/secret>3</a>",
    "/1": "<title>=one</title><a href=/>home</a>",
    "/moved": Answer(status=302, fields={"Location": "/2"}),
    "/2": "<title>two</title>",
    "/secret": "<title>secret</title>",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project with one spider and the add-on."""
    folder = tmp_path_factory.mktemp("somebody")
    scrapy(folder, "startproject", "shop", ".")
    (folder / "shop" / "spiders" / "pages.py").write_text(SPIDER)
    with (folder / "shop" / "settings.py").open("a") as settings:
        settings.write(f"\nADDONS = {ADDONS}\nDOWNLOAD_DELAY = 0\n")
    return folder


def scrapy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param((), id="as it comes"),
        pytest.param(("NETCRAWL_FAST=1",), id="fast"),
        pytest.param(tuple(f"{part.setting}=0" for part in PARTS), id="all off"),
        pytest.param(tuple(f"{part.setting}=1" for part in PARTS), id="all on"),
    ],
)
def test_a_crawl_finds_the_same_with_any_parts(
    project: Path, tmp_path: Path, switches: tuple[str, ...]
) -> None:
    feed = tmp_path / "pages.json"
    with PageServer(PAGES) as server:
        options = [word for switch in switches for word in ("-s", switch)]
        arguments = ("crawl", "pages", "-a", f"url={server.url}/", "-O", str(feed), *options)
        done = scrapy(project, *arguments)

        asked = server.paths()
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found = {
        item["url"].removeprefix(server.url): item["title"]
        for item in json.loads(feed.read_text(encoding="utf-8"))
    }
    assert found == {"/": "home", "/1": "=one", "/2": "two"}
    assert "/secret" not in asked
    is_on = "NETCRAWL_LEAN=0" not in switches
    assert ("netcrawl.download.politeness.RetryAfterMiddleware" in done.stderr) is is_on
    assert ("'timing/" in done.stderr or "timings/" in done.stderr) is is_on


def test_the_other_commands_work(project: Path) -> None:
    with PageServer(PAGES) as server:
        listed = scrapy(project, "list")
        fetched = scrapy(project, "fetch", "--nolog", f"{server.url}/1")
        shell = scrapy(project, "shell", "--nolog", "-c", "response.status", f"{server.url}/moved")

    assert listed.stdout == "pages\n"
    assert "<title>=one</title>" in fetched.stdout
    assert shell.stdout.strip() == "200"
    assert (listed.returncode, fetched.returncode, shell.returncode) == (0, 0, 0)


def test_the_commands_for_jobs_can_be_had(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "shop")
    project = tmp_path / "shop"
    with (project / "shop" / "settings.py").open("a") as settings:
        settings.write('COMMANDS_MODULE = "netcrawl.commands"\nNETCRAWL_FRONTIER = True\n')
    pages = {**PAGES, "/1": Answer(status=503)}
    with PageServer(pages) as server:
        crawl = ("crawl", "pages", "-a", f"url={server.url}/", "-O", "pages.json")
        crawl += ("-s", "JOBDIR=job", "-s", "RETRY_ENABLED=False")
        first = scrapy(project, *crawl)
        shown = scrapy(project, "jobs", "show", "job")
        again = scrapy(project, "jobs", "retry-failed", "job")
        pages["/1"] = PAGES["/1"]
        second = scrapy(project, *crawl)

    assert (first.returncode, shown.returncode, again.returncode) == (1, 0, 0)
    assert "a request failed; scrapy jobs show job tells why" in first.stderr
    assert "0 pending, 1 failed" in shown.stdout
    assert "503" in shown.stdout
    assert second.returncode == 0, second.stderr
    titles = [page["title"] for page in json.loads((project / "pages.json").read_text())]
    assert sorted(titles) == ["=one", "home", "two"]


@pytest.mark.parametrize("command", [("list",), ("crawl", "pages")])
def test_a_wrong_value_is_one_line_of_a_command(project: Path, command: tuple[str, ...]) -> None:
    done = scrapy(project, *command, "-s", "NETCRAWL_FAST=maybe")

    assert done.returncode == (0 if command == ("list",) else 1)
    if command != ("list",):
        assert done.stderr.splitlines()[-1] == (
            "netcrawl: NETCRAWL_FAST is 'maybe': it can be True or False"
        )
        assert "Traceback" not in done.stderr
