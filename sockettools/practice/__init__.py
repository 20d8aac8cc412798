"""The practice web, from this machine: the chapter's pages, some to crawl, and wild ones."""

from sockettools.practice.server import PracticeServer

__all__ = ["PracticeServer"]
