"""Scrapy's own test suite for download handlers, run against any handler."""
