"""Text as bytes, whatever is in it: names of slots and reasons may come from the network."""

from __future__ import annotations


def encoded(text: str) -> bytes:
    """Return text as bytes, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    """Return what was ``encoded``."""
    return data.decode("utf-8", "surrogatepass")
