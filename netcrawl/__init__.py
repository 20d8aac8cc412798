"""The chapter's network programs on a framework: Scrapy spiders and the parts they need."""
