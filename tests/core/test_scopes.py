import pytest

from potluck.core.errors import BadRequest
from potluck.core.people import Right
from potluck.core.scopes import SCOPED_RIGHTS, SURFACES, Scope, scope_of


def test_a_key_without_limits_has_no_scope() -> None:
    assert scope_of(None, None) is None


def test_names_are_allowed_as_models_are_compared() -> None:
    scope = scope_of(None, ["llama3.2", " chat ", "chat"])
    assert scope == Scope(None, ("llama3.2", "chat"))
    assert all(scope.allows(name) for name in ("llama3.2:latest", "library/llama3.2", "Chat"))
    assert not any(scope.allows(name) for name in ("llama3.2:1b", "auto", "", "coding"))
    assert scope.allows_surface("native")


def test_surfaces_are_allowed_by_name() -> None:
    scope = scope_of(["openai", "openai"], None)
    assert scope == Scope(("openai",))
    assert (scope.allows_surface("openai"), scope.allows_surface("ollama")) == (True, False)
    assert scope.allows("whatever")


def test_a_refusal_says_what_the_key_is_for() -> None:
    scope = Scope(("openai", "ollama"), tuple(f"m{number}" for number in range(10)))
    assert str(scope.surface_refusal("native")) == "This key is not for the native surface. It is for openai, ollama."
    assert scope.model_refusal("x").message == "This key may not ask for 'x'."
    assert scope.model_refusal("x").hint.endswith("m7 and 2 more.")
    assert Scope().model_refusal("x").hint == "It may ask for ."
    assert Scope().surface_refusal("x").hint == "It is for ."


@pytest.mark.parametrize(
    ("surfaces", "models", "param"),
    [([], None, "surfaces"), (None, [], "models"), (None, ["a", " "], "models"), (["gopher"], None, "surfaces")],
)
def test_a_limit_that_nothing_fits_is_refused(surfaces: list[str] | None, models: list[str] | None, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        scope_of(surfaces, models)
    assert refused.value.param == param


def test_a_limited_key_manages_nothing() -> None:
    assert SCOPED_RIGHTS.isdisjoint({Right.OWN_KEYS, Right.MANAGE_PEOPLE, Right.CHANGE_FLEET, Right.SEE_ALL})
    assert "native" in SURFACES
