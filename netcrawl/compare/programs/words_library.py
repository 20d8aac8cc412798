"""Count the words of a page, with sockettools."""

import sys

from sockettools.browser import Browser, Request
from sockettools.tasks.words import count_words_of
from sockettools.url import parse_http_url

with Browser() as browser:
    counts = count_words_of(browser, Request(parse_http_url(sys.argv[1])))
for word in sorted(counts):
    print(word, counts[word])
