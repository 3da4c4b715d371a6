"""People chat: in a browser, with engines that break, networks that go away, and a phone."""

from __future__ import annotations

import re
import struct
import zlib
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.portal.conftest import MODEL, PHONE, SEES, Portal, signed_in
from tests.e2e.test_leaving import becomes

pytestmark = pytest.mark.slow


def numbered(count: int) -> str:
    return " ".join(f"w{number}" for number in range(1, count + 1))


def begin(page: Page, model: str = MODEL) -> None:
    """A new chat with a model."""
    page.goto("/chat")
    page.get_by_role("button", name=re.compile("^Model:")).click()
    page.get_by_role("option", name=model).click()


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def answer(page: Page) -> Any:
    return page.locator(".turn .markdown").last


def test_an_answer_goes_on_when_its_node_dies_and_says_so(page: Page, portal: Portal) -> None:
    begin(page)
    say(page, "repeat 120")
    expect(answer(page)).to_contain_text("w12")
    [node] = [name for name, engine in portal.engines.items() if portal.busy_at(engine)]
    with suppress(OSError):  # it breaks every connection, this one too
        portal.engines[node].control("POST", "/fake/faults", {"kind": "refuse", "seconds": 1, "reset": True})
    expect(answer(page)).to_have_text(numbered(120))
    expect(page.get_by_text(re.compile(r"went away after \d+ words; \w+ went on")).first).to_be_visible()
    # Nothing is in the way of the next one: the focus never left the composer.
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_focused()


def test_a_page_that_is_loaded_anew_in_mid_answer_misses_nothing(
    page: Page, context: BrowserContext, portal: Portal
) -> None:
    begin(page)
    say(page, "repeat 90")
    expect(answer(page)).to_contain_text("w12")
    page.reload()
    expect(answer(page)).to_contain_text("w12")
    second = context.new_page()
    second.goto(page.url)
    expect(answer(second)).to_contain_text("w12")
    for each in (page, second):
        expect(answer(each)).to_have_text(numbered(90))
    assert len(portal.asked("repeat 90")) == 1


def test_an_edited_message_is_a_branch_with_a_way_back(page: Page) -> None:
    begin(page)
    say(page, "say: first")
    expect(answer(page)).to_have_text("first")
    page.keyboard.press("ArrowUp")
    field = page.get_by_role("textbox", name="Edit message")
    field.fill("say: second")
    field.press("Enter")
    expect(answer(page)).to_have_text("second")
    expect(page.get_by_role("img", name="2 of 2")).to_be_visible()
    page.get_by_role("button", name="Previous version").click()
    expect(answer(page)).to_have_text("first")
    # It is this branch that is shown the next time, too.
    page.reload()
    expect(answer(page)).to_have_text("first")


def test_escape_stops_the_engine_and_keeps_the_text(page: Page, portal: Portal) -> None:
    begin(page)
    say(page, "repeat 600")
    expect(answer(page)).to_contain_text("w5")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Stopped.")).to_be_visible()
    assert becomes(0, portal.busy, 5.0)
    expect(answer(page)).to_contain_text("w5")
    expect(page.get_by_role("button", name="Continue")).to_be_visible()


def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(page: Page, portal: Portal) -> None:
    begin(page)
    say(page, "say: before")
    expect(answer(page)).to_have_text("before")
    page.context.set_offline(True)
    say(page, "say: written in a tunnel")
    expect(page.get_by_text("Will be sent when the connection is back").first).to_be_visible()
    page.context.set_offline(False)
    expect(answer(page)).to_have_text("written in a tunnel")
    assert len(portal.asked("written in a tunnel")) == 1


def test_a_draft_is_there_after_a_reload(page: Page) -> None:
    page.goto("/chat")
    field = page.get_by_role("textbox", name="Message", exact=True)
    field.fill("half a thought")
    page.wait_for_function("async () => (await indexedDB.databases()).length > 0")
    page.wait_for_timeout(400)  # longer than typing is waited for before it is kept
    page.reload()
    expect(field).to_have_value("half a thought")
    field.fill("")


def test_a_phone_has_it_all_in_reach(browser: Browser, portal: Portal) -> None:
    with signed_in(browser, portal, **PHONE) as context:
        page = context.new_page()
        begin(page)
        page.get_by_role("textbox", name="Message", exact=True).fill("say: from a phone")
        page.get_by_role("button", name="Send").tap()
        expect(answer(page)).to_have_text("from a phone")
        page.get_by_role("button", name="Show conversations").tap()
        expect(page.get_by_role("link", name="say: from a phone").first).to_be_visible()
        page.get_by_role("button", name="Hide conversations").last.tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        low = "[...document.querySelectorAll('main button')].filter(b => b.offsetParent && b.offsetHeight < 36).length"
        assert page.evaluate(low) == 0


def picture(side: int = 8) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xe0\x40\x20" * side) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_pictures_and_files_go_along(page: Page, portal: Portal) -> None:
    begin(page, SEES)
    page.locator("input[type=file]").first.set_input_files(
        [
            {"name": "red.png", "mimeType": "image/png", "buffer": picture()},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"remember the salt"},
        ]
    )
    expect(page.get_by_text("notes.txt", exact=True)).to_be_visible()
    say(page, "say: seen")
    expect(answer(page)).to_have_text("seen")
    [body] = portal.asked("say: seen")
    assert body["messages"][-1]["images"]
    assert "remember the salt" in body["messages"][-1]["content"]
