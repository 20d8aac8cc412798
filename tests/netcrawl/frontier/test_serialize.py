"""A request is the same after it was written and read, or it is said why it cannot be."""

from __future__ import annotations

import io
import pickle
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import FormRequest, Request, Spider
from scrapy.http import JsonRequest, XmlRpcRequest
from scrapy.http.request import NO_CALLBACK

from netcrawl.frontier.serialize import CannotRestore, CannotSerialize, RequestSerializer

if TYPE_CHECKING:
    from typing import Any

    from scrapy.http import Response

URL = "http://a.example/page?b=1&a=%20x"


class Shop(Spider):
    name = "shop"

    def parse_page(self, response: Response) -> None: ...

    def tell(self, failure: object) -> None: ...

    def __private(self, response: Response) -> None: ...

    def private_request(self) -> Request:
        return Request(URL, callback=self.__private)


class Lost(Spider):
    name = "lost"


def of_the_module(response: Response) -> None: ...


SHOP = Shop()


def attributes(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.attributes}


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request(URL), id="plain"),
        pytest.param(
            Request(URL, callback=SHOP.parse_page, errback=SHOP.tell), id="spiders-methods"
        ),
        pytest.param(SHOP.private_request(), id="private-method"),
        pytest.param(Request(URL, callback=of_the_module), id="modules-function"),
        pytest.param(Request(URL, callback=NO_CALLBACK), id="no-callback"),
        pytest.param(
            Request(
                URL,
                method="PUT",
                headers={"X-A": ["1", "2"], "Referer": "http://b.example/"},
                body="käse",
                cookies={"a": "b"},
                meta={"depth": 3, "deep": [{"a": (1, None)}]},
                encoding="latin-1",
                priority=-7,
                dont_filter=True,
                flags=["one"],
                cb_kwargs={"n": 1},
            ),
            id="everything",
        ),
        pytest.param(Request("http://a.example/%7E x", meta={"verbatim_url": True}), id="verbatim"),
        pytest.param(FormRequest(URL, formdata={"a": "b"}), id="form"),
        pytest.param(JsonRequest(URL, data={"a": 1}, dumps_kwargs={"indent": 1}), id="json"),
        pytest.param(
            XmlRpcRequest(URL, methodname="m", params=(1,), dont_filter=False), id="xml-rpc"
        ),
        pytest.param(
            Request(URL, cb_kwargs={"then": SHOP.parse_page, "of": SHOP}), id="spider-in-arguments"
        ),
    ],
)
def test_what_is_read_is_what_was_written(request_: Request) -> None:
    serializer = RequestSerializer(SHOP)

    read = serializer.loads(serializer.dumps(request_))

    assert type(read) is type(request_)
    assert attributes(read) == attributes(request_)


@given(
    meta=st.dictionaries(st.text(), st.integers() | st.text() | st.binary()),
    body=st.binary(),
    priority=st.integers(-1000, 1000),
    dont_filter=st.booleans(),
)
def test_any_request_is_the_same_again(
    meta: dict[str, Any], body: bytes, priority: int, dont_filter: bool
) -> None:
    meta.pop("verbatim_url", None)
    request = Request(URL, meta=meta, body=body, priority=priority, dont_filter=dont_filter)
    serializer = RequestSerializer(SHOP)

    assert attributes(serializer.loads(serializer.dumps(request))) == attributes(request)


def test_a_callback_is_the_one_of_the_spider_that_reads() -> None:
    data = RequestSerializer(SHOP).dumps(Request(URL, callback=SHOP.parse_page))
    other = Shop()

    assert RequestSerializer(other).loads(data).callback == other.parse_page


class Stubborn:
    def __reduce__(self) -> str:
        raise ZeroDivisionError("not me")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(Request(URL, callback=lambda _: None), "lambda", id="lambda"),
        pytest.param(
            Request(URL, callback=Shop().parse_page), "not a method of the spider", id="others"
        ),
        pytest.param(Request(URL, errback=lambda _: None), "lambda", id="errback"),
        pytest.param(
            Request(URL, meta={"file": io.TextIOWrapper(io.BytesIO())}), "TextIOWrapper", id="file"
        ),
        pytest.param(Request(URL, meta={"a": Stubborn()}), "not me", id="refuses"),
        pytest.param(
            Request(URL, callback=partial(lambda _: None)), "lambda", id="partial-of-lambda"
        ),
    ],
)
def test_what_cannot_be_written_is_said(request_: Request, reason: str) -> None:
    with pytest.raises(CannotSerialize, match=reason):
        RequestSerializer(SHOP).dumps(request_)


def test_a_method_that_the_spider_does_not_have() -> None:
    spider = Shop()
    callback = of_the_module.__get__(spider)

    with pytest.raises(CannotSerialize, match="the spider has no method"):
        RequestSerializer(spider).dumps(Request(URL, callback=callback))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(
            RequestSerializer(SHOP).dumps(Request(URL, callback=SHOP.parse_page)),
            "the spider 'lost' has no method 'parse_page'",
            id="method-gone",
        ),
        pytest.param(b"", "Ran out of input", id="empty"),
        pytest.param(pickle.dumps("text"), "unpack", id="something-else"),
        pytest.param(
            pickle.dumps((None, "no url", None, None, {})), "Missing scheme", id="no-request"
        ),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(CannotRestore, match=reason):
        RequestSerializer(Lost()).loads(data)
