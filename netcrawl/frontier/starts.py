"""A spider's starts, of which each is taken in once, over all runs of a job.

``start()`` runs again in each run. What an earlier one has taken in is left out.
"""

from __future__ import annotations

import json
import pickle
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from itemadapter import ItemAdapter
from scrapy import Request
from scrapy.utils.asyncio import sleep

from netcrawl.frontier.serialize import CannotSerialize
from netcrawl.frontier.tracking import StartItem, current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from netcrawl.frontier.serialize import RequestSerializer
    from netcrawl.frontier.store import Store

_KEY_SIZE = 20

# How many starts are left out before something else has its turn.
_AT_A_TIME = 500


class Starts:
    """Tells those that are new, and knows the key of each until it is recorded."""

    def __init__(
        self,
        store: Store,
        serializer: RequestSerializer,
        fingerprint: Callable[[Request], bytes],
    ) -> None:
        self._store = store
        self._serializer = serializer
        self._fingerprint = fingerprint
        self._given: tuple[Request, bytes] | None = None

    def key_of(self, request: Request) -> bytes | None:
        """Return the key of a start that the engine was given just now; None if it is none."""
        given, self._given = self._given, None
        return given[1] if given is not None and given[0] is request else None

    async def new(self, outputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the starts that no earlier run has taken in."""
        left_out = 0
        async for output in outputs:
            key = self._key(output)
            if key is not None and self._store.was_start(key):
                left_out += 1
                if left_out % _AT_A_TIME == 0:
                    await sleep(0)
                continue
            if key is not None:
                if isinstance(output, Request):
                    self._given = output, key
                else:
                    current.set(StartItem(key))
            yield output
            current.set(None)

    def _key(self, output: Any) -> bytes | None:
        digest = blake2b(digest_size=_KEY_SIZE)
        if isinstance(output, Request):
            digest.update(self._fingerprint(output))
            digest.update(self._name(output).encode())
            return digest.digest()
        try:
            digest.update(_text(output).encode("utf-8", "surrogatepass"))
        except Exception:  # noqa: BLE001 - it cannot be kept either, which is told elsewhere
            return None
        return digest.digest()

    def _name(self, request: Request) -> str:
        try:
            name = self._serializer.name(request.callback)
        except CannotSerialize:
            name = request.callback
        return name if isinstance(name, str) else getattr(name, "__qualname__", "")


def _text(item: Any) -> str:
    """Return what is the same for the same item in each process; pickle goes by hash order."""
    fields = ItemAdapter(item).asdict()
    return f"{type(item).__qualname__} {json.dumps(fields, sort_keys=True, default=_plain)}"


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    return pickle.dumps(value, 5).hex()
