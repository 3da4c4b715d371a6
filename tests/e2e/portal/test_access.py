"""Everybody can use every view: axe finds nothing, in light and dark, at a desk and on a phone; nothing is wider than
the screen; the console is silent; and whoever reads German reads German."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.portal.conftest import MODEL, Portal, signed_in
from tests.e2e.processes import fake, service

pytestmark = pytest.mark.slow

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

_AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A scheme changes nothing but colours.
_CHECK = """
async (rules) => {
  const runOnly = rules.length ? { type: "tag", values: rules } : { type: "rule", values: ["color-contrast"] };
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
  const { scrollWidth, clientWidth } = document.documentElement;
  const named = (id, { target, any }) => [id, target.join(" "), any[0]?.message].filter(Boolean).join(", ");
  return [
    ...violations.flatMap(({ id, nodes }) => nodes.map((node) => named(id, node))),
    ...(scrollWidth > clientWidth ? [`${scrollWidth - clientWidth} px wider than the screen`] : []),
  ];
}
"""
_GO = "(path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"
_TEXTS = Path(__file__).parents[3] / "web" / "src" / "i18n" / "en"

_QUESTION = "say: " + "\n".join(
    [
        "## Two ways",
        "A sentence with `code`, a [link](https://potluck.example/) and **weight**.",
        "",
        "| node | tokens/s |",
        "| --- | ---: |",
        "| agx0 | 41.2 |",
        "",
        "```python",
        "def total(prices: list[float]) -> float:",
        "    return sum(prices)  # all of them",
        "```",
        "",
        "> Said by somebody.",
        "",
        "1. the first",
        "2. the last",
    ]
)

# Views by their addresses, and what is there once they are.
VIEWS = {
    "/": "main h1",
    "/chat": "main textarea",
    "/code": ".cm-content",
    "/images": "main textarea",
    "/nodes": "main a[href='/nodes/agx0']",
    "/nodes/agx0": "main h1:text-is('agx0')",
    "/nodes?tab=models": f"main :text('{MODEL}')",
    "/nodes?tab=requests": "main table",
    **{
        path: f"main:has(a[aria-current=page][href='{path}']) {there}"
        for path, there in (
            ("/nodes?tab=incidents", "h2"),
            ("/nodes?tab=found", "h2"),
            ("/admin/people", "table"),
            ("/admin/keys", "table"),
            ("/admin/usage", "select"),
            ("/admin/audit", "table"),
            ("/admin/discovery", "h2"),
            ("/admin/settings", "input"),
            ("/settings/account", "input"),
            ("/settings/appearance", "select"),
            ("/settings/sessions", "b"),
            ("/settings/keys", "table"),
        )
    },
    "/nothing": "main h1",
}


@dataclass
class Faults:
    """What was found, view by view."""

    found: list[str] = field(default_factory=list)

    def look(self, page: Page, view: str) -> None:
        for viewport, scheme, rules in (
            (DESK, "light", _RULES),
            (DESK, "dark", []),
            (PHONE, "light", _RULES),
            (PHONE, "dark", []),
        ):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            told = page.evaluate(_CHECK, rules)
            self.found += [f"{view}, {scheme}, {viewport['width']} px: {each}" for each in told]
        page.set_viewport_size(DESK)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A fleet that writes and draws."""
    home = tmp_path_factory.mktemp("access")
    able = f"{MODEL},resident=true,prefill=0,decode=0,context=32768,capabilities=completion+tools"
    with ExitStack() as stack:
        writes = stack.enter_context(fake("--dialect", "ollama", "--model", able))
        draws = stack.enter_context(fake("--dialect", "a1111", "--model", "sd15.safetensors"))
        config = home / "potluck.yaml"
        config.write_text(
            "nodes:\n"
            f"  agx0: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {writes.port}, slots: 2}}]}}\n"
            f"  desk: {{address: 127.0.0.1, engines: [{{kind: a1111, port: {draws.port}}}]}}\n"
            "local: false\n"
            "discovery: {mdns: false}\n"
        )
        yield Portal(stack.enter_context(service(home, "--config", str(config))), {"agx0": writes, "desk": draws})


def begun(context: BrowserContext) -> Page:
    context.add_init_script(path=_AXE)
    page = context.new_page()
    page.set_default_timeout(20_000)
    return page


def go(page: Page, path: str, shown: str) -> None:
    """To a view without loading the page anew."""
    page.evaluate(_GO, path)
    page.wait_for_selector(shown)
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def ask(page: Page) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill(_QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".turn .markdown").last).to_contain_text("the last")
    expect(page.locator("article[aria-busy=true]")).to_have_count(0)


def told(context: BrowserContext, house: Portal, path: str, asked: dict[str, Any]) -> Any:
    """What the service answers to the owner's program."""
    said = {"authorization": f"Bearer {house.service.key}"}
    answer = context.request.post(path, data=asked, headers={**said, "origin": house.url})
    assert answer.ok, answer.text()
    return answer.json()


def draw(context: BrowserContext, house: Portal) -> None:
    asked = {"prompt": "a lighthouse at dusk", "count": 2, "width": 64, "height": 64, "steps": 2, "wait": 30}
    assert told(context, house, "/api/v1/image/generate", asked)["done"] == 2


def test_every_view_is_for_everybody(browser: Browser, house: Portal) -> None:
    faults = Faults()
    with signed_in(browser, house, viewport=DESK) as context:
        page = begun(context)
        page.goto("/")
        for empty in ("/chat", "/images"):
            go(page, empty, VIEWS[empty])
            faults.look(page, f"{empty}, empty")
        # A chat that somebody comes back to from another view goes on as before.
        go(page, "/chat", VIEWS["/chat"])
        ask(page)
        faults.look(page, "/chat, an answer")
        [chat] = house.service.get("/api/v1/conversations")["conversations"]
        shared = told(context, house, f"/api/v1/conversations/{chat['id']}/shares", {})["path"]
        draw(context, house)
        for path, shown in {**VIEWS, "/images": "main img", shared: "main .markdown"}.items():
            if path != "/chat":
                go(page, path, shown)
                faults.look(page, path)
    assert faults.found == []


def test_the_ways_in_are_for_everybody(browser: Browser, house: Portal) -> None:
    faults = Faults()
    context = browser.new_context(base_url=house.url, viewport=DESK)
    page = begun(context)
    [setup] = re.findall(r"/setup\?token=[\w-]+", house.service.log.read_text())
    for path in ("/sign-in", setup):
        page.goto(path)
        page.wait_for_selector("form:not([hidden])")
        faults.look(page, path.partition("?")[0])
    context.close()
    assert faults.found == []


def test_who_reads_german_reads_no_name_of_a_text_that_is_missing(browser: Browser, house: Portal) -> None:
    with signed_in(browser, house, viewport=DESK, locale="de-DE") as context:
        page = begun(context)
        page.goto("/")
        names = {
            f"{part.stem}.{name}"
            for part in _TEXTS.glob("*.ts")
            for name in re.findall(r'^ +"?([a-z][\w-]*)"?:', part.read_text(), re.MULTILINE)
        }
        assert len(names) > 500
        missing: list[str] = []
        for path, shown in VIEWS.items():
            go(page, path, shown)
            missing += [
                f"{path}: {each}"
                for each in names.intersection(re.findall(r"[a-z]+\.[\w-]+", page.locator("body").inner_text()))
            ]
        expect(page.locator("html")).to_have_attribute("lang", "de")
    assert missing == []
