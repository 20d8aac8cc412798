"""Follow the link at a position, again and again, with sockettools."""

import sys

from sockettools.browser import Browser, Request
from sockettools.tasks.follow import follow
from sockettools.url import parse_http_url

start = Request(parse_http_url(sys.argv[1]))
with Browser() as browser:
    for url in follow(browser, start, position=int(sys.argv[2]), count=int(sys.argv[3])):
        print(url)
