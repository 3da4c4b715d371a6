"""Every route of the native API, in one list: served, described by the OpenAPI document, and documented from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.routing import Route as StarletteRoute

from potluck import __version__
from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces import openapi
from potluck.surfaces.v1 import (
    audit,
    chat,
    complete,
    conversations,
    discovery,
    discovery_shapes,
    drill_shapes,
    drills,
    fleet,
    generations,
    keys,
    model_shapes,
    models,
    people_shapes,
    requests,
    review,
    sessions,
    shapes,
    users,
)
from potluck.surfaces.v1.endpoint import Action, Endpoint, Route, asking, perhaps, plain, reading
from potluck.surfaces.v1.errors import ErrorBody
from potluck.surfaces.v1.exchange import Exchange, Page

_MODEL_ERRORS: Final = (e.ModelNotFound, e.ContextOverflow, e.Unsupported, e.Overloaded, e.NodeError, e.NodeTimeout)


_KEEPING_ERRORS: Final = (e.NotImplementedHere, e.NoEngineReady, e.NodeError, e.NodeTimeout)


_CHAT_EVENTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "queued": shapes.InLineInfo,
    "seated": shapes.SeatedInfo,
    "meta": shapes.ChatMeta,
    "delta": shapes.Delta,
    "reasoning": shapes.Delta,
    "rescued": shapes.RescuedInfo,
    "done": shapes.ChatDone,
    "error": ErrorBody,
    "stopped": shapes.StoppedInfo,
}


async def _document(_: Exchange) -> Page:
    return Page(msgspec.json.encode(openapi.document(NATIVE_ROUTES, __version__)), "application/json")


async def _docs(_: Exchange) -> Page:
    policy = {"content-security-policy": openapi.PAGE_POLICY}
    return Page(openapi.page(NATIVE_ROUTES).encode(), "text/html; charset=utf-8", policy)


def _keeping(verb: str, summary: str, action: Action) -> Route:
    """A change to one model. Its name may hold slashes and a colon."""
    return Route(
        "POST",
        f"/api/v1/models/{{name:path}}/{verb}",
        summary,
        action,
        model_shapes.ModelsChanged,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, e.NoRoom, *_KEEPING_ERRORS),
        right=Right.CHANGE_FLEET,
    )


NATIVE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/api/v1/chat",
        "Say something in a conversation; both sides are kept.",
        reading(shapes.ChatRequest, chat.chat),
        shapes.ChatReply,
        errors=(e.NotFound, *_MODEL_ERRORS),
        events=_CHAT_EVENTS,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations",
        "List your answers that run, and those that ended lately.",
        plain(generations.list_generations),
        shapes.GenerationList,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations/{generation}",
        "Tell how an answer stands, and its text so far.",
        plain(generations.read_generation),
        shapes.GenerationState,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations/{generation}/events",
        "Follow an answer: what you have missed, then what comes. 204 if it has ended and you have it all.",
        asking(shapes.EventQuery, generations.read_events),
        None,
        errors=(e.NotFound,),
        events=_CHAT_EVENTS,
        media_type="text/event-stream",
        right=Right.CONVERSE,
    ),
    Route(
        "DELETE",
        "/api/v1/generations/{generation}",
        "Stop an answer; its text so far is kept.",
        plain(generations.stop_generation),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/conversations",
        "List your conversations, newest first, or search them.",
        asking(shapes.ConversationQuery, conversations.list_conversations),
        shapes.ConversationList,
        right=Right.CONVERSE,
    ),
    Route(
        "POST",
        "/api/v1/conversations",
        "Begin an empty conversation.",
        reading(shapes.NewConversation, conversations.create_conversation),
        shapes.ConversationInfo,
        status=201,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/conversations/{conversation}",
        "Read a conversation with its messages.",
        plain(conversations.read_conversation),
        shapes.ConversationThread,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "PATCH",
        "/api/v1/conversations/{conversation}",
        "Rename a conversation.",
        reading(shapes.Rename, conversations.rename_conversation),
        shapes.ConversationInfo,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "DELETE",
        "/api/v1/conversations/{conversation}",
        "Delete a conversation and its messages.",
        plain(conversations.delete_conversation),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CONVERSE,
    ),
    Route(
        "POST",
        "/api/v1/code/complete",
        "Complete code at the cursor; of requests with the same editor, the newest cancels the others.",
        reading(shapes.CompleteRequest, complete.complete),
        shapes.CompleteReply,
        errors=(e.Superseded, *_MODEL_ERRORS),
        events={
            "meta": shapes.CompleteMeta,
            "delta": shapes.Delta,
            "done": shapes.ChatDone,
            "error": ErrorBody,
        },
        right=Right.INFER,
    ),
    Route(
        "POST",
        "/api/v1/code/review",
        "Review a diff or files; findings come as they are found.",
        reading(shapes.ReviewRequest, review.review),
        shapes.ReviewReply,
        errors=_MODEL_ERRORS,
        events={
            "finding": shapes.FindingInfo,
            "progress": shapes.ReviewProgress,
            "done": shapes.ReviewDone,
            "error": ErrorBody,
        },
        right=Right.INFER,
    ),
    Route(
        "GET",
        "/api/v1/models",
        "List models and where they are.",
        plain(fleet.models),
        shapes.ModelList,
        right=Right.LOOK,
    ),
    Route(
        "POST",
        "/api/v1/models/pull",
        "Fetch a model onto the best engine, or the one that is named.",
        reading(model_shapes.PullRequest, models.pull),
        model_shapes.PullDone,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, e.NoRoom, *_KEEPING_ERRORS),
        events={
            "placed": model_shapes.PullPlaced,
            "progress": model_shapes.PullProgress,
            "done": model_shapes.PullDone,
            "error": ErrorBody,
        },
        right=Right.CHANGE_FLEET,
    ),
    _keeping("load", "Bring a model into memory.", perhaps(model_shapes.LoadRequest, models.load)),
    _keeping("unload", "Take a model out of memory.", perhaps(model_shapes.PlaceQuery, models.unload)),
    _keeping("pin", "Load a model and keep it in memory.", perhaps(model_shapes.PlaceQuery, models.pin)),
    _keeping("unpin", "Let a pinned model go when it is not used.", perhaps(model_shapes.PlaceQuery, models.unpin)),
    _keeping("copy", "Give a model another name beside its own.", reading(model_shapes.CopyRequest, models.copy)),
    Route(
        "DELETE",
        "/api/v1/models/{name:path}",
        "Remove a model from the disks of the engines that have it.",
        asking(model_shapes.PlaceQuery, models.remove),
        model_shapes.ModelsChanged,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, *_KEEPING_ERRORS),
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/nodes",
        "List nodes, their engines and how they are.",
        plain(fleet.nodes),
        shapes.NodeList,
        right=Right.SEE_FLEET,
    ),
    Route(
        "POST",
        "/api/v1/nodes/{node}/drain",
        "Let nothing new start on a node, and load its models elsewhere.",
        plain(fleet.drain),
        shapes.DrainInfo,
        errors=(e.NotFound,),
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/nodes/{node}/resume",
        "Let a drained node serve again.",
        plain(fleet.resume),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/drills/plan",
        "Say what a drill would do, and what is against it.",
        perhaps(drill_shapes.DrillTarget, drills.plan),
        drill_shapes.DrillPlan,
        errors=(e.NotFound,),
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "POST",
        "/api/v1/drills",
        "Take a node out for a while, and watch that no call is lost; it is given back whatever happens.",
        perhaps(drill_shapes.DrillRequest, drills.begin),
        drill_shapes.DrillReport,
        errors=(e.NotFound, e.Conflict),
        status=201,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/drills",
        "List the last drills, newest first.",
        plain(drills.list_drills),
        drill_shapes.DrillList,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/drills/{drill}",
        "Tell how a drill goes, or went.",
        plain(drills.read),
        drill_shapes.DrillReport,
        errors=(e.NotFound,),
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "DELETE",
        "/api/v1/drills/{drill}",
        "End a drill early; answered when its node is back.",
        plain(drills.end),
        drill_shapes.DrillReport,
        errors=(e.NotFound,),
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/discovery",
        "List the machines that were seen on the network, and those that were accepted.",
        plain(discovery.read),
        discovery_shapes.DiscoveryReply,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "POST",
        "/api/v1/discovery",
        "Look for machines now, and list them when that is done: a scan takes seconds to minutes.",
        plain(discovery.look),
        discovery_shapes.DiscoveryReply,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "DELETE",
        "/api/v1/discovery/nodes/{node}",
        "Forget a node that was accepted.",
        plain(discovery.forget),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/discovery/{proposal}/accept",
        "Serve a machine that was found, or take a node's new address.",
        perhaps(discovery_shapes.AcceptRequest, discovery.accept),
        discovery_shapes.AcceptedInfo,
        errors=(e.NotFound, e.Conflict),
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/discovery/{proposal}/dismiss",
        "Propose a machine no more.",
        plain(discovery.dismiss),
        None,
        errors=(e.NotFound, e.Conflict),
        status=204,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/status",
        "Version, uptime and counts.",
        plain(fleet.status),
        shapes.StatusReply,
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/queue",
        "List calls that wait for a slot, in order; owners and admins see everybody's.",
        plain(fleet.queue),
        shapes.QueueReply,
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/requests",
        "List calls that have ended, newest first; owners and admins see everybody's.",
        asking(shapes.RequestQuery, requests.list_requests),
        shapes.RequestList,
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/requests/{request}",
        "Tell how one call went, and why its node was chosen.",
        plain(requests.read_request),
        shapes.RequestInfo,
        errors=(e.NotFound,),
        right=Right.SEE_FLEET,
    ),
    Route(
        "POST",
        "/api/v1/reload",
        "Read the configuration again; with errors in it the old one stays.",
        plain(fleet.reload),
        shapes.ReloadReply,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/keys",
        "List one's API keys; who manages users sees everybody's.",
        plain(keys.list_keys),
        shapes.KeyList,
        right=Right.OWN_KEYS,
    ),
    Route(
        "POST",
        "/api/v1/keys",
        "Make an API key for oneself or, for who manages users, for somebody; it is shown this once.",
        reading(shapes.NewKey, keys.create_key),
        shapes.KeyCreated,
        errors=(e.NotFound, e.Conflict),
        status=201,
        right=Right.OWN_KEYS,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/keys/{key}/rotate",
        "Make a key in place of one, which stays valid for a while; it is shown this once.",
        perhaps(shapes.Rotation, keys.rotate_key),
        shapes.KeyCreated,
        errors=(e.NotFound, e.Conflict),
        status=201,
        right=Right.OWN_KEYS,
        lasting=True,
    ),
    Route(
        "DELETE",
        "/api/v1/keys/{key}",
        "Revoke an API key.",
        plain(keys.revoke_key),
        None,
        errors=(e.NotFound, e.Conflict),
        status=204,
        right=Right.OWN_KEYS,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/sessions",
        "List one's sessions in browsers.",
        plain(sessions.list_sessions),
        sessions.SessionList,
        right=Right.LOOK,
    ),
    Route(
        "POST",
        "/api/v1/sessions",
        "Begin a session with an API key: the answer sets a cookie that stands for the key in this browser.",
        plain(sessions.begin_session),
        sessions.SessionInfo,
        errors=(e.BadRequest, e.Forbidden, e.Unauthenticated),
        status=201,
        right=None,
        lasting=True,
    ),
    Route(
        "DELETE",
        "/api/v1/sessions/{session}",
        "End one of one's sessions, by id or as `current`.",
        plain(sessions.end_session),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.LOOK,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/users/me",
        "Tell who one is.",
        plain(users.read_self),
        people_shapes.UserInfo,
        right=Right.LOOK,
    ),
    Route(
        "GET",
        "/api/v1/users",
        "List users.",
        plain(users.list_users),
        people_shapes.UserList,
        right=Right.MANAGE_PEOPLE,
    ),
    Route(
        "POST",
        "/api/v1/users",
        "Add a user.",
        reading(people_shapes.NewUser, users.create_user),
        people_shapes.UserInfo,
        errors=(e.Conflict,),
        status=201,
        right=Right.MANAGE_PEOPLE,
        lasting=True,
    ),
    Route(
        "PATCH",
        "/api/v1/users/{user}",
        "Change a user's role, disable it, or let it in again; by id or name.",
        reading(people_shapes.UserChange, users.change_user),
        people_shapes.UserInfo,
        errors=(e.NotFound, e.Conflict),
        right=Right.MANAGE_PEOPLE,
        lasting=True,
    ),
    Route(
        "DELETE",
        "/api/v1/users/{user}",
        "Remove a user with its keys and conversations.",
        plain(users.remove_user),
        None,
        errors=(e.NotFound, e.Conflict),
        status=204,
        right=Right.MANAGE_PEOPLE,
        lasting=True,
    ),
    Route(
        "GET",
        "/api/v1/audit",
        "Read the audit log, newest first, or from an entry on to verify it.",
        asking(audit.AuditQuery, audit.list_entries),
        audit.AuditList,
        right=Right.AUDIT,
    ),
    Route(
        "GET", "/api/v1/openapi.json", "This API as an OpenAPI 3.1 document.", plain(_document), None, right=Right.LOOK
    ),
    Route("GET", "/docs", "This API as a page.", plain(_docs), None, media_type="text/html", right=Right.LOOK),
)


def starlette_routes() -> list[StarletteRoute]:
    """For the application; its ``state.services`` and each request's ``state.caller`` must be set.

    The last one answers for whatever else lies under ``/api/v1``.
    """
    paths = dict.fromkeys(route.path for route in NATIVE_ROUTES)
    served = [
        StarletteRoute(path, Endpoint([route for route in NATIVE_ROUTES if route.path == path])) for path in paths
    ]
    return [*served, StarletteRoute("/api/v1/{rest:path}", Endpoint(()))]
