"""Follow the link at a position, again and again, as a spider."""

import scrapy


class FollowSpider(scrapy.Spider):
    name = "follow"

    async def start(self):
        yield {"url": self.url}
        yield scrapy.Request(self.url, cb_kwargs={"left": int(self.count)})

    def parse(self, response, left):
        anchor = response.css("a")[int(self.position) - 1]
        url = response.urljoin(anchor.attrib["href"])
        yield {"url": url}
        if left > 1:
            yield scrapy.Request(url, cb_kwargs={"left": left - 1}, dont_filter=True)
