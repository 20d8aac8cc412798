"""Items as a job keeps them: pickled, since they can be of any class."""

from __future__ import annotations

import pickle
from typing import Any

_PROTOCOL = 5


class UnkeepableItem(Exception):
    """An item cannot be kept; the text says why, in one line."""


class UnreadableItem(Exception):
    """An item that was kept cannot be made an object again; the text says why, in one line."""


def dump_item(item: Any) -> bytes:
    """Return what ``load_item`` makes the item of again.

    Raises:
        UnkeepableItem: its class, or what is in it, cannot be pickled.
    """
    try:
        return pickle.dumps(item, _PROTOCOL)
    except Exception as exc:  # whatever the __reduce__ of anything raises
        raise UnkeepableItem(f"an item cannot be kept, {type(item).__qualname__}: {exc}") from exc


def load_item(data: bytes) -> Any:
    """Return the item. What is read must be the job's own: see pickle.

    Raises:
        UnreadableItem: its class is not to be found, or does not take what was kept.
    """
    try:
        return pickle.loads(data)  # noqa: S301 - the job's own, from a folder of its owner's
    except Exception as exc:  # whatever the __setstate__ of anything raises
        raise UnreadableItem(
            f"an item cannot be read ({type(exc).__name__}: {exc}); its class has to be found "
            "under the name that it had in the crawl"
        ) from exc
