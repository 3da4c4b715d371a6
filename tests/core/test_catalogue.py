from __future__ import annotations

import tracemalloc
from dataclasses import replace

from potluck.core.catalogue import Catalogue, RouteRule, missing_capability
from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.scheduling.asks import Policy

COMPLETION = frozenset({Capability.COMPLETION})


def engine(name: str, *models: Model, health: Health = Health.UP) -> Engine:
    return Engine(EngineId(name), NodeId(name), EngineKind.OLLAMA, health, models={model.id: model for model in models})


def model(name: str, *, resident: bool = False, capabilities: frozenset[Capability] = COMPLETION) -> Model:
    return Model(ModelId(name), resident=resident, capabilities=capabilities)


def catalogue(*engines: Engine, routes: tuple[RouteRule, ...] = ()) -> Catalogue:
    return Catalogue({each.id: each for each in engines}, {rule.name: rule for rule in routes})


def places(found: Catalogue, asked: str) -> list[tuple[str, str]]:
    return [(offer.engine.id, offer.model.id) for offer in found.resolve(asked).offers]


def test_a_name_means_the_same_with_and_without_latest_and_in_any_case() -> None:
    found = catalogue(engine("a", model("Llama3.2:latest")), engine("b", model("llama3.2")))
    for asked in ("llama3.2", "LLAMA3.2:latest", "library/llama3.2"):
        assert places(found, asked) == [("a", "Llama3.2:latest"), ("b", "llama3.2")]


def test_an_unknown_name_has_no_offers_but_near_names() -> None:
    found = catalogue(engine("a", model("llama3.2:latest")))
    assert found.resolve("lama3.2").offers == ()
    assert found.near("lama3.2") == ("llama3.2:latest",)


def test_who_can_do_something_is_named_once() -> None:
    embedder = model("nomic", capabilities=frozenset({Capability.EMBEDDING}))
    found = catalogue(engine("a", model("Llama3.2:latest"), embedder), engine("b", model("llama3.2")))
    assert found.able(frozenset({Capability.EMBEDDING})) == ("nomic",)
    assert len(found.able(COMPLETION)) == 1
    assert found.able(frozenset({Capability.VISION})) == ()


def test_offers_show_engines_as_they_are_now() -> None:
    engines = {EngineId("a"): engine("a", model("m"))}
    found = Catalogue(engines, {})
    assert found.resolve("m").offers[0].could_serve(COMPLETION)
    engines[EngineId("a")] = replace(engines[EngineId("a")], health=Health.DOWN)
    found.refresh()
    assert not found.resolve("m").offers[0].could_serve(COMPLETION)


def test_a_route_offers_its_first_model_that_some_engine_could_serve() -> None:
    rule = RouteRule("coding", (ModelId("big"), ModelId("small")), weights={NodeId("a"): 80, NodeId("b"): 20})
    down, up = engine("a", model("big"), health=Health.DOWN), engine("b", model("small"))
    found = catalogue(down, up, routes=(rule,))
    resolution = found.resolve("Coding")
    assert (resolution.route, [(o.model.id, o.weight) for o in resolution.offers]) == ("coding", [("small", 20)])
    assert places(catalogue(down, routes=(rule,)), "coding") == [("a", "big")]


def test_a_route_goes_on_to_its_next_model_when_the_first_ones_engines_were_tried() -> None:
    rule = RouteRule("coding", (ModelId("big"), ModelId("small")))
    found = catalogue(engine("a", model("big")), engine("b", model("big"), model("small")), routes=(rule,))
    tried = frozenset({EngineId("a")})
    assert [o.model.id for o in found.resolve("coding", COMPLETION, tried).offers] == ["big", "big"]
    found = catalogue(engine("a", model("big")), engine("b", model("small")), routes=(rule,))
    assert [o.model.id for o in found.resolve("coding", COMPLETION, tried).offers] == ["small"]
    everything = frozenset({EngineId("a"), EngineId("b")})
    assert [o.model.id for o in found.resolve("coding", COMPLETION, everything).offers] == ["big"]


def test_a_route_stands_for_its_first_model_that_can_do_it() -> None:
    rule = RouteRule("chat", (ModelId("blind"), ModelId("sees")))
    vision = COMPLETION | {Capability.VISION}
    found = catalogue(engine("a", model("blind"), model("sees", capabilities=vision)), routes=(rule,))
    assert [o.model.id for o in found.resolve("chat", COMPLETION).offers] == ["blind"]
    assert [o.model.id for o in found.resolve("chat", vision).offers] == ["sees"]
    hears = COMPLETION | {Capability.EMBEDDING}
    assert [o.model.id for o in found.resolve("chat", hears).offers] == ["blind"]


def test_a_route_stands_for_its_first_model_that_holds_the_prompt() -> None:
    small = replace(model("small"), context=4096)
    rule = RouteRule("chat", (ModelId("small"), ModelId("large"), ModelId("endless")))
    models = (small, replace(model("large"), context=32768), model("endless"))
    found = catalogue(engine("a", *models), routes=(rule,))
    for tokens, name in ((100, "small"), (4096, "large"), (40_000, "endless")):
        assert [offer.model.id for offer in found.resolve("chat", COMPLETION, tokens=tokens).offers] == [name]


def test_a_route_without_models_takes_any() -> None:
    found = catalogue(engine("a", model("m:latest")), routes=(RouteRule("chat"),))
    assert places(found, "chat") == [("a", "m:latest")]
    assert found.resolve("chat").offers[0].weight == 1.0


def test_an_order_sorts_the_offers_and_what_it_leaves_out_comes_last() -> None:
    rule = RouteRule("chat", (ModelId("m"),), order=(NodeId("b"), NodeId("a")))
    found = catalogue(*(engine(name, model("m")) for name in "cab"), routes=(rule,)).resolve("chat")
    assert ([offer.engine.id for offer in found.offers], found.policy) == (["b", "a", "c"], Policy.ORDER)


def test_exact_weights_leave_nothing_to_those_that_have_none() -> None:
    rule = RouteRule("chat", (ModelId("m"),), weights={NodeId("a"): 80}, weighted=True)
    found = catalogue(engine("a", model("m")), engine("b", model("m")), routes=(rule,)).resolve("chat")
    assert ([offer.weight for offer in found.offers], found.policy) == ([80, 0], Policy.WEIGHTED)


def test_what_was_tried_is_down_or_cannot_do_it_could_not_serve() -> None:
    found = catalogue(engine("a", model("m")), engine("b", model("m"), health=Health.DOWN)).resolve("m").offers
    assert [offer.could_serve(COMPLETION) for offer in found] == [True, False]
    assert not found[0].could_serve(COMPLETION, frozenset({EngineId("a")}))
    assert not found[0].could_serve(frozenset({Capability.VISION}))


def test_the_able_are_those_that_can_do_all_of_it() -> None:
    sees = COMPLETION | {Capability.VISION}
    found = catalogue(engine("a", model("m"), model("seer", capabilities=sees)), engine("b", model("seer:latest")))
    assert found.able(sees) == ("seer",)


def test_the_missing_capability_is_named() -> None:
    both = frozenset({Capability.COMPLETION, Capability.EMBEDDING})
    offers = (
        catalogue(engine("a", model("m")), engine("b", model("m", capabilities=frozenset({Capability.EMBEDDING}))))
        .resolve("m")
        .offers
    )
    assert missing_capability(offers, COMPLETION) is None
    assert missing_capability(offers, frozenset({Capability.VISION})) is Capability.VISION
    assert missing_capability(offers, both) is Capability.COMPLETION


def test_a_models_own_name_wins_over_a_routes() -> None:
    found = catalogue(engine("a", model("chat")), routes=(RouteRule("chat"),))
    assert found.resolve("chat").route == ""


def test_names_lists_models_once_and_routes() -> None:
    found = catalogue(engine("a", model("m")), engine("b", model("m:latest")), routes=(RouteRule("chat"),))
    assert found.names() == ("m:latest", "chat")
    assert found.routes() == ("chat",)


def test_the_default_is_the_route_then_a_resident_model_that_can_do_it() -> None:
    embedding = frozenset({Capability.EMBEDDING})
    engines = (
        engine("a", model("cold"), model("e", capabilities=embedding)),
        engine("b", model("warm", resident=True)),
    )
    assert catalogue(*engines).default(COMPLETION, "chat") == "warm"
    assert catalogue(*engines).default(embedding, "chat") == "e"
    assert catalogue(*engines, routes=(RouteRule("chat"),)).default(COMPLETION, "chat") == "chat"
    assert catalogue(engine("a", model("m"), health=Health.DOWN)).default(COMPLETION, "chat") == ""


def test_names_that_clients_invent_do_not_fill_the_memory() -> None:
    found = catalogue(engine("a", model("m")))
    tracemalloc.start()
    for number in range(20_000):
        found.resolve(f"invented-{number}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4_000_000
    assert places(found, "m") == [("a", "m")]


def test_an_alias_leads_to_a_model_a_route_or_another_alias_in_any_spelling() -> None:
    found = Catalogue(
        {EngineId("a"): engine("a", model("llama3.2:latest"))},
        {"Coding": RouteRule("Coding", (ModelId("llama3.2"),))},
        {"GPT-4o": "Llama3.2", "claude": "coding", "mini": "gpt-4o"},
    )
    for asked in ("gpt-4o", "GPT-4O:latest", "mini"):
        assert (places(found, asked), found.resolve(asked).name) == ([("a", "llama3.2:latest")], "llama3.2:latest")
    assert (places(found, "claude"), found.resolve("claude").route) == ([("a", "llama3.2:latest")], "Coding")
    assert found.aliases() == {"GPT-4o": "Llama3.2", "claude": "coding", "mini": "gpt-4o"}
    assert found.names() == ("llama3.2:latest", "Coding", "GPT-4o", "claude", "mini")
    assert found.near("gpt4o") == ("GPT-4o",)


def test_a_routes_name_means_the_same_with_latest() -> None:
    """Ollama's listing adds it, and its clients ask for what was listed."""
    found = catalogue(engine("a", model("m")), routes=(RouteRule("chat"),))
    assert found.resolve("Chat:latest").route == "chat"
    assert found.default(COMPLETION, "CHAT") == "CHAT"


def test_what_a_model_or_a_route_is_called_no_alias_is() -> None:
    engines = {EngineId("a"): engine("a", model("m"), model("other"))}
    found = Catalogue(engines, {"chat": RouteRule("chat", (ModelId("m"),))}, {"m": "other", "chat": "other"})
    assert places(found, "m") == [("a", "m")]
    assert places(found, "chat") == [("a", "m")]
    assert found.aliases() == {}


def test_an_alias_of_the_routes_name_is_the_default() -> None:
    found = Catalogue({EngineId("a"): engine("a", model("m"), model("n"))}, {}, {"chat": "n"})
    assert found.default(COMPLETION, "chat") == "chat"


def test_aliases_that_lead_in_a_circle_lead_nowhere() -> None:
    found = Catalogue({EngineId("a"): engine("a", model("m"))}, {}, {"a": "b", "b": "a", "self": "self"})
    assert [found.resolve(name).offers for name in ("a", "b", "self")] == [(), (), ()]


def test_aliases_change_with_the_configuration() -> None:
    found = catalogue(engine("a", model("m"), model("n")))
    found.reroute({}, {"mine": "m"})
    assert places(found, "mine") == [("a", "m")]
    found.reroute({}, {"mine": "n"})
    assert places(found, "mine") == [("a", "n")]
    found.reroute({})
    assert places(found, "mine") == []


def test_auto_leaves_the_choice_unless_something_is_called_so() -> None:
    found = Catalogue({EngineId("a"): engine("a", model("m"))}, {}, {"gpt": "Auto"})
    assert [found.chooses(name) for name in ("auto", "AUTO:latest", "gpt", "m", "nobody")] == [True] * 3 + [False] * 2
    assert not catalogue(engine("a", model("auto"))).chooses("auto")
    assert not catalogue(routes=(RouteRule("auto", (ModelId("m"),)),)).chooses("auto")
    assert not Catalogue({}, {}, {"auto": "m"}).chooses("auto")
