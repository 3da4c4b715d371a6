"""Somebody makes pictures: from words to the gallery, over a picture, within a mask, and away with it."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.portal.conftest import DRAWS, Portal

pytestmark = pytest.mark.slow


def kept(portal: Portal, prompt: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = portal.service.get(f"/api/v1/images?q={prompt}&limit=10")["images"]
    return found


def test_a_picture_is_made_changed_within_a_mask_and_deleted(page: Page, portal: Portal) -> None:
    page.goto("/images")
    prompt = page.get_by_label("What is to be seen")
    gallery = page.get_by_role("list", name="Gallery")
    prompt.fill("heron")
    page.get_by_label("Shape").select_option("small")
    page.get_by_label("Seed", exact=True).fill("7")
    page.locator("summary", has_text="More parameters").click()
    page.get_by_label("Steps").fill("12")

    # 1. It is seen on its way, and is in the gallery by itself.
    page.get_by_role("button", name="Make pictures").click()
    work = page.get_by_role("list", name="Being made").get_by_role("listitem").first
    expect(work).to_contain_text("Drawn by desk")
    expect(work.get_by_role("img", name="The picture on its way")).to_be_visible()
    expect(work.get_by_role("progressbar")).to_be_visible()
    expect(work).to_be_hidden()
    picture = gallery.get_by_role("img", name="heron").first
    expect(picture).to_be_visible()

    # 2. Large, with all that made it; and that again.
    picture.click()
    shown = page.get_by_role("dialog", name="heron")
    expect(shown.get_by_role("list", name="Parameters")).to_contain_text("steps 12")
    expect(shown.get_by_role("list", name="Parameters")).to_contain_text("seed 7")
    expect(shown).to_contain_text(f"{DRAWS} on desk")
    shown.get_by_role("button", name="Favourite").click()
    expect(shown.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    prompt.evaluate("(field) => (field.value = '')")
    shown.get_by_role("button", name="Use again").click()
    expect(shown).to_be_hidden()
    expect(prompt).to_have_value("heron")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")

    # 3. Where somebody paints it is drawn anew.
    gallery.get_by_role("link").first.click()
    shown.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Paint where to change").click()
    paint = page.get_by_role("dialog", name="Paint where to change")
    expect(paint.get_by_role("button", name="Use it")).to_be_disabled()
    sheet = paint.locator("canvas")
    page.wait_for_function("document.querySelector('dialog[open] canvas').width === 512")
    box = sheet.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 20, steps=4)
    page.mouse.up()
    paint.get_by_role("button", name="Use it").click()
    prompt.fill("heron in a hat")
    with page.expect_request("**/api/v1/image/edit") as asked:
        page.get_by_role("button", name="Make pictures").click()
    sent = json.loads(asked.value.post_data or "")
    mask = Image.open(io.BytesIO(base64.b64decode(sent["mask"].partition(",")[2]))).convert("L")
    assert mask.size == (512, 512)
    white = mask.point(lambda level: 255 if level > 127 else 0)
    assert (white.getpixel((256, 20 * 512 // round(box["height"]))), white.getpixel((256, 400))) == (255, 0)
    expect(gallery.get_by_role("img", name="heron in a hat")).to_be_visible()
    before, after = (
        next(each for each in kept(portal, "heron") if each["prompt"] == words) for words in ("heron", "heron in a hat")
    )
    assert (before["width"], after["width"]) == (512, 512)

    # 4. Deleted for good, after a second press.
    gallery.get_by_role("img", name="heron in a hat").click()
    page.get_by_role("dialog", name="heron in a hat").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete 1 picture for good").click()
    expect(gallery.get_by_role("img", name="heron in a hat")).to_have_count(0)
    assert [each["prompt"] for each in kept(portal, "heron")] == ["heron"]
