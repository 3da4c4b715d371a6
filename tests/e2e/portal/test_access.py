"""Everybody can use every view: axe finds nothing, in light and dark, at a desk and on a phone; nothing is wider than
the screen; the console is silent; and whoever reads German reads German."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.portal.conftest import MODEL, PHONE, Portal, signed_in

pytestmark = pytest.mark.slow

DESK: ViewportSize = {"width": 1280, "height": 800}

_WEB = Path(__file__).parents[3] / "web"
_AXE = _WEB / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A scheme changes nothing but colours.
_CHECK = """
async ([within, rules]) => {
  const runOnly = rules.length ? { type: "tag", values: rules } : { type: "rule", values: ["color-contrast"] };
  const { violations } = await axe.run(within || document, { runOnly, resultTypes: ["violations"], preload: false });
  const { scrollWidth, clientWidth } = document.documentElement;
  const named = (id, { target, any }) => [id, target.join(" "), any[0]?.message].filter(Boolean).join(", ");
  return [
    ...violations.flatMap(({ id, nodes }) => nodes.map((node) => named(id, node))),
    ...(scrollWidth > clientWidth ? [`${scrollWidth - clientWidth} px wider than the screen`] : []),
  ];
}
"""
_GO = "(path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"
# A text of the catalogue, `name: "words"`, or one that depends on a number.
_TEXT = re.compile(r'^ +"?([a-z][\w-]*)"?: (?:"((?:[^"\\]|\\.)*)"|\{)', re.MULTILINE)

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
    "/": "main section h2",
    "/code": ".cm-content",
    "/code/review": "main textarea",
    "/code/snippets": "main h2",
    "/code/set-up": "main pre",
    "/images": "main img",
    "/nodes": "main a[href='/nodes/agx0']",
    "/nodes/agx0": "main h1:text-is('agx0')",
    "/nodes?tab=models": f"main :text('{MODEL}')",
    "/nodes?tab=requests": "main tbody tr",
    **{
        path: f"main:has(a[aria-current=page][href='{path}']) {there}"
        for path, there in (
            ("/nodes?tab=incidents", "h2"),
            ("/nodes?tab=drills", "h2"),
            ("/nodes?tab=found", "h2"),
            ("/admin/people", "tbody tr"),
            ("/admin/keys", "tbody tr"),
            ("/admin/usage", "select"),
            ("/admin/audit", "tbody tr"),
            ("/admin/discovery", "h2"),
            ("/admin/settings", "section input"),
            ("/admin/backup", "table"),
            ("/settings/account", "input"),
            ("/settings/appearance", "select"),
            ("/settings/sessions", "b"),
            ("/settings/keys", "tbody tr"),
        )
    },
    "/nothing": "main h1",
}


class Texts:
    """What the portal says in a language, by the names of the texts: ``chat.send``."""

    def __init__(self, language: str) -> None:
        self._by_name = {
            f"{part.stem}.{name}": text
            for part in (_WEB / "src" / "i18n" / language).glob("*.ts")
            for name, text in _TEXT.findall(part.read_text())
        }
        assert len(self._by_name) > 500

    def __call__(self, name: str) -> str:
        return self._by_name[name]

    def nameless(self, words: str) -> set[str]:
        """Names that stand where their texts should."""
        return self._by_name.keys() & set(re.findall(r"[a-z]+\.[\w-]+", words))


@dataclass
class Looks:
    """What was found, view by view: by all rules in the light, by that of contrast in the dark."""

    page: Page
    texts: Texts
    found: list[str] = field(default_factory=list)

    def look(self, view: str, within: str = "") -> None:
        for scheme, rules in (("light", _RULES), ("dark", [])):
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            self.found += [f"{view}, {scheme}: {each}" for each in self.page.evaluate(_CHECK, [within, rules])]
        words = self.page.locator(within or "body").first.inner_text()
        self.found += [f"{view}: no text for {each}" for each in self.texts.nameless(words)]

    def go(self, path: str, shown: str) -> None:
        """To a view, without loading the page anew."""
        self.page.evaluate(_GO, path)
        self.page.wait_for_selector(shown)
        expect(self.page.locator("main [aria-busy=true]")).to_have_count(0)

    def press(self, *names: str) -> None:
        """Buttons and what menus offer, one after the other."""
        for name in names:
            label = re.compile("^" + re.sub(r"\\{\w+\\}", ".+", re.escape(self.texts(name))))
            button, item = (self.page.get_by_role(role, name=label) for role in ("button", "menuitem"))
            button.or_(item).last.click()


class Opened(NamedTuple):
    """What opens in a view by pressing buttons, by the names of their texts."""

    view: str
    shown: str
    pressed: tuple[str, ...]
    opens: str = "dialog[open]"


OPENED = (
    Opened("/chat", "main textarea", ("chat.settings",)),
    Opened("/chat", "main textarea", ("chat.choose-model",), "[role=listbox]"),
    Opened("/chat", "main textarea", ("chat.show-chats", "chat.list-more", "chat.prompts")),
    Opened("/nodes/agx0", VIEWS["/nodes/agx0"], ("nodes.drain",)),
    Opened("/admin/people", VIEWS["/admin/people"], ("admin.invite",)),
    Opened("/admin/people", VIEWS["/admin/people"], ("admin.change",)),
)


def begun(context: BrowserContext) -> Page:
    context.add_init_script(path=_AXE)
    page = context.new_page()
    page.set_default_timeout(20_000)
    return page


def told(context: BrowserContext, portal: Portal, path: str, asked: Mapping[str, Any]) -> Any:
    """What the service answers to the owner's program."""
    said = {"authorization": f"Bearer {portal.service.key}", "origin": portal.url}
    answer = context.request.post(path, data=asked, headers=said)
    assert answer.ok, answer.text()
    return answer.json()


def drawn(context: BrowserContext, portal: Portal) -> str:
    """The id of a picture."""
    asked = {"prompt": "a lighthouse at dusk", "count": 2, "width": 64, "height": 64, "steps": 2, "wait": 30}
    assert told(context, portal, "/api/v1/image/generate", asked)["done"] == 2
    return str(portal.service.get("/api/v1/images?limit=1")["images"][0]["id"])


def ask(looks: Looks) -> None:
    looks.page.get_by_role("textbox", name=looks.texts("chat.message"), exact=True).fill(_QUESTION)
    looks.press("chat.send")
    expect(looks.page.locator(".turn .markdown").last).to_contain_text("the last")
    expect(looks.page.locator("article[aria-busy=true]")).to_have_count(0)


def test_every_view_is_for_everybody_at_a_desk(browser: Browser, portal: Portal) -> None:
    with signed_in(browser, portal, viewport=DESK) as context:
        looks = Looks(begun(context), Texts("en"))
        looks.page.goto("/")
        for empty in ("/chat", "/images"):
            looks.go(empty, "main textarea")
            looks.look(f"{empty}, empty")
        # A chat that somebody comes back to from another view goes on as before.
        looks.go("/chat", "main textarea")
        ask(looks)
        looks.look("/chat, an answer")
        chat = portal.service.get("/api/v1/conversations?limit=1")["conversations"][0]["id"]
        request = portal.service.get("/api/v1/requests?limit=1")["requests"][0]["id"]
        shared = told(context, portal, f"/api/v1/conversations/{chat}/shares", {})["path"]
        picture = drawn(context, portal)
        more = {
            shared: "main .markdown",
            f"/nodes?tab=requests&request={request}": "main section",
            f"/images/{picture}": "dialog[open] aside",
        }
        for path, shown in {**VIEWS, **more}.items():
            looks.go(path, shown)
            looks.look(path)
    assert looks.found == []


def test_every_view_is_for_everybody_on_a_phone_and_in_german(browser: Browser, portal: Portal) -> None:
    with signed_in(browser, portal, locale="de-DE", **PHONE) as context:
        told(context, portal, "/api/v1/users", {"name": "anna"})
        drawn(context, portal)
        looks = Looks(begun(context), Texts("de"))
        looks.page.goto("/chat")
        ask(looks)
        looks.look("/chat, an answer")
        for path, shown in VIEWS.items():
            looks.go(path, shown)
            looks.look(path)
        for view, shown, pressed, opens in OPENED:
            looks.go("/nothing", "main h1")
            looks.go(view, shown)
            looks.press(*pressed)
            looks.page.wait_for_selector(opens)
            looks.look(f"{view}, {pressed[-1]}", opens)
        expect(looks.page.locator("html")).to_have_attribute("lang", "de")
    assert looks.found == []


def test_the_ways_in_are_for_everybody(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, viewport=DESK)
    looks = Looks(begun(context), Texts("en"))
    [setup] = re.findall(r"/setup\?token=[\w-]+", portal.service.log.read_text())
    told(context, portal, "/api/v1/users", {"name": "berta"})
    invite, reset = (
        told(context, portal, path, {})["token"] for path in ("/api/v1/invitations", "/api/v1/users/berta/reset")
    )
    for path in ("/sign-in", setup, f"/invite?token={invite}", f"/reset?token={reset}", "/reset?token=used"):
        looks.page.goto(path)
        looks.page.wait_for_selector("#form:visible, #lead:visible:not(:text('…'))")
        for viewport in (DESK, PHONE["viewport"]):
            looks.page.set_viewport_size(viewport)
            looks.look(f"{path.partition('?')[0]}, {viewport['width']} px")
    context.close()
    assert looks.found == []
