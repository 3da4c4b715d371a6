"""Who comes in without a key: by a named proxy's word, or from a trusted network."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from potluck.core.addresses import Networks
from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.keys import digest
from potluck.core.limits import Limits, Rules
from potluck.core.model import KeyId, UserId
from potluck.core.people import OWNER_ID, Right, Role
from potluck.core.proxied import HeaderRules
from potluck.core.sessions import Lifetimes
from potluck.gateway.port import Caller
from potluck.storage.records import KeyRecord, SessionId, SessionRecord, UserRecord
from potluck.surfaces.auth import Keyring, RequireKey
from potluck.surfaces.neighbours import Neighbours
from potluck.surfaces.proxied import Proxied
from potluck.surfaces.sessions import Sessions
from potluck.surfaces.strangers import Strangers

ANNA = UserRecord(UserId("anna"), "Anna", Role.MEMBER, 0.0)
ADA = UserRecord(UserId("ada"), "ada", Role.ADMIN, 0.0)
ROOM = UserRecord(UserId("room"), "living room", Role.GUEST, 0.0)
TV = UserRecord(UserId("tv"), "tv", Role.GUEST, 0.0)
KEY = KeyRecord(KeyId("k"), "laptop", "pk-1", digest("pk-1"), 0.0, user=UserId("ada"))

PROXY, OTHER, NEAR = "10.0.0.1", "203.0.113.9", "192.168.1.7"
USER = b"x-forwarded-user"

Header = tuple[bytes, bytes]
PLAIN = HeaderRules()


NOTHING_LIMITED = Rules()


class House:
    """A keyring that believes one proxy and one network."""

    def __init__(self, rules: HeaderRules = PLAIN, *users: UserRecord, limited: Rules = NOTHING_LIMITED) -> None:
        self.kept: list[UserRecord] = []
        self.sessions = Sessions(lambda: 7.0, Lifetimes())
        networks = [("192.168.1.0/24", "living room"), ("192.168.1.128/25", "tv"), ("fd00::/64", "living room")]
        self.keyring = Keyring(
            lambda: 7.0,
            self.sessions,
            Strangers(
                Networks([PROXY, "10.0.9.0/24"]),
                Proxied(rules, Networks([PROXY]), lambda: 7.0, self.kept.append),
                Neighbours(networks, lambda origin: origin == b"app://ollama"),
            ),
            plan_of=lambda user, key: limited.of_caller(user.id, user.name, user.role),
        )
        self.keyring.replace([KEY], users or [ANNA, ADA, ROOM, TV])
        session = SessionRecord(SessionId("s"), ADA.id, KEY.id, digest("token"), "Browser", 0.0, 7.0)
        self.sessions.replace([session], self.keyring.callers())

    def ask(self, peer: str, *headers: Header, method: bytes = b"POST", query: bytes = b"") -> Caller:
        return self.keyring.caller(headers, query, method, peer)


def name(value: str) -> Header:
    return USER, value.encode()


# --- the proxy's word ---


def test_a_named_proxy_signs_in_whom_it_names_whatever_the_case() -> None:
    caller = House().ask(PROXY, name("anna"))
    assert (caller.user, caller.name, caller.role, caller.keyless) == ("anna", "Anna", Role.MEMBER, True)
    assert House().ask("::ffff:10.0.0.1", name("ANNA")).user == "anna"


@pytest.mark.parametrize("peer", [OTHER, "10.0.0.2", "10.0.9.7", "127.0.0.1", "::1", ""])
def test_from_every_other_address_the_header_says_nothing(peer: str) -> None:
    with pytest.raises(Unauthenticated):
        House().ask(peer, name("anna"))
    with pytest.raises(Unauthenticated):
        House().ask(peer, name("anna"), (b"x-forwarded-for", PROXY.encode()))


@pytest.mark.parametrize("variant", [b"x_forwarded_user", b"x-forwarded_user"])
def test_another_spelling_of_the_header_says_nothing(variant: bytes) -> None:
    with pytest.raises(Unauthenticated):
        House().ask(PROXY, (variant, b"anna"))
    assert House().ask(PROXY, (variant, b"ada"), name("anna")).user == "anna"


def test_a_header_that_comes_twice_signs_nobody_in() -> None:
    with pytest.raises(Unauthenticated, match="more than one"):
        House().ask(PROXY, name("ada"), name("anna"))


def test_who_is_unknown_is_refused_unless_users_are_made() -> None:
    with pytest.raises(Forbidden, match="no user here"):
        House().ask(PROXY, name("bert"))
    house = House(HeaderRules(create=Role.GUEST))
    caller = house.ask(PROXY, name("Bert"))
    assert (caller.name, caller.role) == ("Bert", Role.GUEST)
    assert house.ask(PROXY, name("bert")) == caller
    assert [(user.name, user.role, user.id) for user in house.kept] == [("Bert", Role.GUEST, caller.user)]
    # Another gateway makes the same user of the name.
    assert House(HeaderRules(create=Role.GUEST)).ask(PROXY, name("BERT")).user == caller.user


def test_who_needs_no_key_has_limits_all_the_same() -> None:
    limited = Rules(Limits(concurrent=5), {Role.GUEST: Limits(requests_per_minute=2)})
    house = House(HeaderRules(groups=b"x-groups", roles={"few": Role.GUEST}, create=Role.MEMBER), limited=limited)
    near, named = house.ask("192.168.1.7"), house.ask(PROXY, name("anna"))
    assert near.plan is not None
    assert [claim.bucket for claim in near.plan.requests] == [f"role/guest/{near.user}/requests_per_minute"]
    assert named.plan is not None
    assert [hold.most for hold in named.plan.holds] == [5]
    assert house.ask(PROXY, name("anna")).plan is named.plan, "made once"
    other = house.ask(PROXY, name("anna"), (b"x-groups", b"few")).plan
    assert other is not None
    assert other.requests, "by what it is now"


def test_the_owner_is_not_to_be_had_by_whatever_name_it_goes_nor_changed() -> None:
    rules = HeaderRules(groups=b"x-groups", roles={"staff": Role.ADMIN})
    house = House(rules, UserRecord(OWNER_ID, "Olga", Role.OWNER, 0.0))
    with pytest.raises(Forbidden, match="owner"):
        house.ask(PROXY, name("olga"), (b"x-groups", b"staff"))
    assert house.kept == []


def test_groups_change_a_role_at_once_and_it_is_kept() -> None:
    house = House(HeaderRules(groups=b"x-groups", roles={"staff": Role.ADMIN}, create=Role.GUEST))
    assert house.ask(PROXY, name("anna"), (b"x-groups", b"staff")).role is Role.ADMIN
    assert house.ask(PROXY, name("anna"), (b"x-groups", b"staff")).role is Role.ADMIN
    assert house.ask(PROXY, name("anna")).role is Role.GUEST
    assert [(user.id, user.role) for user in house.kept] == [("anna", Role.ADMIN), ("anna", Role.GUEST)]


def test_a_disabled_user_is_kept_out() -> None:
    house = House(HeaderRules(create=Role.MEMBER), msgspec.structs.replace(ANNA, disabled_s=5.0))
    with pytest.raises(Unauthenticated, match="disabled"):
        house.ask(PROXY, name("anna"))


def test_a_proxy_with_a_secret_is_believed_only_when_it_shows_it() -> None:
    house = House(HeaderRules(secret="s3cret"))
    shown = (b"x-proxy-secret", b"s3cret")
    assert house.ask(PROXY, name("anna"), shown).user == "anna"
    wrong: list[list[Header]] = [[], [(b"x-proxy-secret", b"guess")], [(b"x-proxy-secret", b"\xff")], [shown, shown]]
    for headers in wrong:
        with pytest.raises(Unauthenticated, match="secret"):
            house.ask(PROXY, name("anna"), *headers)


def test_a_page_elsewhere_cannot_use_the_proxys_word() -> None:
    house = House()
    for headers in (
        [(b"host", b"chat.example"), (b"origin", b"https://evil.example")],
        [(b"host", b"chat.example"), (b"sec-fetch-site", b"cross-site")],
    ):
        with pytest.raises(Forbidden, match="own pages"):
            house.ask(PROXY, name("anna"), *headers)
    ours = [(b"host", b"chat.example"), (b"origin", b"https://chat.example"), (b"sec-fetch-site", b"same-origin")]
    assert house.ask(PROXY, name("anna"), *ours).user == "anna"


def test_a_key_goes_before_the_proxys_word_and_the_proxys_word_before_a_cookie() -> None:
    house = House()
    key, cookie = (b"authorization", b"Bearer pk-1"), (b"cookie", b"potluck=token")
    assert house.ask(PROXY, name("anna"), key).key == "k"
    assert house.ask(PROXY, name("anna"), cookie, method=b"GET").user == "anna"
    assert house.ask(PROXY, cookie, method=b"GET").user == "ada"
    for wrong in ((b"authorization", b"Bearer wrong"), (b"x-api-key", b"wrong")):
        with pytest.raises(Unauthenticated):
            house.ask(PROXY, name("anna"), wrong)
    with pytest.raises(Unauthenticated):
        house.ask(PROXY, name("anna"), query=b"key=wrong")


def test_the_password_that_was_for_the_proxy_is_no_wrong_key() -> None:
    basic = (b"authorization", b"Basic " + base64.b64encode(b"anna:house"))
    assert House().ask(PROXY, name("anna"), basic).user == "anna"
    with pytest.raises(Unauthenticated):
        House().ask(NEAR, basic)


def test_an_answer_that_a_restart_cut_is_still_whose_it_was() -> None:
    house = House()
    caller = house.ask(PROXY, name("anna"))
    again = house.keyring.of_key(caller.key)
    assert again is not None
    assert (again.user, again.role) == (caller.user, caller.role)
    assert house.keyring.of_key(KeyId("user:nobody")) is None
    house.keyring.replace([KEY], [msgspec.structs.replace(ANNA, disabled_s=1.0)])
    assert house.keyring.of_key(caller.key) is None


async def test_the_application_never_sees_the_headers_of_the_proxy_and_learns_where_a_request_is_from() -> None:
    house = House(HeaderRules(email=b"x-forwarded-email", groups=b"x-groups", secret="s", create=Role.GUEST))
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["headers"], scope["state"]["address"]))

    sent = [name("anna"), (b"x_forwarded_user", b"ada"), (b"x-groups", b"a"), (b"x-proxy-secret", b"s"), (b"x", b"y")]
    said = (b"x-forwarded-for", b"198.51.100.7")
    door = RequireKey(app, house.keyring)
    for peer, headers in ((PROXY, [*sent, said]), (OTHER, [*sent, said, (b"x-api-key", b"pk-1")])):
        scope = {"type": "http", "method": "GET", "path": "/api/v1/models", "headers": headers, "client": (peer, 1)}
        await door(scope, app, app)
    assert seen == [
        ([(b"x", b"y"), said], "198.51.100.7"),
        ([(b"x", b"y"), said, (b"x-api-key", b"pk-1")], OTHER),
    ]


@pytest.mark.parametrize(
    ("peer", "headers", "scheme"),
    [
        (PROXY, [(b"x-forwarded-proto", b"HTTPS")], "https"),
        (PROXY, [(b"x-forwarded-proto", b"http")], "http"),
        (PROXY, [(b"x-forwarded-proto", b"gopher")], ""),
        (PROXY, [], ""),
        (NEAR, [(b"x-forwarded-proto", b"https")], ""),
    ],
)
def test_a_named_proxy_tells_whether_the_browser_came_by_https(peer: str, headers: list[Header], scheme: str) -> None:
    strangers = House().keyring.strangers
    assert strangers is not None
    assert strangers.scheme(peer, headers) == scheme


# --- networks ---


@pytest.mark.parametrize(
    ("peer", "guest"),
    [(NEAR, "living room"), ("::ffff:192.168.1.7", "living room"), ("192.168.1.200", "tv"), ("fd00::7", "living room")],
)
def test_a_machine_of_a_trusted_network_is_its_guest(peer: str, guest: str) -> None:
    caller = House().ask(peer, (b"host", b"agx0:8420"), (b"authorization", b"Bearer "))
    assert (caller.name, caller.role, caller.keyless) == (guest, Role.GUEST, True)
    assert caller.may(Right.INFER)
    assert not any(caller.may(right) for right in Right if right not in (Right.LOOK, Right.INFER))
    assert "address alone" in caller.refusal(Right.OWN_ACCOUNT).message
    assert "guest" in caller.refusal(Right.CONVERSE).message


@pytest.mark.parametrize("peer", [OTHER, "192.168.2.7", "fd01::7", "", "::ffff:192.168.2.7", "::192.168.1.7"])
def test_every_other_machine_needs_a_key(peer: str) -> None:
    with pytest.raises(Unauthenticated):
        House().ask(peer)


@pytest.mark.parametrize(
    "credential",
    [(b"authorization", b"Bearer wrong"), (b"x-api-key", b"wrong"), (b"cookie", b"potluck=over")],
)
def test_a_wrong_credential_is_refused_from_everywhere(credential: Header) -> None:
    with pytest.raises(Unauthenticated):
        House().ask(NEAR, credential, method=b"GET")


def test_a_right_one_is_taken_before_the_address() -> None:
    assert House().ask(NEAR, (b"x-api-key", b"pk-1")).user == "ada"


@pytest.mark.parametrize("mark", [b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip"])
def test_behind_a_proxy_that_nobody_named_there_is_no_network(mark: bytes) -> None:
    with pytest.raises(Unauthenticated):
        House().ask(NEAR, (mark, NEAR.encode()))


def test_behind_a_named_proxy_the_address_is_that_of_who_asks_it() -> None:
    house, near = House(), NEAR.encode()
    assert house.ask(PROXY, (b"x-forwarded-for", near)).user == "room"
    assert house.ask("10.0.9.7", (b"x-forwarded-for", near + b", 10.0.0.1")).user == "room"
    for told in (b"203.0.113.9", near + b", 203.0.113.9", b"203.0.113.9, " + near, b"unknown", b""):
        with pytest.raises(Unauthenticated):
            house.ask(PROXY, (b"x-forwarded-for", told))
    with pytest.raises(Unauthenticated):
        house.ask(PROXY)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN])
def test_a_user_who_is_no_guest_is_not_to_be_had_for_an_address(role: Role) -> None:
    house = House(PLAIN, msgspec.structs.replace(ROOM, role=role))
    with pytest.raises(Unauthenticated):
        house.ask(NEAR)


def test_a_disabled_guest_closes_its_network() -> None:
    with pytest.raises(Unauthenticated):
        House(PLAIN, msgspec.structs.replace(ROOM, disabled_s=1.0)).ask(NEAR)


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ([(b"origin", b"https://evil.example"), (b"host", b"192.168.1.5:8420")], False),
        # A name of the Internet's that was bent to our address.
        ([(b"origin", b"http://evil.example:8420"), (b"host", b"evil.example:8420")], False),
        ([(b"sec-fetch-site", b"cross-site"), (b"host", b"192.168.1.5:8420")], False),
        ([(b"origin", b"http://192.168.1.5:8420"), (b"host", b"192.168.1.5:8420")], True),
        ([(b"origin", b"http://agx0.local:8420"), (b"host", b"agx0.local:8420")], True),
        ([(b"origin", b"app://ollama"), (b"host", b"192.168.1.5:8420")], True),
        ([(b"sec-fetch-site", b"none"), (b"host", b"192.168.1.5:8420")], True),
    ],
)
def test_a_page_of_the_internets_does_not_ask_by_its_visitors_address(headers: list[Header], let_in: bool) -> None:
    if let_in:
        assert House().ask(NEAR, *headers).user == "room"
    else:
        with pytest.raises(Unauthenticated):
            House().ask(NEAR, *headers)


def test_a_page_of_a_named_proxys_own_name_does() -> None:
    page = [(b"host", b"chat.example"), (b"origin", b"https://chat.example"), (b"x-forwarded-for", NEAR.encode())]
    assert House().ask(PROXY, *page).user == "room"


def test_one_may_be_had_without_the_other() -> None:
    rules = replace(PLAIN, create=Role.MEMBER)
    only_header = Strangers(Networks([PROXY]), Proxied(rules, Networks([PROXY]), lambda: 7.0, lambda user: None))
    only_networks = Strangers(Networks(), None, Neighbours([("192.168.1.0/24", "living room")], lambda origin: False))
    for strangers in (only_header, only_networks):
        strangers.replace([ROOM])
    assert only_header.vouched(PROXY, b"GET", [name("bert")]) is not None
    assert only_header.near(NEAR, []) is None
    assert only_networks.vouched(PROXY, b"GET", [name("bert")]) is None
    assert only_networks.near(NEAR, []) is not None
    assert list(only_networks.clean([name("bert")])) == [name("bert")]
