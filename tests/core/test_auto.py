"""What `auto` chooses: never what cannot serve the call, the owner's routes first, and always the same for the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.auto import LONG_TOKENS, ROUTES, Choice, Look, Trait, about_code, choose, look
from potluck.core.call import (
    ChatCall,
    EmbedCall,
    ImagePart,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Sampling,
    Snippet,
    TextCall,
    TextPart,
    Thinking,
    Tool,
)
from potluck.core.catalogue import SERVING, Catalogue, RouteRule
from potluck.core.errors import BadRequest, NoEngineReady, PotluckError, Unsupported
from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.names import canonical

CHAT = frozenset({Capability.COMPLETION})
VISION = CHAT | {Capability.VISION}
TOOLS = CHAT | {Capability.TOOLS}
THINKING = CHAT | {Capability.THINKING}
EMBEDDING = frozenset({Capability.EMBEDDING})
GB = 1_000_000_000


def model(
    name: str,
    capabilities: frozenset[Capability] = CHAT,
    *,
    gb: int | None = None,
    resident: bool = False,
    context: int | None = None,
) -> Model:
    size = None if gb is None else gb * GB
    return Model(ModelId(name), capabilities, context, resident, size)


def catalogue(*models: Model, health: Health = Health.UP, **routes: str) -> Catalogue:
    engine = Engine(EngineId("e"), NodeId("n"), EngineKind.OLLAMA, health, models={each.id: each for each in models})
    return Catalogue({engine.id: engine}, {name: RouteRule(name, (ModelId(to),)) for name, to in routes.items()})


def said(*texts: str, system: str = "") -> ChatCall:
    messages = [Message(Role.USER, (TextPart(text),)) for text in texts]
    if system:
        messages.insert(0, Message(Role.SYSTEM, (TextPart(system),)))
    return ChatCall("auto", tuple(messages))


# --- looking ---


@pytest.mark.parametrize(
    "text",
    [
        "What is wrong here?\n```\nx = 1\n```",
        "Why does src/main.py fail?",
        "open core/auto.rs and app.tsx",
        "Traceback (most recent call last):\n  File",
        "diff --git a/x b/x",
        "please fix\n  def total(rows):",
        "#include <stdio.h>",
        "SELECT name FROM users",
        "export const limit = 3",
        "Write a Python function that sorts.",
        "a small c++ program",
    ],
)
def test_code_is_seen(text: str) -> None:
    assert about_code(text)
    assert look(said(text)).code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What shall I cook on Sunday?",
        "See https://example.org/index.html and mail me@example.com",
        "My function at work is to import goods from China.",
        "I live in the U.S.A. and select wine from France",
        "report.pdf and list.csv are in the folder",
        "Tell me about the python, a snake.",
    ],
)
def test_ordinary_talk_is_not_taken_for_code(text: str) -> None:
    assert not look(said(text)).code


def test_code_in_the_systems_text_says_nothing_and_an_old_one_far_back_neither() -> None:
    assert not look(said("Hello", system="Use ```fences```.")).code
    assert not look(said("```x```", "word " * 10_000)).code
    assert look(said("```x```", "And now?")).code


def test_what_editors_ask_for_is_code() -> None:
    assert look(InfillCall("auto", "a", "b", snippets=(Snippet("p", "t"),))).code
    assert look(said("Hello"), coding=True).code
    assert look(TextCall("auto", ("```x```", (1, 2)))).code


@pytest.mark.parametrize(
    ("thinking", "asked"),
    [
        (Thinking(), False),
        (Thinking(True), True),
        (Thinking(False, "high"), False),
        (Thinking(None, "low"), True),
        (Thinking(None, "none"), False),
        (Thinking(None, "minimal"), False),
    ],
)
def test_reasoning_is_seen_where_it_is_asked_for(thinking: Thinking, asked: bool) -> None:
    assert look(replace(said("Hi"), thinking=thinking)).reasoning is asked
    assert look(TextCall("auto", ("Hi",), thinking=thinking)).reasoning is asked


def test_length_counts_texts_tools_images_and_the_answer() -> None:
    assert look(said("x" * 400)).tokens == 100 + 1024
    assert look(replace(said("x" * 400), sampling=Sampling(max_tokens=50))).tokens == 150
    tool = Tool("t", "d" * 398, {})
    assert look(replace(said(""), tools=(tool,), sampling=Sampling(max_tokens=0))).tokens == 100
    picture = Message(Role.USER, (ImagePart("aGk="),))
    seen = look(ChatCall("auto", (picture,), sampling=Sampling(max_tokens=0)))
    assert (seen.tokens, seen.traits) == (1024, (Trait.IMAGES,))
    assert look(TextCall("auto", ("x" * 40,), system="y" * 40)).tokens == 20 + 1024
    assert look(EmbedCall("auto", ("x",))).traits == (Trait.EMBEDDING,)
    assert look(LoadCall("auto")) == Look(CHAT)
    assert Trait.LENGTH in look(said("x" * 5 * LONG_TOKENS)).traits


# --- choosing ---


def test_the_owners_route_for_what_the_call_shows_goes_first() -> None:
    models = (model("small"), model("sees", VISION, gb=4), model("qwen2.5-coder:7b", gb=5))
    found = catalogue(*models, vision="sees", coding="small", chat="small")
    assert choose(Look(VISION, code=True), found) == Choice("vision", "images, code: route vision")
    assert choose(Look(CHAT, code=True), found) == Choice("coding", "code: route coding")
    assert choose(Look(CHAT), found) == Choice("chat", "chat: route chat")


def test_an_alias_of_a_routes_name_is_as_good_and_a_model_of_that_name_is_none() -> None:
    engine = Engine(EngineId("e"), NodeId("n"), EngineKind.OLLAMA, Health.UP)
    named = replace(engine, models={each.id: each for each in (model("coding"), model("m", resident=True))})
    assert choose(Look(CHAT, code=True), Catalogue({engine.id: named}, {}, {"coding": "m"})).name == "coding"
    assert choose(Look(CHAT), Catalogue({engine.id: named}, {}, {"chat": "m"})).name == "chat"
    assert choose(Look(CHAT), Catalogue({engine.id: named}, {})).name == "m"


def test_a_coder_for_code_a_thinker_for_reasoning_and_neither_for_talk() -> None:
    found = catalogue(
        model("qwen2.5-coder:7b", gb=5, resident=True),
        model("talker", gb=2),
        model("deep", THINKING, gb=9),
        chat="talker",
    )
    assert choose(Look(CHAT, code=True), found).name == "qwen2.5-coder:7b"
    assert choose(Look(CHAT, reasoning=True), found).name == "deep"
    assert choose(Look(CHAT), found).name == "chat"
    alone = catalogue(model("qwen2.5-coder:7b", gb=5, resident=True), model("talker", gb=2))
    assert choose(Look(CHAT), alone) == Choice("talker", "chat: model talker")


def test_the_chat_route_serves_what_no_model_is_better_for() -> None:
    found = catalogue(model("talker", gb=2), model("other", gb=4, resident=True), chat="talker")
    assert choose(Look(CHAT, code=True, reasoning=True), found).name == "chat"


def test_a_model_that_can_fill_in_is_half_a_coder() -> None:
    found = catalogue(model("a", gb=9), model("b", CHAT | {Capability.INSERT}, gb=1))
    assert choose(Look(CHAT, code=True), found).name == "b"


def test_of_equal_models_the_loaded_one_then_the_largest_that_nobody_waits_for() -> None:
    assert choose(Look(CHAT), catalogue(model("a", gb=8), model("b", gb=2, resident=True))) == Choice(
        "b", "chat: model b, loaded"
    )
    assert choose(Look(CHAT), catalogue(model("a", gb=2), model("b", gb=8), model("c", gb=40))).name == "b"
    assert choose(Look(CHAT), catalogue(model("a", gb=80), model("b", gb=40))).name == "b"


def test_a_long_prompt_goes_to_a_model_that_holds_it_else_to_the_one_with_most_room() -> None:
    models = (model("short", gb=8, resident=True, context=4096), model("wide", gb=2, context=131_072))
    assert choose(Look(CHAT, tokens=20_000), catalogue(*models, chat="short")) == Choice(
        "wide", "a long prompt: model wide"
    )
    assert choose(Look(CHAT, tokens=1_000), catalogue(*models)).name == "short"
    assert choose(Look(CHAT, tokens=500_000), catalogue(*models)).name == "wide"


def test_what_no_model_can_is_said() -> None:
    with pytest.raises(Unsupported, match='"auto" does not support vision'):
        choose(Look(VISION), catalogue(model("m")))
    with pytest.raises(NoEngineReady):
        choose(Look(CHAT), catalogue(model("m"), health=Health.DOWN))
    with pytest.raises(NoEngineReady):
        choose(Look(CHAT), Catalogue({}, {}))


def test_what_only_a_tried_engine_can_do_is_not_chosen_again() -> None:
    found = catalogue(model("m"), chat="m")
    with pytest.raises(NoEngineReady):
        choose(Look(CHAT), found, frozenset({EngineId("e")}))


def test_embeddings_are_not_chosen_among_models() -> None:
    one, other = model("nomic", EMBEDDING), model("bge", EMBEDDING)
    assert choose(Look(EMBEDDING), catalogue(one, model("m"))).name == "nomic"
    assert choose(Look(EMBEDDING), catalogue(one, other, embeddings="bge")).name == "embeddings"
    with pytest.raises(BadRequest, match="Name one of nomic, bge"):
        choose(Look(EMBEDDING), catalogue(one, other))


# --- rules ---

CAPABILITIES = st.frozensets(st.sampled_from(Capability)).map(lambda some: some | {Capability.COMPLETION})
NAMES = st.sampled_from(["llama", "qwen-coder", "seer", "deep", "tiny:1b", "chat"])
MODELS = st.builds(
    model,
    NAMES,
    CAPABILITIES,
    gb=st.none() | st.integers(1, 90),
    resident=st.booleans(),
    context=st.none() | st.integers(256, 200_000),
)
LOOKS = st.builds(
    Look,
    st.sampled_from([CHAT, VISION, TOOLS, THINKING, VISION | TOOLS]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 300_000),
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    engines: dict[EngineId, Engine] = {}
    for number in range(draw(st.integers(0, 3))):
        models = {each.id: each for each in draw(st.lists(MODELS, max_size=4))}
        health = draw(st.sampled_from(Health))
        engine = Engine(EngineId(f"e{number}"), NodeId(f"n{number}"), EngineKind.OLLAMA, health, models=models)
        engines[engine.id] = engine
    routes = draw(st.dictionaries(st.sampled_from([*ROUTES.values(), "chat"]), st.lists(NAMES, max_size=2)))
    return Catalogue(engines, {name: RouteRule(name, tuple(map(ModelId, to))) for name, to in routes.items()})


@given(LOOKS, catalogues())
def test_what_is_chosen_can_serve_the_call_and_says_why(seen: Look, found: Catalogue) -> None:
    able = [each for engine, each in found.models() if engine.health in SERVING and seen.needs <= each.capabilities]
    try:
        choice = choose(seen, found)
    except PotluckError:
        assert not able
        return
    offers = found.resolve(choice.name, seen.needs).offers
    assert any(offer.could_serve(seen.needs) for offer in offers)
    assert choice.name in choice.why
    assert all(trait in choice.why for trait in seen.traits)
    assert choose(seen, found) == choice


@given(LOOKS, catalogues())
def test_a_prompt_is_only_too_long_for_what_is_chosen_if_it_is_for_all(seen: Look, found: Catalogue) -> None:
    holders = [
        each
        for engine, each in found.models()
        if engine.health in SERVING
        and seen.needs <= each.capabilities
        and (each.context is None or seen.tokens <= each.context)
    ]
    if not holders:
        return
    name = choose(seen, found).name
    offered = found.resolve(name, seen.needs).offers
    assert any(offer.model.context is None or seen.tokens <= offer.model.context for offer in offered)


@given(LOOKS, catalogues())
def test_an_owners_route_for_a_trait_that_could_serve_is_never_passed_over(seen: Look, found: Catalogue) -> None:
    for trait in seen.traits:
        resolution = found.resolve(ROUTES[trait], seen.needs)
        serving = [offer.model for offer in resolution.offers if offer.could_serve(seen.needs)]
        if resolution.route and any(each.context is None or seen.tokens <= each.context for each in serving):
            assert canonical(choose(seen, found).name) in {canonical(ROUTES[each]) for each in seen.traits}
            return
