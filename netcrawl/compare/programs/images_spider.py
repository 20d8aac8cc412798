"""Save the pictures of a page, as a spider."""

from hashlib import sha256
from pathlib import Path

import scrapy


class ImagesSpider(scrapy.Spider):
    name = "images"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        for src in response.css("img::attr(src)").getall():
            url = response.urljoin(src)
            yield scrapy.Request(url, self.save, cb_kwargs={"url": url})

    def save(self, response, url):
        name = sha256(response.body).hexdigest()
        Path(name).write_bytes(response.body)
        yield {"url": url, "size": len(response.body), "sha256": name}
