"""The jobs of ``scrapy compare --job`` as programs, each in three ways.

``JOB_sockets.py`` is written as in the chapter, with the standard library alone; ``JOB_library.py``
with sockettools; ``JOB_spider.py`` is a spider, run by ``scrapy runspider``. They are what somebody
would write who has the job to do once: from top to bottom, without types, and with no more care for
errors than that no wrong answer looks like a right one. The comparison runs them, and counts their
lines. Each takes the URL as its first argument, and prints its answer line by line; the spiders
yield items with the same values.
"""
