"""Count the words of a page, as a spider."""

from collections import Counter

import scrapy


class WordsSpider(scrapy.Spider):
    name = "words"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        counts = Counter(response.text.split())
        for word in sorted(counts):
            yield {"word": word, "count": counts[word]}
