from __future__ import annotations

import pytest

from sockettools.protocols.imap import dialogue
from tests.sockettools.protocols.imap.talking import MAX_RESPONSES


@pytest.fixture(autouse=True)
def fewer_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "MAX_RESPONSES", MAX_RESPONSES)
