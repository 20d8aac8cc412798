"""Save the pictures of a page, with sockettools."""

import sys
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from sockettools.browser import Browser, Request
from sockettools.tasks.links import absolute, base_of
from sockettools.tasks.pages import open_page, read_page
from sockettools.url import parse_http_url


class Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.urls = []

    def handle_starttag(self, tag, attrs):
        if tag == "img" and "src" in dict(attrs):
            self.urls.append(absolute(base, dict(attrs)["src"], page.encoding))


with Browser() as browser:
    page = read_page(browser, Request(parse_http_url(sys.argv[1])))
    base = base_of(page.text, str(page.url))
    images = Images()
    images.feed(page.text)
    for url in dict.fromkeys(images.urls):
        with open_page(browser, Request(parse_http_url(url))) as response:
            picture = response.read(16_000_000)
        name = sha256(picture).hexdigest()
        Path(name).write_bytes(picture)
        print(url, len(picture), name)
