import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.core.model import UserId
from potluck.core.people import (
    LONGEST_NAME,
    RIGHTS,
    Right,
    Role,
    checked_name,
    folded,
    manages,
    own_key,
    refusal,
    roles_with,
)

roles = st.sampled_from(Role)


def test_each_role_has_what_the_one_below_it_has() -> None:
    for above, below in zip(Role, list(Role)[1:], strict=False):
        assert RIGHTS[above] >= RIGHTS[below]
    assert set(RIGHTS) == set(Role)
    assert RIGHTS[Role.OWNER] == frozenset(Right)


def test_nothing_is_kept_of_a_guest_and_a_member_changes_nothing_of_others() -> None:
    assert RIGHTS[Role.GUEST] == {Right.LOOK, Right.INFER, Right.OWN_ACCOUNT}
    assert RIGHTS[Role.MEMBER].isdisjoint({Right.SEE_ALL, Right.CHANGE_FLEET, Right.MANAGE_PEOPLE})


@given(roles, roles)
def test_nobody_manages_who_has_more_rights_and_only_owners_manage_admins(actor: Role, other: Role) -> None:
    if manages(actor, other):
        assert Right.MANAGE_PEOPLE in RIGHTS[actor]
        assert RIGHTS[actor] >= RIGHTS[other]
    assert manages(Role.OWNER, other)
    assert not manages(Role.ADMIN, Role.ADMIN)
    assert not manages(Role.ADMIN, Role.OWNER)
    assert manages(Role.ADMIN, Role.MEMBER)


def test_a_refusal_names_the_right_and_who_has_it() -> None:
    refused = refusal(Role.GUEST, Right.CONVERSE)
    assert refused.message == "Your role, guest, may not keep conversations."
    assert refused.hint == "It takes an owner or an admin or a member."
    assert roles_with(Right.LOOK) == tuple(Role)


def test_names_are_kept_as_written_but_compared_without_case() -> None:
    assert checked_name("  Anna   Blume ") == "Anna Blume"
    assert folded("STRASSE") == folded("Straße")


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "a\u202eb", "x" * (LONGEST_NAME + 1)])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_name(name)
    assert refused.value.param == "name"


def test_who_came_without_a_key_has_something_in_its_place_that_no_key_is_called() -> None:
    assert own_key(UserId("anna")) == own_key(UserId("anna")) != own_key(UserId("bert"))
    assert not own_key(UserId("anna")).isalnum()
