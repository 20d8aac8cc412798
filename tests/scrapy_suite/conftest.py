"""Keep the project's test run from importing what only Scrapy's tree can import."""

collect_ignore = ["handler_suite.py"]
