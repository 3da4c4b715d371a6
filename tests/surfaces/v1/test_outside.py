"""Images that answers name are fetched when their reader asks for them, and never from inside the network."""

from __future__ import annotations

from tests.surfaces.v1.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


async def test_an_image_comes_as_it_is_and_nothing_in_it_can_run() -> None:
    world = World()
    world.pictures.there["https://pics.example/a.png"] = (PNG, "image/png")
    reply = await world.ask("POST", "/api/v1/outside/image", {"url": "https://pics.example/a.png"})
    assert (reply.status, reply.body) == (200, PNG)
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["cache-control"] == "no-store"


async def test_a_refusal_says_why_and_names_what_was_asked() -> None:
    reply = await World().ask("POST", "/api/v1/outside/image", {"url": "http://192.168.1.1/x.png"})
    assert reply.status == 400
    error = reply.json()["error"]
    assert error["param"] == "url"
    assert "not public" in error["message"]


async def test_what_browsers_do_not_show_is_not_sent() -> None:
    world = World()
    world.pictures.there["https://pics.example/a.heic"] = (b"", "image/heic")
    reply = await world.ask("POST", "/api/v1/outside/image", {"url": "https://pics.example/a.heic"})
    assert (reply.status, reply.json()["error"]["param"]) == (400, "url")


async def test_the_address_must_be_there_and_have_a_bound() -> None:
    for url in ("", "https://pics.example/" + "a" * 5000):
        assert (await World().ask("POST", "/api/v1/outside/image", {"url": url})).status == 400
