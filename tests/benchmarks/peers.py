"""The same two crawls by others than Scrapy: Crawlee, and a bare socket in a loop.

``python -m tests.benchmarks.peers crawlee|socket links|words URL FEED``. Crawlee is not among this
project's requirements; any Python that has it does, with this folder's parent on its path.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter, deque
from pathlib import Path
from urllib.parse import urldefrag, urljoin

TEXTS = "//body//text()[not(ancestor::script or ancestor::style or ancestor::template)]"


def by_crawlee(job: str, url: str, feed: str) -> None:
    """Follow links with a ParselCrawler, whose queue and results stay in memory."""
    from crawlee import ConcurrencySettings, Request
    from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
    from crawlee.storage_clients import MemoryStorageClient

    site = "/".join(url.split("/")[:3]) + "/"
    counts: Counter[str] = Counter()

    async def run() -> None:
        crawler = ParselCrawler(
            storage_client=MemoryStorageClient(),
            concurrency_settings=ConcurrencySettings(max_concurrency=16, desired_concurrency=16),
        )

        @crawler.router.default_handler
        async def handle(context: ParselCrawlingContext) -> None:
            page = context.request.url
            selector = context.selector
            if job == "words":
                counts.update("".join(selector.xpath(TEXTS).getall()).split())
            else:
                for position, link in enumerate(selector.css("a"), 1):
                    href = link.attrib.get("href")
                    row = {
                        "page": page,
                        "position": position,
                        "url": None if href is None else urljoin(page, href),
                        "text": " ".join("".join(link.css("::text").getall()).split()),
                        "rel": link.attrib.get("rel", ""),
                        "tag": link.get(),
                        "attributes": dict(link.attrib),
                    }
                    out.write(json.dumps(row) + "\n")
            urls = (urljoin(page, href) for href in selector.css("a::attr(href)").getall())
            found = dict.fromkeys(urldefrag(url)[0] for url in urls if url.startswith(site))
            await context.add_requests([Request.from_url(url) for url in found])

        await crawler.run([url])

    with Path(feed).open("w", encoding="utf-8") as out:
        asyncio.run(run())
    _tell(counts)


def by_socket(job: str, url: str, feed: str) -> None:
    """Follow links on one keep-alive connection: all that Python has to do, and no more.

    It knows one server, which answers with a Content-Length, and nothing that can go wrong.
    """
    from selectolax.lexbor import LexborHTMLParser

    site = "/".join(url.split("/")[:3])
    host, port = site.removeprefix("http://").split(":")
    seen, queue = {url}, deque([url])
    counts: Counter[str] = Counter()
    with (
        socket.create_connection((host, int(port))) as connection,
        Path(feed).open("w", encoding="utf-8") as out,
    ):
        received = bytearray()
        while queue:
            page = queue.popleft()
            target = page[len(site) :]
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            while (end := received.find(b"\r\n\r\n")) < 0:
                received += connection.recv(65536)
            head = bytes(received[:end])
            del received[: end + 4]
            size = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            while len(received) < size:
                received += connection.recv(65536)
            tree = LexborHTMLParser(bytes(received[:size]).decode())
            del received[:size]
            hrefs = []
            for position, link in enumerate(tree.css("a"), 1):
                attributes = link.attributes
                href = attributes.get("href")
                absolute = None if href is None else urljoin(page, href)
                hrefs.append(absolute)
                if job == "links":
                    row = {
                        "page": page,
                        "position": position,
                        "url": absolute,
                        "text": " ".join(link.text().split()),
                        "rel": attributes.get("rel", ""),
                        "tag": link.html,
                        "attributes": attributes,
                    }
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
            if job == "words":
                assert tree.body is not None
                counts.update(tree.body.text().split())
            for found in hrefs:
                if found is not None and found.startswith(site + "/"):
                    plain = found.partition("#")[0]
                    if plain not in seen:
                        seen.add(plain)
                        queue.append(plain)
    _tell(counts)


def _tell(counts: Counter[str]) -> None:
    for word, count in counts.items():
        print(word, count, sep="\t")


WAYS = {"crawlee": by_crawlee, "socket": by_socket}


def main() -> None:
    """Crawl; the words go to standard output."""
    way, job, url, feed = sys.argv[1:]
    WAYS[way](job, url, feed)


if __name__ == "__main__":
    main()
