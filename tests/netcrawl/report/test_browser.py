"""A report in a real browser, Debian's chromium."""

from __future__ import annotations

import json
import pickle
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from netcrawl.frontier.folder import JobFolder
from netcrawl.frontier.job import Job, end_job, start_job
from netcrawl.frontier.traffic import TRAFFIC, Traffic
from netcrawl.report.comparison_page import comparison_page
from netcrawl.report.costs_page import costs_page
from netcrawl.report.crawl import read_feed, read_job
from netcrawl.report.crawl_page import crawl_page
from tests.machine import needs_programs
from tests.netcrawl.report.made_comparisons import (
    comparison,
    differing,
    some_servers,
    two_ways,
)
from tests.netcrawl.report.test_crawl_page import HOSTILE, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [needs_programs("chromium"), pytest.mark.soak]

# Milliseconds; machines that run tests are busy.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # Its own sandbox does not let root start it; it shows nothing but what we wrote.
            args=["--no-sandbox"],
            timeout=PATIENCE,
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, *, problems: int = 0, **options: Any) -> Iterator[Page]:
    """Open a file; see that it asks for nothing, and says so many ``problems``."""
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    # What the page's policy stops is told as well: it has failed before it began.
    page.on(
        "requestfailed",
        lambda request: asked.remove(request.url) if request.failure == "csp" else None,
    )
    page.goto(path.as_uri())
    yield page
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert len(said) == problems, said
    assert page.evaluate("window.hurt") is None
    context.close()


def page_file(folder: Path, source: Path) -> Path:
    path = folder / "report.html"
    report = read_job(source) if source.is_dir() else read_feed(source)
    path.write_text(crawl_page(report), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a graph of a thousand pages, and tables."""
    folder = tmp_path_factory.mktemp("links")
    feed = write(
        folder / "links.jsonl",
        [
            {"page": f"http://h/{page}", "position": at, "url": f"http://h/{page * 10 + at}"}
            for page in range(100)
            for at in range(1, 11)
        ],
    )
    return page_file(folder, feed)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every plot, and with what is wide."""
    path = tmp_path_factory.mktemp("job")
    folder = JobFolder(path / "job")
    start_job(folder.store, Job("words", {"url": f"http://h/{'x' * 300}"}))
    traffic = Traffic()
    traffic.begin_run("2026-01-01T00:00:00+00:00")
    for number in range(500):
        url = f"http://h{number % 7}.example/{'y' * 280}/{number}"
        status = (200, 200, 301, 404, 503)[number % 5]
        traffic.add_page(number / 3, status, url, f"h{number % 7}.example")
        traffic.add_latency(0.01 * (1 + number % 90), status, url, f"h{number % 7}.example")
        traffic.add_network(number / 3, 10_000, number % 50 == 0)
    traffic.run_seconds[-1] = 170.0
    folder.store.set_value(TRAFFIC, json.dumps(vars(traffic), default=vars).encode())
    for number in range(40):
        item = {"word": f"{'w' * number}ord", "count": number + 1}
        folder.store.add_item(pickle.dumps(item))
    end_job(folder.store, "finished")
    folder.close()
    return page_file(path, path / "job")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of ways to fetch two pages; one of them has long names, and failed."""
    path = tmp_path_factory.mktemp("compared") / "report.html"
    pages = (*two_ways().pages, *differing("x" * 400).pages)
    path.write_text(comparison_page(comparison(*pages)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of servers, which has lines."""
    path = tmp_path_factory.mktemp("costs") / "report.html"
    path.write_text(costs_page(some_servers()), encoding="utf-8")
    return path


def test_a_table_sorts(browser: Browser, links: Path) -> None:
    with opened(browser, links) as page:
        table = page.get_by_role("region", name="The items").locator("table")
        head = table.get_by_role("columnheader", name="position")
        first = table.locator("tbody tr:first-child td:nth-child(2)")
        assert head.get_attribute("aria-sort") == "none"
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert first.inner_text() == "1"
        page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "descending"
        assert first.inner_text() == "10"  # numbers, not texts: "9" would be above it
        table.get_by_role("columnheader", name="url").get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "none"


def test_a_table_can_be_searched(browser: Browser, links: Path) -> None:
    with opened(browser, links) as page:
        page.locator("#items").get_by_label("Only rows with").fill("/999")
        rows = page.locator("#items tbody tr:visible")
        assert [row.split("\t")[2] for row in rows.all_inner_texts()] == ["http://h/999"]


def test_the_graph_is_found_and_zoomed(browser: Browser, links: Path) -> None:
    with opened(browser, links) as page:
        box = page.locator("[data-graph]")

        def view() -> dict[str, float]:
            value = box.evaluate("box => ({...box.graph.view})")
            assert isinstance(value, dict)
            return value

        assert box.evaluate("box => box.graph.nodes.length") == 1001
        whole = view()
        box.get_by_label("Find a page").fill("/777")
        box.get_by_role("button", name="http://h/777").click()
        chosen = box.locator("[data-chosen]")
        assert chosen.inner_text() == (
            "http://h/777: only linked to, 3 links away from the start, 1 link in, 0 links out"
        )
        found = view()
        assert found["scale"] > whole["scale"]
        box.get_by_role("button", name="All of it").click()
        assert view() == whole
        box.get_by_role("button", name="Larger").click()
        assert view()["scale"] > whole["scale"]
        canvas = box.locator("canvas")
        canvas.focus()
        for key, test in (
            ("0", lambda: view() == whole),
            ("+", lambda: view()["scale"] > whole["scale"]),
            ("-", lambda: abs(view()["scale"] - whole["scale"]) < 1e-9),
            ("ArrowLeft", lambda: view()["x"] == whole["x"] + 60),
            ("ArrowDown", lambda: view()["y"] == whole["y"] - 60),
        ):
            page.keyboard.press(key)
            assert test(), key
        page.keyboard.press("0")
        canvas.scroll_into_view_if_needed()
        place = canvas.bounding_box()
        assert place is not None
        middle = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
        # A click on the start, which is in the middle, chooses it.
        page.mouse.click(*middle)
        assert chosen.inner_text().startswith("http://h/0: read, 0 links away")
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 50, middle[1] + 30)
        page.mouse.up()
        assert (view()["x"], view()["y"]) == (whole["x"] + 50, whole["y"] + 30)
        before = view()["scale"]
        page.keyboard.down("Control")
        page.mouse.wheel(0, -200)
        page.keyboard.up("Control")
        page.wait_for_function(
            "before => document.querySelector('[data-graph]').graph.view.scale > before",
            arg=before,
        )


def test_the_graph_is_zoomed_with_two_fingers(browser: Browser, links: Path) -> None:
    with opened(browser, links, has_touch=True, viewport={"width": 360, "height": 700}) as page:
        canvas = page.locator("canvas")
        canvas.scroll_into_view_if_needed()
        place = canvas.bounding_box()
        assert place is not None
        x, y = place["x"] + 150, place["y"] + 100
        scale = "document.querySelector('[data-graph]').graph.view.scale"
        before = page.evaluate(scale)
        session = page.context.new_cdp_session(page)
        for kind, apart in (("Start", 20), ("Move", 40), ("Move", 80), ("End", None)):
            points = [] if apart is None else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
            session.send(
                "Input.dispatchTouchEvent",
                {
                    "type": f"touch{kind}",
                    "touchPoints": [{**point, "id": at} for at, point in enumerate(points)],
                },
            )

        assert page.evaluate(scale) > 2 * before


def test_the_graph_is_drawn_in_both_schemes(browser: Browser, links: Path) -> None:
    drawn = set()
    for scheme in ("light", "dark"):
        with opened(browser, links, color_scheme=scheme) as page:
            page.wait_for_function("document.querySelector('canvas').width > 300")
            page.evaluate(
                """() => new Promise(
                    done => requestAnimationFrame(() => requestAnimationFrame(done))
                )"""
            )
            drawn.add(page.evaluate("document.querySelector('canvas').toDataURL()"))
    assert len(drawn) == 2
    assert all(len(picture) > 20_000 for picture in drawn)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("report", ["links", "job", "compared", "costs"])
def test_nothing_is_wider_than_the_page(
    report: str, width: int, scheme: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(report)
    viewport = {"width": width, "height": 700}
    with opened(browser, path, viewport=viewport, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        plots = page.locator(".plot svg:visible")
        assert plots.count() == (4 if report in ("job", "costs") else 0)
        for plot in plots.all():
            place = plot.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width


@pytest.mark.parametrize("report", ["links", "job", "compared", "costs"])
def test_on_paper_nothing_is_cut_off(
    report: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(report)
    # A4 with margins.
    with opened(browser, path, viewport={"width": 700, "height": 1000}) as page:
        page.emulate_media(media="print", color_scheme="dark")
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        for box in page.locator(".table-box").all():
            assert box.evaluate("it => it.scrollWidth <= it.clientWidth"), box.inner_text()[:100]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert not page.locator(".tools, .contents").first.is_visible()


def luminance(color: str) -> float:
    """Return how bright a color is (WCAG 2.2); it is "rgb(r, g, b)"."""
    parts = [int(part) / 255 for part in color[4:-1].split(",")]
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts]
    return sum(weight * it for weight, it in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("report", ["job", "compared", "costs"])
def test_text_stands_out(
    report: str, scheme: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    with opened(browser, request.getfixturevalue(report), color_scheme=scheme) as page:
        pairs = page.evaluate(
            """() => {
                document.querySelectorAll("details").forEach(it => it.open = true);
                const behind = it => {
                    for (; it; it = it.parentElement) {
                        const color = getComputedStyle(it).backgroundColor;
                        if (color.startsWith("rgb(")) return color;
                    }
                };
                const pairs = {};
                for (const it of document.body.querySelectorAll("*")) {
                    const own = [...it.childNodes].some(n => n.nodeType === 3 && n.data.trim());
                    if (!own || it.closest("script, style") || !it.checkVisibility()) continue;
                    const style = getComputedStyle(it);
                    const color = it instanceof SVGElement ? style.fill : style.color;
                    pairs[`${color}|${behind(it)}`] = it.outerHTML.slice(0, 100);
                }
                return pairs;
            }"""
        )
    assert len(pairs) > 3
    for pair, where in pairs.items():
        darker, lighter = sorted(map(luminance, pair.split("|")))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (pair, where)


def test_a_keyboard_goes_everywhere_and_is_seen(browser: Browser, links: Path) -> None:
    with opened(browser, links) as page:
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the report")
        place = skip.bounding_box()
        assert place is not None
        assert place["x"] >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('[data-find]')")
        for _ in range(6):
            page.keyboard.press("Tab")
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(style) != "none"


def test_what_a_screen_reader_is_told(browser: Browser, job: Path) -> None:
    with opened(browser, job) as page:
        for landmark in ("banner", "navigation", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1  # type: ignore[arg-type]
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        for table in page.get_by_role("table").all():
            assert table.locator("caption").inner_text()
        # A picture is words and a table; what it draws is left out.
        assert page.locator("svg:not([aria-hidden=true])").count() == 0
        assert page.locator(".plot figcaption").count() == 4
        assert page.locator(".plot + details table").count() == 4


def test_details_unfold(browser: Browser, job: Path) -> None:
    with opened(browser, job) as page:
        table = page.get_by_role("region", name="The slowest pages")
        assert not table.is_visible()
        page.locator("summary", has_text="The slowest pages").press("Enter")
        assert table.is_visible()


def test_a_diagram_unfolds(browser: Browser, compared: Path) -> None:
    with opened(browser, compared) as page:
        diagram = page.locator("#url-1 .conversation", has_text="Scrapy (sockets)")
        assert not diagram.locator("ol").is_visible()
        diagram.locator("summary").first.press("Enter")
        arrows = diagram.locator("li.right .arrow, li.left .arrow")
        assert arrows.count() == 3
        octets = diagram.locator("pre").first
        assert not octets.is_visible()
        diagram.locator("summary", has_text="its octets").first.press("Enter")
        assert octets.inner_text().startswith("GET /a HTTP/1.1\\r\\n\nHost: h.example\\r\\n")
        for arrow in arrows.all():
            place = arrow.bounding_box()
            assert place is not None
            assert place["width"] > 300


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_answers_do_nothing(hostile: str, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(comparison_page(differing(hostile)), encoding="utf-8")

    with opened(browser, path) as page:
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        for link in page.locator("a[href]").all():
            assert (link.get_attribute("href") or "").startswith(("http://", "#"))


def test_hostile_content_does_nothing(browser: Browser, tmp_path: Path) -> None:
    items: list[dict[str, Any]] = []
    for it in HOSTILE:
        items += [
            {"step": it, "url": it, "text": it, "title": it},
            {"page": f"http://{it}", "position": it, "url": f"http://{it}"},
            {"word": it, "count": 3},
            {"page": it, "url": it, "path": it, "width": it, "height": it, "status": "failed"},
            {it: it},
        ]
    path = page_file(tmp_path, write(tmp_path / "f.jsonl", items))

    with opened(browser, path) as page:
        box = page.locator("[data-graph]")
        box.get_by_label("Find a page").fill("script")
        box.locator("[data-found] button").first.click()
        for link in page.locator("a[href]").all():
            assert (link.get_attribute("href") or "").startswith(("http://", "#"))


@pytest.mark.parametrize(
    "injected",
    [
        "<script>window.hurt = 1</script>",
        "<img src=x onerror='window.hurt = 1'>",
        "<style>body { display: none }</style>",
        "<img src='http://127.0.0.1:9/'>",
        "<link rel=stylesheet href='http://127.0.0.1:9/'>",
        "<iframe src='http://127.0.0.1:9/'></iframe>",
        "<audio src='http://127.0.0.1:9/' preload='auto'></audio>",
    ],
)
def test_the_policy_stops_what_would_get_through(
    injected: str, browser: Browser, tmp_path: Path, links: Path
) -> None:
    path = tmp_path / "report.html"
    whole = links.read_text(encoding="utf-8")
    path.write_text(whole.replace("<h2", f"{injected}<h2", 1), encoding="utf-8")

    with opened(browser, path, problems=2 if "onerror" in injected else 1) as page:
        page.wait_for_load_state("networkidle")
        assert page.locator("h1").is_visible()
