"""The practice web: the pages that the chapter's programs work on, served from this machine."""

from sockettools.practice.server import PracticeServer

__all__ = ["PracticeServer"]
