"""Who may do what: every route of the tables, for every role. A new route without a line here fails."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import Route as StarletteRoute

from potluck.core.errors import Forbidden
from potluck.core.keys import digest, make_key
from potluck.core.model import KeyId, UserId
from potluck.core.people import RIGHTS, Right, Role
from potluck.core.scopes import SURFACES
from potluck.core.scopes import Scope as KeyScope
from potluck.gateway.port import NOBODY as GATE_NOBODY
from potluck.gateway.port import Caller
from potluck.storage.records import KeyRecord, UserRecord
from potluck.surfaces.application import ROUTES
from potluck.surfaces.auth import OPEN_ROUTES, PUBLIC_PATHS, Keyring, RequireKey
from potluck.surfaces.doors import DOORS
from potluck.surfaces.families import surface_of
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.v1.endpoint import Endpoint, plain
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.surfaces.v1.world import World

NOBODY, GUEST, MEMBER, ADMIN = "without a key", "guest", "member", "admin"
"""The least role that a route is for; those above it may, too."""

MATRIX = {
    "/": NOBODY,
    "/healthz": NOBODY,
    "/health": NOBODY,
    "/readyz": NOBODY,
    "/metrics": MEMBER,
    "/docs": GUEST,
    "/v1/models": GUEST,
    "/v1/models/{name:path}": GUEST,
    "/v1/images/generations": MEMBER,
    "/v1/images/edits": MEMBER,
    "/v1/images/variations": MEMBER,
    "/sdapi/v1/txt2img": MEMBER,
    "/sdapi/v1/img2img": MEMBER,
    "/sdapi/v1/extra-single-image": MEMBER,
    "/sdapi/v1/extra-batch-images": MEMBER,
    "/sdapi/v1/png-info": MEMBER,
    "/sdapi/v1/progress": MEMBER,
    "/sdapi/v1/interrupt": MEMBER,
    "/sdapi/v1/skip": MEMBER,
    "/sdapi/v1/options": MEMBER,
    "/sdapi/v1/cmd-flags": MEMBER,
    "/sdapi/v1/sd-models": MEMBER,
    "/sdapi/v1/samplers": MEMBER,
    "/sdapi/v1/schedulers": MEMBER,
    "/sdapi/v1/upscalers": MEMBER,
    "/sdapi/v1/latent-upscale-modes": MEMBER,
    "/sdapi/v1/loras": MEMBER,
    "/sdapi/v1/sd-vae": MEMBER,
    "/sdapi/v1/embeddings": MEMBER,
    "/sdapi/v1/prompt-styles": MEMBER,
    "/sdapi/v1/hypernetworks": MEMBER,
    "/sdapi/v1/face-restorers": MEMBER,
    "/sdapi/v1/realesrgan-models": MEMBER,
    "/sdapi/v1/scripts": MEMBER,
    "/sdapi/v1/script-info": MEMBER,
    "/sdapi/v1/memory": MEMBER,
    "/sdapi/v1/refresh-checkpoints": MEMBER,
    "/controlnet/model_list": MEMBER,
    "/controlnet/module_list": MEMBER,
    "/v1/files": MEMBER,
    "/v1/files/{file}": MEMBER,
    "/v1/files/{file}/content": MEMBER,
    "/v1/messages/count_tokens": GUEST,
    "/v1/health": GUEST,
    "/v1beta/models": GUEST,
    "/v1beta/server_setting": GUEST,
    "/v1/events": GUEST,
    "/api/version": NOBODY,
    "/sign-in": NOBODY,
    "/invite": NOBODY,
    "/reset": NOBODY,
    "/setup": NOBODY,
    "/pages/account.js": NOBODY,
    "/pages/account-words.js": NOBODY,
    "/pages/account.css": NOBODY,
    "/api/tags": GUEST,
    "/api/ps": GUEST,
    "/api/show": GUEST,
    "/api/pull": ADMIN,
    "/api/push": ADMIN,
    "/api/create": ADMIN,
    "/api/copy": ADMIN,
    "/api/delete": ADMIN,
    "/api/blobs/{digest}": ADMIN,
    "GET /api/v1/boot": GUEST,
    "GET /api/v1/conversations/export": MEMBER,
    "POST /api/v1/conversations/import": MEMBER,
    "GET /api/v1/conversations/{conversation}/export": MEMBER,
    "GET /api/v1/folders": MEMBER,
    "POST /api/v1/folders": MEMBER,
    "PATCH /api/v1/folders/{folder}": MEMBER,
    "DELETE /api/v1/folders/{folder}": MEMBER,
    "GET /api/v1/shares": MEMBER,
    "GET /api/v1/shares/open": NOBODY,
    "DELETE /api/v1/shares/{share}": MEMBER,
    "POST /api/v1/conversations/{conversation}/shares": MEMBER,
    "GET /api/v1/prompts": GUEST,
    "POST /api/v1/prompts": MEMBER,
    "PATCH /api/v1/prompts/{prompt}": MEMBER,
    "DELETE /api/v1/prompts/{prompt}": MEMBER,
    "GET /api/v1/users/me/preferences": GUEST,
    "PATCH /api/v1/users/me/preferences": GUEST,
    "DELETE /api/v1/conversations/{conversation}/messages/{message}": MEMBER,
    "POST /api/v1/chat": MEMBER,
    "GET /api/v1/generations": MEMBER,
    "GET /api/v1/generations/{generation}": MEMBER,
    "GET /api/v1/generations/{generation}/events": MEMBER,
    "DELETE /api/v1/generations/{generation}": MEMBER,
    "GET /api/v1/conversations": MEMBER,
    "POST /api/v1/conversations": MEMBER,
    "POST /api/v1/outside/image": MEMBER,
    "GET /api/v1/conversations/{conversation}": MEMBER,
    "PATCH /api/v1/conversations/{conversation}": MEMBER,
    "DELETE /api/v1/conversations/{conversation}": MEMBER,
    "POST /api/v1/jobs": MEMBER,
    "GET /api/v1/jobs": MEMBER,
    "GET /api/v1/jobs/{job}": MEMBER,
    "GET /api/v1/jobs/{job}/events": MEMBER,
    "GET /api/v1/jobs/{job}/result": MEMBER,
    "POST /api/v1/jobs/{job}/cancel": MEMBER,
    "GET /api/v1/files": MEMBER,
    "POST /api/v1/files": MEMBER,
    "GET /api/v1/files/{file}": MEMBER,
    "DELETE /api/v1/files/{file}": MEMBER,
    "GET /api/v1/files/{file}/content": MEMBER,
    "POST /api/v1/files/{file}/link": MEMBER,
    "GET /api/v1/links": NOBODY,
    "POST /api/v1/image/generate": MEMBER,
    "POST /api/v1/image/edit": MEMBER,
    "POST /api/v1/image/upscale": MEMBER,
    "GET /api/v1/image/models": MEMBER,
    "GET /api/v1/image/jobs/{job}": MEMBER,
    "GET /api/v1/image/jobs/{job}/events": MEMBER,
    "POST /api/v1/image/jobs/{job}/cancel": MEMBER,
    "GET /api/v1/images": MEMBER,
    "GET /api/v1/images/facets": MEMBER,
    "GET /api/v1/images/zip": MEMBER,
    "POST /api/v1/images/bulk": MEMBER,
    "POST /api/v1/images/parameters": MEMBER,
    "GET /api/v1/images/{image}": MEMBER,
    "PATCH /api/v1/images/{image}": MEMBER,
    "DELETE /api/v1/images/{image}": MEMBER,
    "GET /api/v1/images/{image}/content": MEMBER,
    "POST /api/v1/code/complete": GUEST,
    "POST /api/v1/code/review": GUEST,
    "GET /api/v1/models": GUEST,
    "POST /api/v1/models/pull": ADMIN,
    "POST /api/v1/models/{name:path}/load": ADMIN,
    "POST /api/v1/models/{name:path}/unload": ADMIN,
    "POST /api/v1/models/{name:path}/pin": ADMIN,
    "POST /api/v1/models/{name:path}/unpin": ADMIN,
    "POST /api/v1/models/{name:path}/copy": ADMIN,
    "DELETE /api/v1/models/{name:path}": ADMIN,
    "GET /api/v1/nodes": MEMBER,
    "POST /api/v1/nodes/{node}/drain": ADMIN,
    "POST /api/v1/nodes/{node}/resume": ADMIN,
    "POST /api/v1/drills/plan": ADMIN,
    "POST /api/v1/drills": ADMIN,
    "GET /api/v1/drills": ADMIN,
    "GET /api/v1/drills/{drill}": ADMIN,
    "DELETE /api/v1/drills/{drill}": ADMIN,
    "GET /api/v1/discovery": ADMIN,
    "POST /api/v1/discovery": ADMIN,
    "DELETE /api/v1/discovery/nodes/{node}": ADMIN,
    "POST /api/v1/discovery/{proposal}/accept": ADMIN,
    "POST /api/v1/discovery/{proposal}/dismiss": ADMIN,
    "GET /api/v1/events": GUEST,
    "GET /api/v1/home": MEMBER,
    "GET /api/v1/history": MEMBER,
    "GET /api/v1/settings": ADMIN,
    "GET /api/v1/backup": ADMIN,
    "POST /api/v1/backup": ADMIN,
    "PATCH /api/v1/settings": ADMIN,
    "GET /api/v1/nodes/{node}/history": MEMBER,
    "GET /api/v1/incidents": MEMBER,
    "GET /api/v1/status": MEMBER,
    "GET /api/v1/queue": MEMBER,
    "GET /api/v1/requests": MEMBER,
    "GET /api/v1/requests/{request}": MEMBER,
    "POST /api/v1/reload": ADMIN,
    "GET /api/v1/keys": MEMBER,
    "POST /api/v1/keys": MEMBER,
    "PATCH /api/v1/keys/{key}": ADMIN,
    "POST /api/v1/keys/{key}/rotate": MEMBER,
    "DELETE /api/v1/keys/{key}": MEMBER,
    "GET /api/v1/sessions": GUEST,
    "POST /api/v1/sessions": NOBODY,
    "GET /api/v1/sessions/ways": NOBODY,
    "GET /api/v1/sessions/oidc": NOBODY,
    "POST /api/v1/sessions/oidc": GUEST,
    "GET /api/v1/sessions/oidc/callback": NOBODY,
    "DELETE /api/v1/sessions/{session}": GUEST,
    "GET /api/v1/usage": GUEST,
    "GET /api/v1/limits": GUEST,
    "GET /api/v1/users/me/identities": GUEST,
    "DELETE /api/v1/users/me/identities/{identity}": GUEST,
    "GET /api/v1/invitations": ADMIN,
    "POST /api/v1/invitations": ADMIN,
    "POST /api/v1/invitations/setup": ADMIN,
    "GET /api/v1/invitations/open": NOBODY,
    "POST /api/v1/invitations/accept": NOBODY,
    "DELETE /api/v1/invitations/{link}": ADMIN,
    "GET /api/v1/users/me": GUEST,
    "POST /api/v1/users/me/password": GUEST,
    "GET /api/v1/users/me/totp": GUEST,
    "POST /api/v1/users/me/totp": GUEST,
    "POST /api/v1/users/me/totp/confirm": GUEST,
    "POST /api/v1/users/me/totp/disable": GUEST,
    "POST /api/v1/users/{user}/reset": ADMIN,
    "DELETE /api/v1/users/{user}/totp": ADMIN,
    "GET /api/v1/users": ADMIN,
    "POST /api/v1/users": ADMIN,
    "PATCH /api/v1/users/{user}": ADMIN,
    "DELETE /api/v1/users/{user}": ADMIN,
    "GET /api/v1/audit": ADMIN,
    "GET /api/v1/openapi.json": GUEST,
    "GET /docs": GUEST,
    "/api/v1/{rest:path}": GUEST,  # where nothing is: only who may come in learns that
}

MAY = {
    NOBODY: frozenset(Role),
    GUEST: frozenset(Role),
    MEMBER: frozenset({Role.MEMBER, Role.ADMIN, Role.OWNER}),
    ADMIN: frozenset({Role.ADMIN, Role.OWNER}),
}


def caller(role: Role) -> Caller:
    return Caller(KeyId("k"), "k", UserId("u"), role)


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    served = {route.path for route in ROUTES}
    native = {f"{route.method} {route.path}" for route in NATIVE_ROUTES}
    lines = {line for line in MATRIX if " " in line}
    assert native == lines
    assert served - {route.path for route in NATIVE_ROUTES} <= set(MATRIX) - lines
    assert all(isinstance(route, Guarded | StarletteRoute) for route in ROUTES)
    assert all(isinstance(route, Guarded) or isinstance(route.endpoint, Endpoint) for route in ROUTES)


def test_what_is_public_needs_no_key_and_nothing_else_goes_without() -> None:
    public = {route.path for route in ROUTES if isinstance(route, Guarded) and route.right is None}
    opened = {f"{method} {path}" for method, path in OPEN_ROUTES}
    assert opened == {f"{route.method} {route.path}" for route in NATIVE_ROUTES if route.right is None}
    assert public == PUBLIC_PATHS
    assert public | opened == {line for line, least in MATRIX.items() if least == NOBODY}


@pytest.mark.parametrize("right", Right)
def test_nobody_has_no_right(right: Right) -> None:
    assert not GATE_NOBODY.may(right)


def test_models_may_be_asked_by_every_role() -> None:
    assert {door.right for door in DOORS} == {Right.INFER}
    assert all(Right.INFER in RIGHTS[role] for role in Role)


GUARDED = [route for route in ROUTES if isinstance(route, Guarded)]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.path)
async def test_the_dialects_routes_let_in_whom_they_are_for(route: Guarded, role: Role) -> None:
    served: list[bool] = []

    async def serve(*_: Any) -> None:
        served.append(True)

    alone = copy.copy(route)
    alone.app = serve
    method = min(route.methods or ())
    scope = {"type": "http", "method": method, "path": route.path, "state": {"caller": caller(role)}}
    if role in MAY[MATRIX[route.path]]:
        await alone.handle(scope, serve, serve)  # type: ignore[arg-type]
        assert served
    else:
        with pytest.raises(Forbidden, match=f"Your role, {role},"):
            await alone.handle(scope, serve, serve)  # type: ignore[arg-type]
        assert not served


@pytest.mark.parametrize("role", Role)
async def test_the_native_routes_let_in_whom_they_are_for(role: Role) -> None:
    async def serve(_: Exchange) -> Reply:
        return Reply(None)

    world = World()
    for route in NATIVE_ROUTES:
        path = route.path.split("{")[0] + ("x" if "{" in route.path else "")
        endpoint = Endpoint([replace(route, path=path, action=plain(serve))])
        world.app.router.routes = [StarletteRoute(path, endpoint)]
        served = await world.ask(route.method, path, caller=caller(role))
        allowed = role in MAY[MATRIX[f"{route.method} {route.path}"]]
        done = route.status if route.status >= 300 else 204  # a redirect has no body either
        assert served.status == (done if allowed else 403), (route.method, route.path)


# A key that is limited, to surfaces or to models, asks models and looks. What it might lift its limits with is not for
# it, whoever's it is; nor are jobs, whose kinds ask models on their own.
NOT_FOR_LIMITED_KEYS = re.compile(r" /api/v1/(keys(/|$)|jobs(/|$)|users/me/|sessions/oidc)")

SCOPES = [*(KeyScope(surfaces=(surface,)) for surface in SURFACES), KeyScope(models=("m",))]


def may_limited(line: str, role: Role) -> bool:
    return role in MAY[MATRIX[line]] and MATRIX[line] != ADMIN and not NOT_FOR_LIMITED_KEYS.search(line)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: (scope.surfaces or scope.models)[0])
async def test_every_route_lets_in_limited_keys_by_role_and_scope(role: Role, scope: KeyScope) -> None:
    """Each route of the tables, for each role, with a key for each surface and one for a model."""

    async def served(*_: Any) -> None:
        reached.append("")

    key = make_key(bytes(32))
    keyring = Keyring(lambda: 1.0)
    keyring.replace(
        [
            KeyRecord(
                KeyId("k"), "k", "pk", digest(key), 1.0, user=UserId("u"), surfaces=scope.surfaces, models=scope.models
            )
        ],
        [UserRecord(UserId("u"), "u", role, 1.0)],
    )
    lines = [(f"{route.method} {route.path}", route.method, route.path, route.right) for route in NATIVE_ROUTES]
    lines += [(route.path, min(route.methods or ()), route.path, route.right) for route in GUARDED]
    for line, method, path, right in lines:
        if right is None:
            continue
        reached: list[str] = []
        gate = RequireKey(served, keyring)
        asked: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(b"x-api-key", key.encode())],
        }
        on_its_surface = scope.surfaces is None or surface_of(path) in scope.surfaces
        if on_its_surface:
            await gate(asked, served, served)
            allowed = asked["state"]["caller"].may(right)
            assert allowed == may_limited(line, role), f"{line}: is it for limited keys?"
        else:
            with pytest.raises(Forbidden, match="This key is not for the"):
                await gate(asked, served, served)
            assert not reached, line


@pytest.mark.parametrize("surface", SURFACES)
def test_every_door_is_of_one_surface(surface: str) -> None:
    theirs = {door.path for door in DOORS if KeyScope(surfaces=(surface,)).allows_surface(door.family)}
    assert theirs == {door.path for door in DOORS if door.family == surface}
