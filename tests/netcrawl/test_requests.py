from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request, Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import FormRequest, Headers, JsonRequest, Response, XmlRpcRequest
from scrapy.utils.request import fingerprint, request_from_dict
from scrapy.utils.test import get_crawler

from netcrawl.requests import ExactHeaders, ExactRequest, header_fields

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://h.test/a"

WRITTEN: list[tuple[str | bytes, Any]] = [
    ("x-API-key", "1"),
    (b"accept", "b"),
    ("X-Two", 2),
    ("ACCEPT", "a"),
    ("user-agent", None),
]
LINES = [(b"x-API-key", b"1"), (b"accept", b"b"), (b"X-Two", b"2"), (b"ACCEPT", b"a")]


class ExactJsonRequest(ExactRequest, JsonRequest):
    pass


class ExactFormRequest(ExactRequest, FormRequest):
    pass


class ExactXmlRpcRequest(ExactRequest, XmlRpcRequest):
    pass


class Quiet(Spider):
    name = "quiet"


def through_dict(request: Request) -> Request:
    return request_from_dict(pickle.loads(pickle.dumps(request.to_dict())))


def redirected(request: Request) -> Request:
    middleware = RedirectMiddleware.from_crawler(get_crawler(Quiet))
    response = Response(URL, 302, {"Location": "/b"}, request=request)
    result = middleware.process_response(request, response)
    assert isinstance(result, Request)
    return result


def retried(request: Request) -> Request:
    result = get_retry_request(request, reason="test", spider=Quiet.from_crawler(get_crawler()))
    assert result is not None
    return result


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(Request.copy, id="copy"),
        pytest.param(copy.copy, id="copy.copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda request: request.replace(url="http://other.test/"), id="replace"),
        pytest.param(lambda request: request.replace(headers=request.headers), id="headers"),
        pytest.param(lambda request: pickle.loads(pickle.dumps(request)), id="pickle"),
        pytest.param(redirected, id="redirect"),
        pytest.param(retried, id="retry"),
        pytest.param(through_dict, id="dict"),
    ],
)
def test_spelling_and_order_survive(change: Callable[[Request], Request]) -> None:
    request = ExactRequest(URL, headers=WRITTEN)
    request.headers["x-new"] = "3"
    again = change(change(request))
    again.headers.setdefault("User-Agent", "default")

    assert type(again) is ExactRequest
    assert header_fields(again.headers) == [*LINES, (b"x-new", b"3")]


def test_a_change_to_a_copy_is_none_to_the_request() -> None:
    request = ExactRequest(URL, headers=WRITTEN)
    again = request.copy()
    again.headers["x-new"] = "3"
    again.headers.appendlist("accept", "c")

    assert header_fields(request.headers) == LINES


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda h: h.setdefault("Accept", "c"), LINES),
        (lambda h: h.setdefault("User-Agent", "c"), LINES),
        (lambda h: h.update({"user-AGENT": "c"}), [*LINES, (b"user-agent", b"c")]),
        (lambda h: h.update({"X-two": "c", "n": "d"}), [*LINES[:2], "c", LINES[3], (b"n", b"d")]),
        (
            lambda h: h.update({"x-API-KEY": ["1", "2"]}),
            [LINES[0], (b"x-API-key", b"2"), *LINES[1:]],
        ),
        (lambda h: h.update([("n", "1"), ("N", "2")]), [*LINES, (b"n", b"1"), (b"N", b"2")]),
        (lambda h: h.setlist("Accept", ["c"]), [LINES[0], (b"accept", b"c"), LINES[2]]),
        (lambda h: h.appendlist("Accept", "c"), [*LINES, (b"ACCEPT", b"c")]),
        (lambda h: h.appendlist("n-N", "c"), [*LINES, (b"n-N", b"c")]),
        (lambda h: h.pop("Accept"), [LINES[0], LINES[2]]),
        (lambda h: h.clear(), []),
    ],
)
def test_what_middlewares_do(
    change: Callable[[Headers], object], expected: list[tuple[bytes, bytes] | str]
) -> None:
    headers = ExactHeaders(WRITTEN)
    change(headers)

    assert headers.fields() == [(b"X-Two", b"c") if each == "c" else each for each in expected]


def test_what_is_removed_and_set_again_stands_where_it_did() -> None:
    headers = ExactHeaders(WRITTEN)
    del headers["x-two"]
    assert headers.fields() == [LINES[0], LINES[1], LINES[3]]
    headers["x-two"] = "2"
    assert headers.fields() == LINES


SETTERS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from("aAbBc"), st.integers(0, 3)),
    st.tuples(st.just("default"), st.sampled_from("aAbBc"), st.integers(0, 3)),
    st.tuples(st.just("append"), st.sampled_from("aAbBc"), st.integers(0, 3)),
    st.tuples(st.just("list"), st.sampled_from("aAbBc"), st.lists(st.integers(0, 3))),
    st.tuples(st.just("update"), st.sampled_from("aAbBc"), st.lists(st.integers(0, 3))),
    st.tuples(st.just("pop"), st.sampled_from("aAbBc"), st.none()),
)


@given(st.lists(st.tuples(st.sampled_from("aAbBc"), st.integers(0, 3))), st.lists(SETTERS))
def test_it_is_the_same_dict_as_scrapys(
    written: list[tuple[str, int]], steps: list[tuple[str, str, Any]]
) -> None:
    ours, scrapys = ExactHeaders(written), Headers(written)
    assert ours.fields() == [(name.encode(), str(value).encode()) for name, value in written]
    for what, name, value in steps:
        for headers in (ours, scrapys):
            match what:
                case "set":
                    headers[name] = value
                case "default":
                    headers.setdefault(name, value)
                case "append":
                    headers.appendlist(name, value)
                case "list":
                    headers.setlist(name, value)
                case "update":
                    headers.update([(name, value), (name.swapcase(), "x")])
                case _:
                    headers.pop(name, None)
    assert ours == scrapys
    # Whatever is in it is sent, and nothing else.
    found: dict[bytes, list[bytes]] = {}
    for sent, value in ours.fields():
        found.setdefault(sent.title(), []).append(value)
    assert found == {name: values for name, values in dict.items(scrapys) if values}
    again = pickle.loads(pickle.dumps(ours))
    assert (again, again.fields()) == (ours, ours.fields())


def test_headers_that_are_set_later() -> None:
    request = ExactRequest(URL)
    assert header_fields(request.headers) == []
    request.headers = dict(WRITTEN)
    assert header_fields(request.headers) == LINES
    request.headers = request.headers
    request.headers["ACCEPT"] = "c"
    assert header_fields(request.headers)[1] == (b"accept", b"c")
    request.headers = None
    assert header_fields(request.headers) == []


def test_headers_in_another_place_and_of_another_charset() -> None:
    fields = iter([("x-name", "\xe4")])
    request = ExactRequest(URL, None, "PUT", fields, "\xe4", encoding="latin-1")

    assert header_fields(request.headers) == [(b"x-name", b"\xe4")]
    assert (request.method, request.body) == ("PUT", b"\xe4")
    assert header_fields(request.copy().headers) == [(b"x-name", b"\xe4")]


def test_what_other_kinds_of_request_add_comes_after() -> None:
    json = ExactJsonRequest(URL, headers=WRITTEN, data={"a": 1})
    form = ExactFormRequest(URL, headers={"content-TYPE": "x"}, formdata={"a": "1"})
    call = ExactXmlRpcRequest(URL, methodname="m", params=("a",), headers=iter(WRITTEN))

    assert header_fields(json.headers) == [*LINES, (b"Content-Type", b"application/json")]
    assert header_fields(form.headers) == [(b"content-TYPE", b"x")]
    assert header_fields(call.headers) == [*LINES, (b"Content-Type", b"text/xml")]
    assert json.replace(data={"b": 2}).body == b'{"b": 2}'
    assert header_fields(through_dict(json).headers) == header_fields(json.headers)


def test_a_browsers_request_by_way_of_curl() -> None:
    request = ExactRequest.from_curl(f"curl {URL} -H 'sec-ch-ua: x' -H 'DNT: 1' -H 'accept: */*'")

    names = [name for name, _ in header_fields(request.headers)]
    assert names == [b"sec-ch-ua", b"DNT", b"accept"]


def test_to_scrapy_it_is_the_same_request() -> None:
    exact, plain = ExactRequest(URL, headers=WRITTEN[:4]), Request(URL, headers=WRITTEN[:4])

    assert exact.headers == plain.headers
    assert exact.headers["X-Api-Key"] == b"1"
    assert fingerprint(exact, include_headers=["x-api-key"]) == fingerprint(
        plain, include_headers=["x-api-key"]
    )
    assert exact.to_curl() == plain.to_curl()
    assert header_fields(plain.headers)[0] == (b"X-Api-Key", b"1")
