"""Print where the links of a page lead, as a spider."""

import scrapy


class LinksSpider(scrapy.Spider):
    name = "links"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        for href in response.css("a::attr(href)").getall():
            yield {"url": response.urljoin(href)}
