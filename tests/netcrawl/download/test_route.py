from __future__ import annotations

import pytest
from scrapy import Request

from netcrawl.download.route import Destination, Endpoint, Route, destination_of

PLAIN = Endpoint("h.test", 80, is_tls=False)
SECURE = Endpoint("h.test", 443, is_tls=True)
PROXY = Endpoint("proxy.test", 3128, is_tls=False)


@pytest.mark.parametrize(
    ("url", "proxy", "expected"),
    [
        pytest.param(
            "http://h.test/a;b?c#d",
            None,
            Destination(Route(PLAIN), b"/a;b?c", b"h.test", to_proxy=False),
            id="straight",
        ),
        pytest.param(
            "HTTPS://user:secret@H.test:443",
            None,
            Destination(Route(SECURE), b"/", b"h.test", to_proxy=False),
            id="TLS",
        ),
        pytest.param(
            "http://[::1]:443/",
            None,
            Destination(
                Route(Endpoint("::1", 443, is_tls=False)), b"/", b"[::1]:443", to_proxy=False
            ),
            id="the port of another scheme",
        ),
        pytest.param(
            "http://user:secret@h.test?q#f",
            "http://proxy.test:3128",
            Destination(Route(PROXY), b"http://h.test?q", b"h.test", to_proxy=True),
            id="through a proxy",
        ),
        pytest.param(
            "https://h.test/a",
            "http://proxy.test:3128/",
            Destination(Route(PROXY, SECURE, b"Basic x"), b"/a", b"h.test", to_proxy=False),
            id="through a tunnel",
        ),
    ],
)
def test_destinations(url: str, proxy: str | None, expected: Destination) -> None:
    request = Request(url, headers={"Proxy-Authorization": "Basic x"}, meta={"verbatim_url": True})

    assert destination_of(request, proxy, None) == expected


def test_what_is_bound_to_another_address_goes_another_way() -> None:
    one, two = (
        destination_of(Request("http://h.test/"), None, (host, 0)).route
        for host in ("127.0.0.1", "127.0.0.2")
    )

    assert one != two
