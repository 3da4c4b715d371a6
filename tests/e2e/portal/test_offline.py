"""A browser that loses its network: with the service worker that other tests here do without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.portal.conftest import Portal, signed_in
from tests.e2e.portal.line import line_to
from tests.e2e.portal.test_chat import answer, begin, numbered, say

pytestmark = pytest.mark.slow

_KEPT = """async () => {
  await navigator.serviceWorker.ready;
  const kept = await caches.open("potluck-files-1");
  return navigator.serviceWorker.controller !== null && (await kept.keys()).length > 3;
}"""


def test_the_portal_opens_without_a_network_and_loses_nothing_to_it(browser: Browser, portal: Portal) -> None:
    with (
        line_to(portal.url) as line,
        signed_in(browser, portal, base_url=line.url, service_workers="allow") as context,
    ):
        page = context.new_page()
        page.set_default_timeout(20_000)
        # 1. The first visit brings the worker, the second one what it keeps.
        page.goto("/chat")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.reload()
        begin(page)
        say(page, "repeat 150")
        expect(answer(page)).to_contain_text("w12")
        page.wait_for_function(_KEPT)

        # 2. The network goes in mid-answer: what came stays, and the rest comes when it is back. It is asked for once.
        line.cut()
        expect(page.get_by_text("No connection to Potluck")).to_be_visible()
        expect(answer(page)).to_contain_text("w12")
        line.mend()
        expect(answer(page)).to_have_text(numbered(150))
        expect(page.get_by_text("No connection to Potluck")).to_be_hidden()
        assert len(portal.asked("repeat 150")) == 1

        # 3. Without a network the page opens all the same; what was written before is sent when that is back, once.
        line.cut()
        say(page, "say: out of a tunnel")
        expect(page.get_by_text("Will be sent when the connection is back").first).to_be_visible()
        page.reload()
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        expect(page.get_by_text("Potluck cannot be reached.")).to_be_visible()
        assert portal.asked("out of a tunnel") == []
        line.mend()
        expect(answer(page)).to_have_text("out of a tunnel")
        assert len(portal.asked("out of a tunnel")) == 1
