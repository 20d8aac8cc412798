from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from scrapy.pipelines.files import FilesPipeline, FSFilesStore
from scrapy.pipelines.images import ImagesPipeline

from netcrawl.frontier.whole_files import WholeFilesStore, keep_files_whole


def test_a_file_is_there_when_all_of_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = WholeFilesStore(str(tmp_path))

    def fail(self: Path, _: bytes) -> int:
        self.touch()
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(OSError, match="no room"):
            store.persist_file("full/a.bin", BytesIO(b"all"), None)
    assert [*(tmp_path / "full").iterdir()] == []

    store.persist_file("full/a.bin", BytesIO(b"all"), None)
    assert [path.read_bytes() for path in (tmp_path / "full").iterdir()] == [b"all"]


def test_scrapys_pipelines_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FilesPipeline, "STORE_SCHEMES", dict(FilesPipeline.STORE_SCHEMES))
    for scheme in ("", "file"):
        monkeypatch.setitem(FilesPipeline.STORE_SCHEMES, scheme, FSFilesStore)

    keep_files_whole()

    assert {ImagesPipeline.STORE_SCHEMES[scheme] for scheme in ("", "file")} == {WholeFilesStore}
