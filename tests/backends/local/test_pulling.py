"""Pulls of the embedded engine, from a server with every bad habit. No process is started here."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from potluck.backends.local.hub import Hub
from potluck.backends.local.library import Library
from potluck.backends.local.part import PULLS, Part
from potluck.backends.local.pulling import Puller, read_record
from potluck.backends.outward import Outward
from potluck.backends.port import PullOrder, Weight
from potluck.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    ModelNotFound,
    NodeBusy,
    NodeFailed,
    NodeUnreachable,
    NoRoom,
    OperatorError,
)
from potluck.core.model import JsonObject
from tests.backends.files_on_the_web import WebServer, sha256, web_server
from tests.backends.local.gguf_files import CHAT, gguf

DATA = gguf({**CHAT, "general.license": "mit"}, tensors=bytes(3_000_000))
MANY = 10**12


@dataclass
class Home:
    """A puller with its folder, and the server it pulls from. ``free`` is the disk's; ``pauses`` are not waited for."""

    folder: Path
    web: WebServer
    puller: Puller = field(init=False)
    free: list[int] = field(default_factory=lambda: [MANY])
    pauses: list[float] = field(default_factory=list)

    def on(self, outward: Outward, token: str = "") -> Home:
        hub = Hub(outward, self.web.url, token)
        self.puller = Puller(self.folder, outward, hub, now=time.time, free=self._free, pause=self._pause)
        return self

    def _free(self, folder: Path) -> int:
        return self.free.pop(0) if len(self.free) > 1 else self.free[0]

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def url(self, path: str = "/m.gguf") -> str:
        return self.web.url + path

    async def pull(self, name: str, **how: object) -> list[JsonObject]:
        order = PullOrder(name, **{"inside": True, **how})  # type: ignore[arg-type]
        return [step async for step in self.puller.pull(order)]

    async def stop_after(self, bytes_here: int, name: str) -> None:
        """Pull, and leave once so much is here."""
        async with aclosing(self.puller.pull(PullOrder(name, inside=True))) as steps:
            async for step in steps:
                if int(str(step.get("completed", 0))) >= bytes_here:
                    return

    def ids(self) -> list[str]:
        return [weights.id for weights in Library(self.folder, shipped=None).scan()]

    def file(self) -> bytes:
        return (self.folder / "m" / "latest.gguf").read_bytes()

    def starts(self) -> list[int]:
        """Where each request for the file wanted to begin."""
        return [int(asked.removeprefix("bytes=").rstrip("-") or 0) for asked in self.web.ranges("/m.gguf")]

    def parts(self) -> dict[str, int]:
        return {path.suffix: path.stat().st_size for path in (self.folder / PULLS).glob("*")}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with web_server() as web, Outward() as outward:
        web.put("/m.gguf", DATA)
        yield Home(tmp_path / "models", web).on(outward)


# --- a pull that goes well ---


async def test_a_url_becomes_a_model_and_its_licence_is_told(home: Home) -> None:
    steps = await home.pull(home.url())
    assert home.ids() == ["m:latest"]
    assert home.file() == DATA
    assert steps[0] == {"status": "pulling manifest"}
    assert steps[-1] == {"status": "success", "model": "m:latest"}
    assert {"status": "license mit", "license": "mit"} in steps
    progress = [step for step in steps if "total" in step]
    assert {step["total"] for step in progress} == {len(DATA)}
    assert progress[-1]["completed"] == len(DATA)
    assert home.parts() == {}


async def test_an_alias_is_what_it_is_called(home: Home) -> None:
    assert (await home.pull(home.url(), alias="me/mine:7b"))[-1]["model"] == "me/mine:7b"
    assert home.ids() == ["me/mine:7b"]
    with pytest.raises(BadRequest, match="not a name"):
        await home.pull(home.url(), alias="../x")


async def test_a_hubs_repository_gives_file_checksum_and_licence(home: Home) -> None:
    home.web.repository("me/tiny", {"tiny-Q8_0.gguf": b"no", "tiny-Q4_K_M.gguf": DATA}, licence="llama3.2")
    steps = await home.pull("hf.co/me/tiny")
    assert steps[1] == {"status": "license llama3.2", "license": "llama3.2"}
    assert {step.get("digest") for step in steps if "total" in step} == {f"sha256:{sha256(DATA)}"}
    assert home.ids() == ["hf.co/me/tiny:latest"]
    await home.pull("hf:me/tiny/tiny-Q4_K_M.gguf")
    assert home.ids() == ["hf.co/me/tiny:Q4_K_M", "hf.co/me/tiny:latest"]


async def test_what_is_here_already_is_not_fetched_again(home: Home) -> None:
    await home.pull(home.url())
    home.web.asked.clear()
    steps = await home.pull(home.url())
    assert steps[-1] == {"status": "success", "model": "m:latest"}
    assert [asked.headers.get("if-none-match") for asked in home.web.asked] == [home.web.files["/m.gguf"].etag]
    await home.pull(home.url(), sha256=sha256(DATA))
    assert len(home.web.asked) == 1


async def test_a_file_that_changed_on_the_server_replaces_the_old_one(home: Home) -> None:
    await home.pull(home.url())
    newer = gguf(CHAT, tensors=bytes(1000))
    home.web.put("/m.gguf", newer)
    await home.pull(home.url())
    assert home.file() == newer


async def test_a_record_of_a_file_that_is_gone_counts_for_nothing(home: Home) -> None:
    await home.pull(home.url())
    (home.folder / "m" / "latest.gguf").unlink()
    await home.pull(home.url())
    assert home.file() == DATA


async def test_a_size_is_known_before_and_so_is_what_is_here(home: Home) -> None:
    order = PullOrder(home.url(), inside=True)
    assert await home.puller.weigh(order) == Weight(len(DATA), 0)
    await home.stop_after(1_000_000, home.url())
    weight = await home.puller.weigh(order)
    assert weight is not None
    assert weight.have_bytes >= 1_000_000
    home.web.repository("me/tiny", {"tiny-Q4_K_M.gguf": DATA})
    assert await home.puller.weigh(PullOrder("hf.co/me/tiny")) == Weight(len(DATA), 0)
    assert await home.puller.weigh(PullOrder("llama3.2")) is None
    home.web.put("/lengthless.gguf", DATA, lengthless=True)
    assert await home.puller.weigh(PullOrder(home.url("/lengthless.gguf"), inside=True)) is None


# --- broken off, and gone on ---


async def test_a_pull_that_was_left_goes_on_where_it_was(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    here = home.parts()[".part"]
    assert home.ids() == []
    steps = await home.pull(home.url())
    assert home.web.ranges("/m.gguf") == ["", f"bytes={here}-"]
    assert home.web.asked[-1].headers["if-range"] == home.web.files["/m.gguf"].etag
    assert next(step["completed"] for step in steps if "total" in step) == here
    assert home.file() == DATA


async def test_a_line_that_breaks_is_tried_again_from_there(home: Home) -> None:
    home.web.put("/m.gguf", DATA, cuts=[1_500_000, 1_000_000])
    steps = await home.pull(home.url())
    first, second, third = home.starts()
    assert first == 0 < second < third  # what a library had in its hands when the line broke may be lost
    assert home.pauses == [1.0, 1.0]
    assert {"status": "the line broke, going on in 1 s"} in steps
    assert home.file() == DATA


async def test_a_server_that_hangs_up_on_who_comes_back_costs_nothing_of_what_is_here(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    here = home.parts()[".part"]
    home.web.hang_ups = 2
    await home.pull(home.url())
    assert home.starts()[1:] == [here, here, here]
    assert home.file() == DATA


async def test_a_line_that_brings_nothing_is_given_up_and_what_is_here_stays(home: Home) -> None:
    home.web.put("/m.gguf", DATA, cuts=[1_000_000, *([0] * 9)])
    with pytest.raises(NodeUnreachable) as caught:
        await home.pull(home.url())
    assert "what is here is kept" in caught.value.hint
    assert home.pauses == [1.0, 2.0, 4.0, 8.0]
    here = home.parts()[".part"]
    assert here > 0
    home.web.files["/m.gguf"].cuts.clear()
    await home.pull(home.url())
    assert home.starts()[-1] == here
    assert home.file() == DATA


async def test_a_file_that_changed_meanwhile_is_begun_anew(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    newer = gguf(CHAT, tensors=bytes(2_500_000))
    home.web.put("/m.gguf", newer)
    await home.pull(home.url())
    assert home.file() == newer


async def test_so_it_is_if_the_server_overlooks_that_it_changed(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    newer = gguf(CHAT, tensors=bytes(3_000_000))
    home.web.put("/m.gguf", newer, ignores_if_range=True)
    await home.pull(home.url())
    assert home.file() == newer


async def test_a_server_without_ranges_or_etags_is_asked_for_all_of_it_again(home: Home) -> None:
    for how in ({"ranges": False}, {"etag": ""}):
        home.web.put("/m.gguf", DATA, cuts=[1_000_000], **how)
        await home.pull(home.url())
        assert home.file() == DATA
        (home.folder / "m" / "latest.gguf").unlink()


async def test_a_part_that_is_whole_already_needs_no_more_bytes(home: Home) -> None:
    await home.stop_after(len(DATA), home.url())
    assert home.parts()[".part"] == len(DATA)
    await home.pull(home.url())
    assert home.web.ranges("/m.gguf")[-1] == f"bytes={len(DATA)}-"
    assert home.file() == DATA


async def test_a_part_longer_than_the_file_is_begun_anew(home: Home) -> None:
    await home.stop_after(len(DATA), home.url())
    shorter = gguf(CHAT, tensors=bytes(1000))
    home.web.put("/m.gguf", shorter, etag=home.web.files["/m.gguf"].etag)
    await home.pull(home.url())
    assert home.file() == shorter


async def test_a_server_that_sends_another_part_is_not_believed(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    home.web.put("/m.gguf", DATA, lies_about_range=True)
    with pytest.raises(NodeFailed, match="another part"):
        await home.pull(home.url())
    assert home.ids() == []


async def test_a_kill_in_the_middle_leaves_what_can_go_on(home: Home) -> None:
    """As after a power cut: the part is shorter than its note says, or longer with holes in it."""
    await home.stop_after(1_000_000, home.url())
    part = next((home.folder / PULLS).glob("*.part"))
    with part.open("r+b") as file:
        file.truncate(700_001)
    await home.stop_after(1_500_000, home.url())
    assert home.starts()[-1] == 700_001
    here = part.stat().st_size
    with part.open("ab") as file:
        file.write(b"\xff" * 100_000)
    await home.pull(home.url())
    assert home.starts()[-1] == here
    assert home.file() == DATA


async def test_a_note_that_cannot_be_read_costs_the_part_and_nothing_else(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    for note in (home.folder / PULLS).glob("*.json"):
        note.write_text("{")
    await home.pull(home.url())
    assert home.starts() == [0, 0]
    assert home.file() == DATA


async def test_a_long_download_is_made_safe_on_the_way(home: Home) -> None:
    big = gguf(CHAT, tensors=bytes(40 << 20))
    held = home.web.put("/m.gguf", big, hold=asyncio.Event(), hold_after=35 << 20)
    assert held.hold is not None
    async with aclosing(home.puller.pull(PullOrder(home.url(), inside=True))) as steps:
        while int(str((await anext(steps)).get("completed", 0))) < 33 << 20:
            pass
        note = next((home.folder / PULLS).glob("*.json")).read_text()
        assert int(note.partition('"safe":')[2].rstrip("}")) >= 32 << 20
        held.hold.set()


async def test_parts_that_nobody_went_on_with_are_forgotten(home: Home) -> None:
    await home.stop_after(1_000_000, home.url())
    for path in (home.folder / PULLS).glob("*"):
        os.utime(path, (1, 1))
    await home.stop_after(2_000_000, home.url())
    assert home.web.ranges("/m.gguf")[-1].startswith("bytes=1")
    for path in (home.folder / PULLS).glob("*"):
        os.utime(path, (1, 1))
    home.web.put("/other.gguf", DATA)
    await home.pull(home.url("/other.gguf"))
    assert home.parts() == {}


async def test_one_name_is_pulled_from_one_place_at_a_time(home: Home) -> None:
    held = home.web.put("/held.gguf", DATA, hold=asyncio.Event(), hold_after=1_000_000)
    assert held.hold is not None
    async with aclosing(home.puller.pull(PullOrder(home.url("/held.gguf"), alias="m", inside=True))) as steps:
        while "total" not in await anext(steps):
            pass
        with pytest.raises(Conflict, match="already"):
            await home.pull(home.url())
        with pytest.raises(Conflict, match="already"):
            await home.pull(home.url("/held.gguf"), alias="other")
        held.hold.set()
        assert [step async for step in steps][-1]["status"] == "success"


async def test_a_url_is_asked_for_as_it_was_written(home: Home) -> None:
    home.web.put("/a%2Bb%20c/m.gguf", DATA)
    await home.pull(home.url("/a%2Bb%20c/m.gguf?sig=%2f%2F"))
    home.web.put("/d%20e/n.gguf", DATA)
    await home.pull(home.url("/d e/n.gguf"))
    assert home.ids() == ["m:latest", "n:latest"]


# --- what is not accepted ---


@pytest.mark.parametrize("data", [b"<html>sign in</html>", b"GG", b"PK\x03\x04" + bytes(3_000_000), b""])
async def test_what_is_no_gguf_is_refused_at_its_first_bytes(home: Home, data: bytes) -> None:
    home.web.put("/m.gguf", data)
    with pytest.raises(BadRequest, match="not a GGUF file"):
        await home.pull(home.url())
    assert home.ids() == []
    assert home.parts() == {}


async def test_a_file_whose_head_is_broken_is_refused(home: Home) -> None:
    home.web.put("/m.gguf", DATA[:100])
    with pytest.raises(BadRequest, match="in the middle of its metadata"):
        await home.pull(home.url())
    home.web.put("/m.gguf", gguf({"general.architecture": "clip"}))
    with pytest.raises(BadRequest, match="projector"):
        await home.pull(home.url())
    assert (home.ids(), home.parts()) == ([], {})


async def test_a_wrong_checksum_throws_the_file_away(home: Home) -> None:
    other = sha256(b"other")
    for name, how in ((home.url(), {"sha256": other}), (f"{home.url()}#sha256={other}", {})):
        with pytest.raises(NodeFailed, match="SHA-256"):
            await home.pull(name, **how)
    assert (home.ids(), home.parts()) == ([], {})
    await home.pull(f"{home.url()}#sha256={sha256(DATA)}")
    assert home.ids() == ["m:latest"]


async def test_a_hub_that_sends_other_bytes_than_it_promised_is_not_believed(home: Home) -> None:
    home.web.repository("me/tiny", {"tiny-Q4_K_M.gguf": DATA})
    home.web.put(f"/cdn/{sha256(DATA)}", gguf(CHAT, tensors=bytes(len(DATA))))
    with pytest.raises(NodeFailed, match="SHA-256"):
        await home.pull("hf.co/me/tiny")
    home.web.redirects["/m.gguf"] = "/real.gguf"
    home.web.redirect_headers = {"x-linked-etag": f'"{sha256(DATA)}"'}
    home.web.put("/real.gguf", gguf(CHAT))
    with pytest.raises(NodeFailed, match="SHA-256"):
        await home.pull(home.url())
    assert (home.ids(), home.parts()) == ([], {})


async def test_a_file_that_comes_packed_cannot_be_checked(home: Home) -> None:
    home.web.put("/m.gguf", DATA, extra={"content-encoding": "gzip"})
    with pytest.raises(NodeFailed, match="packed"):
        await home.pull(home.url())


@pytest.mark.parametrize(
    ("status", "error"), [(404, ModelNotFound), (403, Forbidden), (429, NodeBusy), (500, NodeFailed), (401, Forbidden)]
)
async def test_a_servers_refusal_says_who_must_act(home: Home, status: int, error: type[Exception]) -> None:
    home.web.statuses["/m.gguf"] = status
    with pytest.raises(error):
        await home.pull(home.url())
    with pytest.raises(error):
        await home.puller.weigh(PullOrder(home.url(), inside=True))


@pytest.mark.parametrize(("status", "error"), [(404, ModelNotFound), (401, ModelNotFound), (403, Forbidden)])
async def test_a_hubs_refusal_names_the_token(home: Home, status: int, error: type[Exception]) -> None:
    home.web.statuses["/api/models/me/gated"] = status
    with pytest.raises(error) as caught:
        await home.pull("hf.co/me/gated")
    assert status == 404 or "hub_token" in str(caught.value)


async def test_the_hubs_token_goes_to_the_hub_alone(home: Home) -> None:
    async with Outward() as outward, web_server() as cdn:
        home.web.repository("me/tiny", {"tiny-Q4_K_M.gguf": DATA})
        cdn.put("/x", DATA)
        home.web.redirects["/me/tiny/resolve/main/tiny-Q4_K_M.gguf"] = f"{cdn.url}/x"
        home.on(outward, token="hf_secret")
        await home.pull("hf.co/me/tiny")
    assert {asked.headers.get("authorization") for asked in home.web.asked} == {"Bearer hf_secret"}
    assert "authorization" not in cdn.asked[0].headers


async def test_only_the_owner_pulls_from_inside_the_network(home: Home) -> None:
    with pytest.raises(BadRequest, match="not public"):
        await home.pull(home.url(), inside=False)
    assert home.web.asked == []


# --- the disk ---


async def test_a_disk_that_is_too_small_is_seen_before_the_first_byte(home: Home) -> None:
    home.free = [len(DATA)]
    with pytest.raises(NoRoom, match="still to come"):
        await home.pull(home.url())
    assert home.parts() == {}
    assert await home.puller.room() == len(DATA)


async def test_a_disk_that_fills_up_meanwhile_stops_a_pull_of_unknown_size(home: Home) -> None:
    big = gguf(CHAT, tensors=bytes(40 << 20))
    home.web.put("/m.gguf", big, lengthless=True)
    home.free = [MANY, 1000]
    with pytest.raises(NoRoom):
        await home.pull(home.url())
    home.free = [MANY]
    await home.pull(home.url())
    assert home.file() == big


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
async def test_a_write_that_finds_the_disk_full_is_no_room(home: Home) -> None:
    part = Part(home.folder / PULLS, home.url())
    part.folder.mkdir(parents=True)
    part.path.symlink_to("/dev/full")
    with pytest.raises(NoRoom, match="full"):
        await home.pull(home.url())


async def test_a_folder_that_cannot_be_written_is_the_owners_to_mend(home: Home) -> None:
    home.folder.write_text("a file stands in the way")
    with pytest.raises(OperatorError, match="models folder"):
        await home.pull(home.url())


async def test_a_urls_signature_is_written_down_nowhere(home: Home) -> None:
    await home.stop_after(1_000_000, home.url("/m.gguf?signature=secret"))
    written = [path.read_bytes() for path in home.folder.rglob("*") if path.is_file()]
    await home.pull(home.url("/m.gguf?signature=secret"))
    assert home.starts()[-1] > 0
    written += [path.read_bytes() for path in home.folder.rglob("*") if path.is_file()]
    assert not any(b"secret" in data for data in written)
    home.web.asked.clear()
    await home.pull(home.url("/m.gguf?signature=other"))
    assert home.web.asked[0].headers["if-none-match"]


async def test_where_a_model_came_from_is_kept_beside_it(home: Home) -> None:
    await home.pull(home.url())
    record = read_record(home.folder / "m" / "latest.gguf")
    assert record is not None
    assert (record.url, record.sha256, record.size, record.license) == (home.url(), sha256(DATA), len(DATA), "mit")
    assert read_record(home.folder / "x.gguf") is None
