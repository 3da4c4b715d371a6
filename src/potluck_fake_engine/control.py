"""The control API under `/fake/`: faults, models, settings, state. It needs no key and is never hit by faults."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec

from potluck_fake_engine.faults import Fault
from potluck_fake_engine.http import Reply, Request
from potluck_fake_engine.settings import BadSetting, ModelSpec, change_model, parse_size

if TYPE_CHECKING:
    from potluck_fake_engine.server import Site

SETTABLE = ("slots", "speed", "max_loaded", "max_queue", "num_ctx", "keep_alive_s")


async def handle(site: Site, request: Request, reply: Reply) -> None:
    handler = HANDLERS.get((request.method, request.path))
    if handler is None:
        known = ", ".join(sorted(f"{method} {path}" for method, path in HANDLERS))
        await _say(reply, 404, {"error": f"no such control; there are {known}"})
        return
    try:
        answer = await handler(site, request)
    except (msgspec.DecodeError, BadSetting) as exc:
        await _say(reply, 400, {"error": str(exc)})
    else:
        await _say(reply, 200, answer)


async def _say(reply: Reply, status: int, answer: Mapping[str, Any]) -> None:
    await reply.respond(status, msgspec.json.encode(answer))


async def _add_faults(site: Site, request: Request) -> Mapping[str, Any]:
    """One fault or a list of them."""
    one = request.body.lstrip().startswith(b"{")
    faults = (
        [msgspec.json.decode(request.body, type=Fault)] if one else msgspec.json.decode(request.body, type=list[Fault])
    )
    return {"ids": [site.add_fault(fault) for fault in faults]}


async def _list_faults(site: Site, request: Request) -> Mapping[str, Any]:
    armed = [{"id": one.id, "hits": one.hits, **msgspec.structs.asdict(one.fault)} for one in site.faults.armed]
    return {"faults": armed, "hits": site.faults.log}


async def _clear_faults(site: Site, request: Request) -> Mapping[str, Any]:
    fault_id = request.argument("id")
    site.faults.clear(int(fault_id) if fault_id.isdigit() else None)
    return {}


async def _change_model(site: Site, request: Request) -> Mapping[str, Any]:
    """`{"name": N, ...}` adds or changes a model; `"remove": true` forgets it; `"loaded": bool` loads or drops it."""
    changes = msgspec.json.decode(request.body, type=dict[str, Any])
    name = str(changes.pop("name", ""))
    if not name:
        raise BadSetting("which model? give its name")
    change(site, name, changes)
    return state(site)


def change(site: Site, name: str, changes: Mapping[str, Any]) -> None:
    """What `POST /fake/models` does.

    Raises:
        BadSetting: an unknown key or an unreadable value.
    """
    engine = site.engine
    texts = {key: _as_text(value) for key, value in changes.items() if key not in ("remove", "loaded")}
    if changes.get("remove"):
        if name in engine.models:
            engine.remove(name)
        return
    known = engine.models.get(name)
    model = engine.add(change_model(known.spec if known else ModelSpec(name), texts))
    if changes.get("loaded") is True:
        engine.preload(model)
    elif changes.get("loaded") is False:
        engine.unload(name)


def _as_text(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON


async def _change_settings(site: Site, request: Request) -> Mapping[str, Any]:
    """`memory` (a size, or null for no limit) and the numbers of `SETTABLE`."""
    changes = msgspec.json.decode(request.body, type=dict[str, Any])
    change_settings(site, changes)
    return state(site)


def change_settings(site: Site, changes: Mapping[str, Any]) -> None:
    settings = site.engine.settings
    for key, value in changes.items():
        if key == "memory":
            settings = replace(settings, memory=None if value is None else parse_size(str(value)))
        elif key in SETTABLE:
            settings = replace(settings, **{key: value})
        else:
            raise BadSetting(f"{key!r} cannot be set; these can: memory, {', '.join(SETTABLE)}")
    site.engine.change_settings(settings)


async def _state(site: Site, request: Request) -> Mapping[str, Any]:
    return state(site)


def state(site: Site) -> dict[str, Any]:
    """Everything there is to know, but for the requests' bodies."""
    engine = site.engine
    models = {
        name: {
            **{f.name: getattr(model.spec, f.name) for f in fields(model.spec) if f.name != "capabilities"},
            "capabilities": sorted(model.spec.capabilities),
            "slots": model.slots.number,
            "busy": model.slots.busy(),
            "most_busy": model.slots.most_busy,
            "queued": len(model.slots.waiting),
        }
        for name, model in engine.models.items()
    }
    runners = [
        {
            "model": runner.model,
            "size": runner.size,
            "options": runner.options,
            "loading": runner.loading,
            "users": runner.users,
            "keep_alive_s": _finite(runner.keep_alive_s),
        }
        for runner in engine.memory.runners.values()
    ]
    return {
        "models": models,
        "resident": [runner for runner in runners if not runner["loading"]],
        "loading": [runner for runner in runners if runner["loading"]],
        "busy": sum(model.slots.busy() for model in engine.models.values()),
        "queue": engine.waiting(),
        "pending_loads": len(engine.memory.pending),
        "memory_used": engine.memory.used(),
        "counters": asdict(engine.counters),
        "evictions": engine.eviction_log,
        "requests_seen": len(site.requests),
        "faults_armed": len(site.faults.armed),
    }


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds


async def _requests(site: Site, request: Request) -> Mapping[str, Any]:
    """The last requests as received, oldest first; `?last=N` for fewer. A body that is no text comes as `body_b64`."""
    last = request.argument("last")
    chosen = list(site.requests)[-int(last) :] if last.isdigit() and int(last) else list(site.requests)
    return {"requests": [_shown(one) for one in chosen]}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
    }
    try:
        shown["body"] = request.body.decode()
    except UnicodeDecodeError:
        shown["body_b64"] = base64.b64encode(request.body).decode()
    return shown


async def _turns(site: Site, request: Request) -> Mapping[str, Any]:
    """What became of the last calls that had a slot, in the order of their ends."""
    return {"turns": [asdict(one) for one in site.engine.turns]}


async def _reset(site: Site, request: Request) -> Mapping[str, Any]:
    reset(site)
    return state(site)


def reset(site: Site) -> None:
    """Forget faults, records and counters. Models, memory and running calls stay."""
    site.faults.clear()
    site.faults.log.clear()
    site.requests.clear()
    site.engine.eviction_log.clear()
    site.engine.turns.clear()
    site.engine.counters = type(site.engine.counters)()


HANDLERS: Mapping[tuple[str, str], Callable[[Site, Request], Awaitable[Mapping[str, Any]]]] = {
    ("POST", "/fake/faults"): _add_faults,
    ("GET", "/fake/faults"): _list_faults,
    ("DELETE", "/fake/faults"): _clear_faults,
    ("POST", "/fake/models"): _change_model,
    ("POST", "/fake/settings"): _change_settings,
    ("GET", "/fake/state"): _state,
    ("POST", "/fake/state"): _state,
    ("GET", "/fake/requests"): _requests,
    ("GET", "/fake/turns"): _turns,
    ("POST", "/fake/reset"): _reset,
}
