"""The pages that links lead to: whole in themselves, with nothing inline."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from potluck.storage.records import LinkKind
from potluck.surfaces.pages.routes import PATHS, ROUTES
from potluck.surfaces.v1.account_shapes import link_url

APP = Starlette(routes=list(ROUTES))


async def get(path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://potluck") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_has_nothing_inline_and_may_load_only_what_is_ours(path: str) -> None:
    served = await get(f"{path}?token=secret")
    assert (served.status_code, served.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "secret" not in served.text
    policy = served.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=|https?://", served.text)
    assert served.headers["referrer-policy"] == "no-referrer"
    assert served.headers["cache-control"] == "no-store"
    for loaded in re.findall(r'(?:src|href)="(/pages/[^"]+)"', served.text):
        found = await get(loaded)
        assert (found.status_code, found.headers["x-content-type-options"]) == (200, "nosniff")


async def test_every_word_of_the_pages_is_there_in_each_language() -> None:
    words = (await get("/pages/account-words.js")).text
    english, german = (
        set(re.findall(r'^  "?([\w.-]+)"?: ', words.split(f"const {language} = {{")[1].split("};")[0], re.M))
        for language in ("EN", "DE")
    )
    assert english <= german
    assert all(key.startswith("kind.") for key in german - english)  # in English the service's own words are shown
    used = set(re.findall(r'data-say="([^"]+)"', (await get("/sign-in")).text))
    used |= set(re.findall(r'\bsay\("([^"]+)"', (await get("/pages/account.js")).text))
    used |= {f"{path[1:]}.{part}" for path in PATHS for part in ("title", "lead", "send")}
    assert used == english


async def test_the_script_puts_what_others_said_nowhere_but_into_text() -> None:
    script = (await get("/pages/account.js")).text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)


async def test_the_pages_have_the_portals_colours() -> None:
    tokens = (Path(__file__).parents[2] / "web" / "src" / "styles" / "tokens.css").read_text()
    style = (await get("/pages/account.css")).text
    assert set(re.findall(r"#[0-9a-f]{3,6}\b(?=;)", style)) <= set(re.findall(r"#[0-9a-f]{3,6}\b(?=;)", tokens))


def test_every_link_leads_to_a_page() -> None:
    assert {link_url("", kind, "t").partition("?")[0] for kind in LinkKind} < set(PATHS)
