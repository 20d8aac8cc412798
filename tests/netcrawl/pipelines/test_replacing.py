from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netcrawl.pipelines.replacing import replace_file
from netcrawl.pipelines.store import Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_leads_out_of_the_store_is_not_written_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store = Store(tmp_path / "store")
    (store.root / "thumbs").symlink_to(outside)

    with pytest.raises(StoreError, match="a link to elsewhere"):
        replace_file(store, "thumbs/5/a.jpg", b"x")
    store.close()

    assert list(outside.iterdir()) == []
