"""What the log's rows hold besides what `tests/contract/storage` shows."""

import sqlite3
import time
from pathlib import Path

from potluck.core.model import RequestId
from potluck.core.scheduling.explain import Candidate
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import CallStatus, RequestRecord


async def test_candidates_that_were_kept_with_their_names_are_still_read(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    record = RequestRecord(RequestId("r1"), 1000.0, "openai", "coder", CallStatus.OK, 200, 1.5)
    kept = '[{"engine":"agx0","chosen":true,"reason":"chosen","model":"coder:1b","run":0.5,"own":0.5}]'
    async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
        await storage.requests.add([record])
        with sqlite3.connect(file) as connection:
            connection.execute("update requests set candidates = ?", (kept,))
        connection.close()
        read = await storage.requests.get(record.id)
    assert read.candidates == (Candidate("agx0", "coder:1b", "chosen", 0.5, 0.5),)
    assert read.candidates[0].chosen
