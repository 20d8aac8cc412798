"""Files that a pipeline makes itself, beside those that it has downloaded."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from netcrawl.pipelines.store import StoreError

if TYPE_CHECKING:
    from netcrawl.pipelines.store import Store


def replace_file(store: Store, path: str, data: bytes) -> None:
    """Write a file in the store, in the place of an earlier one, in a single step.

    Raises:
        StoreError: it cannot be written.
    """
    target = store.root / path
    # Named as the store names partial files, which it clears away if this one is left.
    partial = store.partial / secrets.token_hex(16)
    try:
        # Links are followed also where what they lead to is not there yet.
        if not target.parent.resolve().is_relative_to(store.root.resolve()):
            raise StoreError(f"{path} in store {store.shown}: its folder is a link to elsewhere")
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as exc:
        with contextlib.suppress(OSError):
            partial.unlink()
        reason = exc.strerror or exc
        raise StoreError(f"{path} in store {store.shown} cannot be written: {reason}") from exc
