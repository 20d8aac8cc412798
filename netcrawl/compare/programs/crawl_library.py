"""Crawl all pages below a URL, one after the other, with sockettools."""

import sys
from urllib.parse import urldefrag

from sockettools.browser import Browser, Request
from sockettools.browser.charset import charset_of
from sockettools.tasks.links import absolute, base_of, links_by_html_parser
from sockettools.url import parse_http_url

start = sys.argv[1]
queue, seen = [start], {start}
with Browser() as browser:
    while queue:
        with browser.open(Request(parse_http_url(queue.pop(0)))) as response:
            body = response.read(16_000_000)
        if response.status_code != 200:
            continue
        url = str(response.url)
        print(url, len(body))
        encoding = charset_of(response.text_field("content-type"), body)
        text = body.decode(encoding, errors="replace")
        base = base_of(text, url)
        for anchor in links_by_html_parser(text):
            link = urldefrag(absolute(base, anchor.url, encoding) or "").url
            if link.startswith(start) and link not in seen:
                seen.add(link)
                queue.append(link)
