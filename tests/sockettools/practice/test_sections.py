from __future__ import annotations

import html

from sockettools.practice.pages import find_page
from sockettools.practice.sections import CRAWLED, ROUTES, WILD, find_route


def test_the_index_has_every_title_and_every_description() -> None:
    page = find_page("/", "http://127.0.0.1:8000")
    assert page is not None
    text = page.body.decode()

    for title, routes in (*CRAWLED, *WILD):
        assert f"<h3>{html.escape(title)}</h3>" in text
        for route in routes:
            assert html.escape(route.what) in text


def test_what_is_crawled_is_listed() -> None:
    fixed = {route.pattern for _, routes in CRAWLED for route in routes if route.is_fixed}

    assert fixed == {"/gallery/", "/gallery/2.html", "/files/"}
    assert "/site/{pages:number}/" in {route.pattern for route in ROUTES}


def test_a_folder_is_no_route_without_its_slash() -> None:
    for path in ("/gallery", "/files", "/site", "/site/", "/site/100", "/gallery/a/b", "/site/x/"):
        assert find_route(path) is None, path
