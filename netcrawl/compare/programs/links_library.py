"""Print where the links of a page lead, with sockettools."""

import sys

from sockettools.browser import Browser, Request
from sockettools.tasks.links import absolute, base_of, links_by_html_parser
from sockettools.tasks.pages import read_page
from sockettools.url import parse_http_url

with Browser() as browser:
    page = read_page(browser, Request(parse_http_url(sys.argv[1])))
base = base_of(page.text, str(page.url))
for anchor in links_by_html_parser(page.text):
    if anchor.url is not None:
        print(absolute(base, anchor.url, page.encoding))
