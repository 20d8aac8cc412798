"""Bodies of any size, the same on every machine for ever, out of nothing.

They do not compress and no two blocks are alike, so a block that is lost, or in the wrong place,
cannot be overlooked; and any part of one can be had without what stands before it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Octets. A longer output of SHAKE costs no less each, and a shorter one more.
BLOCK = 65_536


def octets(start: int, stop: int, seed: str = "") -> Iterator[bytes]:
    """Yield the octets from ``start`` up to ``stop`` of the body that ``seed`` names.

    >>> b"".join(octets(65_530, 65_540)) == b"".join(octets(0, 65_540))[-10:]
    True
    """
    while start < stop:
        number, offset = divmod(start, BLOCK)
        size = min(BLOCK - offset, stop - start)
        block = hashlib.shake_128(f"{seed}/{number}".encode()).digest(BLOCK)
        yield block[offset : offset + size]
        start += size
