"""Somebody writes code: what the model suggests, answers and finds, and what becomes of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.portal.conftest import QUICK, Portal

pytestmark = pytest.mark.slow

_DIFF = """diff --git a/total.py b/total.py
--- a/total.py
+++ b/total.py
@@ -1,2 +1,2 @@
 def total(prices):
-    return sum(prices)
+    return sum(prices) / 0
"""


def test_code_is_completed_asked_about_and_reviewed(page: Page, portal: Portal) -> None:
    # 1. Tab takes what is suggested where one writes.
    page.goto("/code")
    page.get_by_label("Model").select_option(QUICK)
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.type("def total(prices):")
    page.keyboard.press("Enter")
    ghost = page.locator(".cm-ghost")
    expect(ghost).to_be_visible()
    suggested = ghost.inner_text().strip()
    page.keyboard.press("Tab")
    expect(editor).to_contain_text(suggested.splitlines()[0])

    # 2. An answer's code is compared with what there is before it is taken.
    question = page.get_by_role("textbox", name="Ask about the code")
    question.fill("say: ```python\ndef total(prices):\n    return sum(prices)\n```")
    question.press("Enter")
    answer = page.get_by_role("log")
    expect(answer.locator("pre").first).to_contain_text("return sum(prices)")
    answer.get_by_role("button", name="Edit").first.click()
    expect(page.get_by_text("Compare what is proposed with what there is.")).to_be_visible()
    page.get_by_role("button", name="Take all").click()
    expect(editor).to_contain_text("return sum(prices)")

    # 3. Findings stand beside the lines of a diff.
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("textbox", name="A diff or patch").fill(_DIFF)
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.get_by_role("group", name="total.py").get_by_role("article")).to_have_count(1)

    # 4. A program's set-up has the address and a key of its own.
    page.get_by_role("link", name="Set up a program").click()
    expect(page.locator("main pre").first).to_contain_text(portal.url)
    page.get_by_role("button", name="Make a key for it").click()
    expect(page.locator("main pre").first).to_contain_text("pk-")
