"""Crawl all pages below a URL, as a spider."""

import re

import scrapy
from scrapy.linkextractors import LinkExtractor


class CrawlSpider(scrapy.Spider):
    name = "crawl"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        yield {"url": response.url, "size": len(response.body)}
        links = LinkExtractor(re.escape(self.url), canonicalize=True)
        for link in links.extract_links(response):
            yield scrapy.Request(link.url)
