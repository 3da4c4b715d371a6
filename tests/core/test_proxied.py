"""The word of a named proxy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.people import Role
from potluck.core.proxied import HeaderRules, Named, from_elsewhere, highest, named, role_by, secret_in, stripped

RULES = HeaderRules(email=b"x-forwarded-email")
GROUPED = HeaderRules(
    groups=b"x-forwarded-groups", roles={"staff": Role.ADMIN, "family": Role.MEMBER, "visitors": Role.GUEST}
)
USER = b"x-forwarded-user"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([(USER, b"anna")], "anna"),
        ([(USER, b"  Anna   Maria ")], "Anna Maria"),
        ([(USER, "Zoë".encode())], "Zoë"),
        ([(USER, "Zoë".encode("latin-1"))], "Zoë"),
        ([(USER, b""), (b"x-forwarded-email", b"anna@example.org")], "anna@example.org"),
        ([(USER, b"anna"), (b"x-forwarded-email", b"anna@example.org")], "anna"),
    ],
)
def test_a_user_is_named_by_the_header_or_by_the_address(headers: list[tuple[bytes, bytes]], name: str) -> None:
    assert named(headers, RULES) == Named(name)


@pytest.mark.parametrize("headers", [[], [(USER, b" ")], [(b"x_forwarded_user", b"anna")], [(b"cookie", b"a=b")]])
def test_other_headers_name_nobody(headers: list[tuple[bytes, bytes]]) -> None:
    assert named(headers, RULES) is None
    assert named(headers, HeaderRules()) is None


@pytest.mark.parametrize(
    "headers", [[(USER, b"owner"), (USER, b"anna")], [(USER, b"owner, anna")], [(USER, b"a"), (USER, b"")]]
)
def test_a_header_that_was_added_to_the_clients_is_nobodys_word(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthenticated, match="more than one"):
        named(headers, RULES)


def test_groups_come_in_one_line_or_several() -> None:
    headers = [(USER, b"anna"), (b"x-forwarded-groups", b"family, ,tennis"), (b"x-forwarded-groups", b"staff")]
    assert named(headers, GROUPED) == Named("anna", frozenset({"family", "tennis", "staff"}))


def test_the_most_powerful_group_gives_the_role() -> None:
    assert highest(["visitors", "staff", "tennis"], GROUPED.roles) is Role.ADMIN
    assert highest(["tennis"], GROUPED.roles) is None


@pytest.mark.parametrize(
    ("known", "create", "role"),
    [(Role.ADMIN, None, Role.ADMIN), (Role.GUEST, Role.MEMBER, Role.GUEST), (None, Role.MEMBER, Role.MEMBER)],
)
def test_without_groups_a_user_stays_what_it_is(known: Role | None, create: Role | None, role: Role) -> None:
    assert role_by(Named("anna"), known, HeaderRules(create=create)) is role


@pytest.mark.parametrize(
    ("groups", "create", "role"),
    [
        ({"family"}, None, Role.MEMBER),
        ({"staff", "family"}, Role.GUEST, Role.ADMIN),
        ({"tennis"}, Role.GUEST, Role.GUEST),
    ],
)
def test_groups_decide_whatever_a_user_was(groups: set[str], create: Role | None, role: Role) -> None:
    for known in (None, Role.ADMIN, Role.GUEST):
        assert role_by(Named("anna", frozenset(groups)), known, replace(GROUPED, create=create)) is role


def test_who_is_nobody_here_is_told_so() -> None:
    with pytest.raises(Forbidden, match="no user here"):
        role_by(Named("anna"), None, HeaderRules())
    with pytest.raises(Forbidden, match="groups have no role"):
        role_by(Named("anna", frozenset({"tennis"})), Role.ADMIN, GROUPED)


@pytest.mark.parametrize("name", ["owner", "Owner"])
def test_nobody_becomes_the_owner_by_a_name(name: str) -> None:
    with pytest.raises(Forbidden, match="owner"):
        role_by(Named(name, frozenset({"staff"})), Role.OWNER, replace(GROUPED, create=Role.MEMBER))
    with pytest.raises(Forbidden, match="owner"):
        role_by(Named("anna", frozenset({"staff"})), Role.OWNER, replace(GROUPED, create=Role.MEMBER), owner=True)


@pytest.mark.parametrize("name", [b"x-forwarded-user", b"x_forwarded_user", b"x-forwarded_user", b"x-proxy-secret"])
def test_the_proxys_headers_are_taken_away_however_they_are_spelled(name: bytes) -> None:
    assert stripped([(name, b"owner"), (b"host", b"h")], RULES.names) == [(b"host", b"h")]
    assert b"" not in RULES.names | GROUPED.names


def test_the_secret_is_what_its_header_says() -> None:
    assert secret_in([(b"host", b"h"), (b"x-proxy-secret", b" s3cret ")]) == "s3cret"
    assert secret_in([(b"x-proxy-secret", b"a"), (b"x-proxy-secret", b"b")]) == "ab"
    assert secret_in([]) == ""


@pytest.mark.parametrize(
    ("method", "site", "origin", "elsewhere"),
    [
        (b"POST", b"", b"", False),  # a program
        (b"POST", b"same-origin", b"https://here", False),
        (b"POST", b"", b"http://here", False),
        (b"POST", b"cross-site", b"https://evil.example", True),
        (b"GET", b"cross-site", b"https://evil.example", True),  # a page that wants to read
        (b"POST", b"", b"null", True),
        (b"GET", b"cross-site", b"", False),  # a link was followed
        (b"DELETE", b"same-site", b"", True),
        (b"POST", b"same-origin", b"", False),
    ],
)
def test_a_page_elsewhere_does_nothing_in_the_name_of_whom_the_proxy_vouches_for(
    method: bytes, site: bytes, origin: bytes, elsewhere: bool
) -> None:
    assert from_elsewhere(method, site, origin, b"here") is elsewhere


@given(st.lists(st.tuples(st.sampled_from([USER, b"x-forwarded-email", b"x"]), st.binary(max_size=20)), max_size=4))
def test_no_header_whatever_crashes_it(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        found = named(headers, RULES)
    except Unauthenticated:
        return
    assert found is None or found.name
