"""The port for ComfyUI's clients: who is let in, and what it answers where nothing draws."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from potluck.core.keys import digest
from potluck.core.model import EngineKind, KeyId, NodeId, UserId
from potluck.core.people import Right, Role
from potluck.gateway.port import Caller
from potluck.gateway.prompt_feed import Listener, PromptFeed
from potluck.storage.records import KeyRecord, UserRecord
from potluck.surfaces.auth import Keyring
from potluck.surfaces.comfyui import ROUTES
from potluck.surfaces.comfyui.application import application
from potluck.surfaces.comfyui.desk import Desk
from potluck.surfaces.comfyui.uploads import annotated, named
from potluck.surfaces.origins import Origins
from potluck.wire.comfyui.frames import Shown
from tests.surfaces.v1.test_image_models import Painter
from tests.surfaces.v1.world import ANNA, World

KEY, GUEST, LIMITED = "pk-0123456789", "pk-guest", "pk-limited"


def port(world: World) -> Any:
    ring = Keyring(lambda: 7.0)
    people = [UserRecord(UserId("anna"), "Anna", Role.MEMBER, 0.0), UserRecord(UserId("g"), "Guest", Role.GUEST, 0.0)]
    keys = [
        KeyRecord(KeyId("k"), "k", "pk", digest(KEY), 0.0, user=UserId("anna")),
        KeyRecord(KeyId("g"), "g", "pk", digest(GUEST), 0.0, user=UserId("g")),
        KeyRecord(KeyId("l"), "l", "pk", digest(LIMITED), 0.0, user=UserId("anna"), surfaces=("openai",)),
    ]
    ring.replace(keys, people)
    services = world.app.state.services
    return application(services, ring, Origins(()), Desk(services))


async def ask(
    method: str, path: str, headers: dict[str, str], world: World | None = None, **more: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(port(world or World()))
    async with httpx.AsyncClient(transport=transport, base_url="http://potluck") as web:
        return await web.request(method, path, headers=headers, **more)


BEARER = {"authorization": f"Bearer {KEY}"}
BASIC = {"authorization": "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        (BEARER, "/features", 200),
        (BASIC, "/api/features", 200),
        ({}, f"/features?token={KEY}", 200),
        ({}, "/", 200),
        ({}, "/features", 401),
        ({"authorization": "Bearer pk-wrong"}, "/features", 401),
        ({"cookie": "potluck_session=anything"}, "/features", 401),
        ({"authorization": f"Bearer {GUEST}"}, "/features", 403),
        ({"authorization": f"Bearer {LIMITED}"}, "/features", 403),
        (BEARER, "/nowhere", 404),
    ],
)
async def test_nobody_passes_without_a_key_that_is_for_it(headers: dict[str, str], path: str, status: int) -> None:
    answer = await ask("GET", path, headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["message"]
        assert answer.json()["node_errors"] == {}
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "path", ["/object_info", "/object_info/KSampler", "/system_stats", "/models/loras", "/embeddings"]
)
async def test_where_no_comfyui_is_the_answer_says_what_to_do(path: str) -> None:
    answer = await ask("GET", path, BEARER)
    assert answer.status_code == 501
    assert "comfyui" in answer.json()["error"]["details"]
    world = World()
    world.painters = (Painter(NodeId("off"), EngineKind.COMFYUI, up=False),)
    away = await ask("GET", path, BEARER, world)
    assert (away.status_code, away.json()["error"]["message"]) == (503, "No ComfyUI is up.")
    assert int(away.headers["retry-after"]) > 0


async def test_bodies_that_are_none_are_refused_in_words() -> None:
    for path, body in (
        ("/prompt", b"{"),
        ("/prompt", b"{}"),
        ("/queue", b"[]"),
        ("/interrupt", b"x"),
        ("/history", b"3"),
    ):
        answer = await ask("POST", path, BEARER, content=body)
        assert answer.status_code == 400, path
        assert answer.json()["error"]["message"]
    for form in ({"files": {"other": b"x"}}, {"content": b"x"}):
        assert (await ask("POST", "/upload/image", BEARER, **form)).status_code == 400
    bad = {"files": {"image": b"x"}, "data": {"original_ref": "no json"}}
    assert (await ask("POST", "/upload/mask", BEARER, **bad)).status_code == 400


async def shaken(key: str) -> dict[str, Any]:
    """What a handshake is answered."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": f"clientId=c&token={key}".encode(),
        "headers": [],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    await port(World())(scope, receive, send)
    return sent[0]


@pytest.mark.parametrize(("key", "status"), [("pk-wrong", 401), (GUEST, 403), (LIMITED, 403)])
async def test_a_socket_is_refused_as_a_request_is(key: str, status: int) -> None:
    first = await shaken(key)
    assert (first["type"], first["status"]) == ("websocket.http.response.start", status)


@pytest.mark.parametrize(
    "name", ["../a.png", "a/../../b.png", "/etc/passwd", "..", "", " ", "a\\b.png", "a\0.png", "x" * 300]
)
def test_names_lead_out_of_no_folder(name: str) -> None:
    with pytest.raises(Exception, match="name of a file"):
        annotated(f"{name} [output]" if name.strip() else name)
    with pytest.raises(Exception, match="name of a file"):
        named("a.png", "../x")


def test_every_route_is_for_who_may_make_pictures() -> None:
    rights = {route.path: route.right for route in ROUTES}
    assert rights.pop("/") is None
    assert set(rights.values()) == {Right.MAKE_PICTURES}
    twins = {path.removeprefix("/api") for path in rights if path.startswith("/api/")}
    assert {path for path in rights if not path.startswith("/api/")} == twins


async def test_a_client_that_does_not_read_is_let_go_and_one_that_comes_again_takes_over() -> None:
    feed, caller = PromptFeed(), Caller(KeyId("k"), "k", ANNA.user)
    with feed.listening(caller.user, "c") as first:
        with feed.listening(caller.user, "c") as second:
            feed.send(caller.user, "c", "news")
            assert (list(first._line), await second.next()) == ([], "news")
            for _ in range(600):
                feed.send(caller.user, "c", Shown(b"x" * 10, "image/png"))
            assert len(second._line) == 512, "pictures are left out first"
            for _ in range(600):
                feed.send_all(caller.user, json.dumps({}))
            assert second.closed
        assert feed.users() == frozenset()
    feed.send(caller.user, "c", "to nobody")
    line = Listener()
    line.put("a")
    assert await line.next() == "a"
