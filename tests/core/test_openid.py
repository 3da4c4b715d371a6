"""Whom a provider's claims let in, as what, and where they go on."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import Forbidden
from potluck.core.model import Json
from potluck.core.openid import (
    OpenIdRules,
    Person,
    flow_cookie,
    local_path,
    missing,
    person,
    role_of,
    safe_endpoint,
    together,
)
from potluck.core.people import Role

RULES = OpenIdRules()
CLAIMED = OpenIdRules(role_claim="groups", roles={"staff": Role.ADMIN, "family": Role.MEMBER})
ANNA: dict[str, Json] = {
    "preferred_username": "anna",
    "name": "Anna Example",
    "email": "Anna@Example.org",
    "email_verified": True,
}


def test_a_person_is_the_subject_and_is_called_by_the_first_name_that_fits() -> None:
    assert person("s1", ANNA, RULES) == Person(
        "s1", ("anna", "Anna Example", "anna@example.org", "s1"), "anna@example.org"
    )
    assert person("s1", {}, RULES) == Person("s1", ("s1",))
    assert person("s1", {"nick": "Änni"}, replace(RULES, name_claim="nick")).names == ("Änni", "s1")


@pytest.mark.parametrize("name", ["owner", " Owner ", "a\u0000b", "", "x" * 201, 7, None, ["anna"]])
def test_a_name_that_nobody_may_have_is_passed_over(name: Json) -> None:
    assert person("s1", {"preferred_username": name}, RULES).names == ("s1",)


@pytest.mark.parametrize("verified", [False, None, "false", 1.5, "yes"])
def test_an_address_that_is_not_verified_is_none(verified: Json) -> None:
    who = person("s1", {**ANNA, "email_verified": verified}, RULES)
    assert who.email == ""
    assert "anna@example.org" not in who.names
    with pytest.raises(Forbidden, match="verified"):
        person("s1", {**ANNA, "email_verified": verified}, replace(RULES, emails=frozenset({"anna@example.org"})))


@pytest.mark.parametrize(
    ("email", "let_in"),
    [
        ("anna@example.org", True),
        ("ANNA@EXAMPLE.ORG", True),
        ("boss@other.example", True),
        ("anna@sub.example.org", False),
        ("anna@example.org.evil.example", False),
        ("anna@evil.example@example.org", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_owners_domains_and_list_are_let_in(email: str, let_in: bool) -> None:
    rules = replace(RULES, domains=frozenset({"example.org"}), emails=frozenset({"boss@other.example"}))
    claims: dict[str, Json] = {"email": email, "email_verified": "true"}
    if let_in:
        assert person("s1", claims, rules).email == email.lower()
    else:
        with pytest.raises(Forbidden):
            person("s1", claims, rules)


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        ("staff", Role.ADMIN),
        ("family staff", Role.ADMIN),
        (["tennis", "family"], Role.MEMBER),
        ({"family": {"id": 1}}, Role.MEMBER),
        (["tennis"], None),
        ([1, None, {"staff": 1}], None),
        (7, None),
        (None, None),
    ],
)
def test_the_most_powerful_value_of_the_claim_gives_the_role(claim: Json, role: Role | None) -> None:
    assert person("s1", {"groups": claim}, CLAIMED).role is role


def test_a_claim_may_lie_deeper_or_have_dots_in_its_name() -> None:
    keycloak = replace(CLAIMED, role_claim="realm_access.roles")
    assert person("s1", {"realm_access": {"roles": ["staff"]}}, keycloak).role is Role.ADMIN
    assert person("s1", {"realm_access": ["staff"]}, keycloak).role is None
    named = replace(CLAIMED, role_claim="https://example.org/roles")
    assert person("s1", {"https://example.org/roles": ["family"]}, named).role is Role.MEMBER


@pytest.mark.parametrize(
    ("rules", "given_role", "known", "role"),
    [
        (RULES, None, None, None),
        (RULES, None, Role.ADMIN, Role.ADMIN),
        (replace(RULES, default_role=Role.GUEST), None, None, Role.GUEST),
        (replace(RULES, default_role=Role.GUEST), None, Role.ADMIN, Role.ADMIN),
        (CLAIMED, Role.MEMBER, Role.ADMIN, Role.MEMBER),
        (CLAIMED, None, Role.ADMIN, None),
        (replace(CLAIMED, default_role=Role.GUEST), None, Role.ADMIN, Role.GUEST),
    ],
)
def test_a_claim_decides_at_every_sign_in_and_nothing_else_changes_a_user(
    rules: OpenIdRules, given_role: Role | None, known: Role | None, role: Role | None
) -> None:
    assert role_of(Person("s1", ("anna",), role=given_role), known, rules) is role


def test_the_provider_is_asked_for_what_its_token_leaves_out() -> None:
    assert not missing(ANNA, RULES)
    assert missing(ANNA, CLAIMED)
    assert missing({"email": "a@b"}, RULES)
    assert not missing({**ANNA, "realm_access": {}}, replace(CLAIMED, role_claim="realm_access.roles"))


def test_what_is_signed_goes_before_what_is_told_and_an_address_keeps_its_proof() -> None:
    assert together({"name": "a"}, {"name": "b", "email": "x@y", "email_verified": True}) == {
        "name": "a",
        "email": "x@y",
        "email_verified": True,
    }
    assert together({"email": "a@b"}, {"email": "x@y", "email_verified": True}) == {"email": "a@b"}


def test_the_cookie_of_a_sign_in_comes_back_from_the_provider_and_no_script_reads_it() -> None:
    assert flow_cookie("v", secure=True) == (
        "__Host-potluck-oidc=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
    )
    assert flow_cookie("", secure=False) == "potluck-oidc=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("path", ["/", "/chat", "/chat?c=1#end", "/a/b"])
def test_one_goes_on_to_a_path_of_ours(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "chat", "//evil.example", "/\\evil.example", "/a\\b", "https://evil.example", "/\tevil", "/\n/evil.example",
     "javascript:alert(1)", "/ü", "/" + "a" * 2000, "/\x7f", "\\\\evil.example"],
)  # fmt: skip
def test_and_never_elsewhere(path: str) -> None:
    assert local_path(path) == "/"


@given(st.text(alphabet="/\\:@.?#\t\n evilaps", max_size=12))
def test_whatever_is_asked_for_stays_on_this_host(path: str) -> None:
    assert urlsplit(urljoin("https://here.example/x", local_path(path))).netloc == "here.example"


@pytest.mark.parametrize(
    ("url", "issuer", "safe"),
    [
        ("https://id.example/token", "https://id.example", True),
        ("https://other.example/token", "https://id.example", True),
        ("http://id.example/token", "https://id.example", False),
        ("http://127.0.0.1/token", "http://127.0.0.1", True),
        ("file:///etc/passwd", "http://127.0.0.1", False),
        ("https:///token", "https://id.example", False),
    ],
)
def test_a_provider_of_https_leads_nowhere_else(url: str, issuer: str, safe: bool) -> None:
    assert safe_endpoint(url, issuer) is safe
