"""Sign-in by a provider whose answers a test writes: what is not to be believed is not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from potluck.config.model import OpenIdConfig
from potluck.config.secret import Secret
from potluck.core.audit import Event
from potluck.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PotluckError,
    ProviderAway,
    ProviderFailed,
    Unauthenticated,
)
from potluck.core.keys import digest
from potluck.core.model import UserId
from potluck.core.openid import OpenIdRules
from potluck.core.people import OWNER_ID, Role
from potluck.gateway.openid.flow import Answer, Begun
from potluck.gateway.openid.provider import Provider
from potluck.gateway.openid.sign_in import SignIn
from potluck.gateway.openid.web import Web
from potluck.gateway.port import Caller
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage
from potluck.storage.records import LinkId, LinkKind, LinkRecord, UserRecord

ISSUER, CLIENT, BACK = "https://id.example", "potluck", "https://here.example/api/v1/sessions/oidc/callback"
NOW = 1_750_000_000.0
RSA, OTHER_RSA = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("k1", "k2"))
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})

S = TypeVar("S")


class House:
    """A service and its provider; every test bends one thing of it."""

    def __init__(self, storage: Storage, rules: OpenIdRules = OpenIdRules(default_role=Role.MEMBER)) -> None:  # noqa: B008
        self.storage = storage
        self.now = NOW
        self.document: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/me",
            "authorization_response_iss_parameter_supported": True,
        }
        self.keys: list[Any] = [RSA.as_dict(private=False)]
        self.claims: dict[str, Any] = {
            "preferred_username": "anna",
            "email": "anna@example.org",
            "email_verified": True,
        }
        self.told: dict[str, Any] = {"sub": "s1"}
        self.key: Any = RSA
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "k1"}
        self.token = self.signed
        self.asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []
        self.audited: list[tuple[Event, str]] = []
        self.nonce = ""
        numbers = iter(range(1, 1000))
        provider = Provider(
            OpenIdConfig(ISSUER, CLIENT, Secret("s/ü")),
            self,
            lambda: self.now,
            lambda: self.now,  # type: ignore[arg-type]
        )
        self.sign_in = SignIn(
            rules, ISSUER, provider, storage, self,  # type: ignore[arg-type]
            clock=lambda: self.now, new_id=lambda: f"id{next(numbers)}",
            random_bytes=lambda count: bytes([next(numbers) % 256] * count), changed=self._changed,
        )  # fmt: skip

    async def _changed(self) -> None: ...

    async def tell(self, event: Event, actor: Caller, subject: str, **detail: str | int) -> None:
        self.audited.append((event, subject))

    async def ask(self, shape: type[S], url: str, *, form: Any = None, headers: Any = None, refused: str = "") -> S:
        self.asked.append((url, form or {}, headers or {}))
        path = urlsplit(url).path
        answers = {
            "/.well-known/openid-configuration": lambda: self.document,
            "/token": lambda: {"id_token": self.token(), "access_token": "at", "token_type": "Bearer"},
            "/keys": lambda: {"keys": self.keys},
            "/me": lambda: self.told,
        }
        return msgspec.json.decode(json.dumps(answers[path]()), type=shape)

    def signed(self) -> str:
        claims = {
            "iss": ISSUER, "sub": "s1", "aud": CLIENT, "exp": self.now + 60, "iat": self.now, "nonce": self.nonce,
            **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])

    async def begin(self, **how: str) -> Begun:
        begun = await self.sign_in.begin(BACK, **how)
        asked = parse_qs(urlsplit(begun.url).query)
        self.nonce, self.state = asked["nonce"][0], asked["state"][0]
        return begun

    async def come_back(self, **how: str) -> UserId:
        begun = await self.begin(**how)
        return await self.end(begun)

    async def end(self, begun: Begun, **bent: str) -> UserId:
        answer = Answer(**{"state": self.state, "code": "c", "iss": ISSUER, **bent})
        return (await self.sign_in.end(answer, begun.cookie, "192.168.1.7")).user


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as opened:
        yield opened


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage)


class Nobodys:
    """Stores that hold nobody and take nobody in: for tests of what must not get so far."""

    def __init__(self) -> None:
        self.settings = self.identities = self.users = self
        self.kept: dict[str, Any] = {}

    async def get(self, name: str) -> Any:
        return self.kept.get(name)

    async def set(self, name: str, value: Any, now: float) -> None:
        self.kept[name] = value

    async def find(self, issuer: str, subject: str) -> None:
        raise AssertionError("somebody is to be let in")


@pytest.fixture
def shut() -> House:
    """A house that nobody can get into: a test that tries to fails."""
    return House(Nobodys())  # type: ignore[arg-type]


async def test_somebody_is_sent_away_with_all_that_binds_the_answer(house: House) -> None:
    begun = await house.begin(next="/chat")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert begun.url.startswith(f"{ISSUER}/auth?tenant=1&response_type=code&client_id=potluck&")
    assert (asked["redirect_uri"], asked["scope"], asked["code_challenge_method"]) == (
        BACK,
        "openid profile email",
        "S256",
    )
    await house.end(begun)
    url, form, headers = house.asked[1]
    assert url == f"{ISSUER}/token"
    assert (form["code"], form["redirect_uri"], form["grant_type"]) == ("c", BACK, "authorization_code")
    verified = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert verified == asked["code_challenge"]
    assert "client_secret" not in form
    assert headers["authorization"] == "Basic " + base64.b64encode(b"potluck:s%2F%C3%BC").decode()


async def test_a_provider_that_takes_the_secret_in_the_form_alone_gets_it_there(house: House) -> None:
    house.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await house.come_back()
    _, form, headers = house.asked[1]
    assert (form["client_id"], form["client_secret"], headers) == ("potluck", "s/ü", {})


async def test_who_comes_again_is_the_same_whatever_else_the_provider_says(house: House, storage: Storage) -> None:
    first = await house.come_back()
    house.claims |= {"preferred_username": "anders", "email": "other@example.org"}
    house.now += 5
    assert await house.come_back() == first
    (user,) = await storage.users.all()
    (identity,) = await storage.identities.of_user(first)
    assert (user.name, user.role, house.audited) == ("anna", Role.MEMBER, [(Event.USER_MADE, "anna")])
    assert (identity.email, identity.last_used_s) == ("other@example.org", NOW + 5)
    house.claims["sub"] = "s2"
    assert await house.come_back() != first


# --- what is not to be believed ---

HOSTILE: dict[str, dict[str, Any]] = {
    "another's nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "for somebody else": {"aud": "other"},
    "for nobody": {"aud": []},
    "for several, given to another": {"aud": [CLIENT, "other"], "azp": "other"},
    "for several, given to nobody": {"aud": [CLIENT, "other"]},
    "given to another": {"azp": "other"},
    "from another": {"iss": "https://evil.example"},
    "from nobody": {"iss": None},
    "expired": {"exp": NOW - 61},
    "never expiring": {"exp": None},
    "of the future": {"iat": NOW + 3600},
    "not yet valid": {"nbf": NOW + 3600},
    "about nobody": {"sub": ""},
    "about something else": {"sub": 7},
    "about a line": {"sub": "a\nb"},
    "about everybody": {"sub": "x" * 256},
    "with a date in words": {"exp": "tomorrow"},
    "for another access token": {"at_hash": "AAAA"},
}


@pytest.mark.parametrize("claims", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_token_that_is_not_of_this_sign_in_lets_nobody_in(shut: House, claims: dict[str, Any]) -> None:
    begun = await shut.begin()
    shut.claims |= claims
    with pytest.raises(Unauthenticated, match="does not hold"):
        await shut.end(begun)


async def test_clocks_may_differ_a_little(house: House) -> None:
    begun = await house.begin()
    house.claims |= {"exp": NOW - 30, "iat": NOW + 30, "aud": [CLIENT, "other"], "azp": CLIENT}
    assert await house.end(begun)


def _unsigned(house: House) -> str:
    _, body, _ = house.signed().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{none}.{body}."


def _by_a_secret(house: House, secret: bytes) -> str:
    body = house.signed().split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
    mark = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def _by_the_public_key(house: House) -> str:
    return _by_a_secret(house, RSA.as_pem(private=False))


def _by_the_clients_secret(house: House) -> str:
    return _by_a_secret(house, "s/ü".encode())


def _by_another(house: House) -> str:
    house.key = OTHER_RSA
    return house.signed()


def _by_its_own_key(house: House) -> str:
    house.key, house.header = OTHER_RSA, {"alg": "RS256", "jwk": OTHER_RSA.as_dict(private=False)}
    return house.signed()


def _changed(house: House) -> str:
    head, body, mark = house.signed().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "owner"
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{mark}"


def _no_claims(house: House) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "k1"}, b"[1]", RSA)


@pytest.mark.parametrize(
    "forged",
    [
        _unsigned,
        _by_the_public_key,
        _by_the_clients_secret,
        _by_another,
        _by_its_own_key,
        _changed,
        _no_claims,
        lambda house: "",
        lambda house: "a.b.c",
        lambda house: "ü.ü.ü",
        lambda house: "x" * 70_000,
    ],
)  # fmt: skip
async def test_a_token_that_the_provider_has_not_signed_lets_nobody_in(shut: House, forged: Any) -> None:
    shut.token = lambda: forged(shut)
    with pytest.raises(Unauthenticated, match="does not hold"):
        await shut.come_back()


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "PS256"), (RSA, "RS512"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
@pytest.mark.filterwarnings("ignore:EdDSA")
async def test_a_key_pair_of_every_usual_kind_is_taken(house: House, key: Any, algorithm: str) -> None:
    junk = [7, {}, {"kty": "new"}, {"kty": "RSA", "n": "!"}, {"kty": "oct", "k": "AAAA"}, {"kty": "RSA", "use": "enc"}]
    house.keys = [*junk, *KeySet([RSA, EC, ED]).as_dict(private=False)["keys"]]
    house.key, house.header = key, {"alg": algorithm}
    assert await house.come_back()


async def test_an_algorithm_that_the_provider_does_not_use_is_refused(shut: House) -> None:
    shut.document["id_token_signing_alg_values_supported"] = ["ES256", "none", "HS256"]
    with pytest.raises(Unauthenticated, match="RS256"):
        await shut.come_back()


async def test_new_keys_are_fetched_when_one_is_not_known_and_not_for_every_token(house: House) -> None:
    await house.come_back()
    house.keys = [OTHER_RSA.as_dict(private=False)]
    house.key, house.header = OTHER_RSA, {"alg": "RS256", "kid": "k2"}
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="no such key"):
            await house.come_back()
    house.now += 31
    await house.come_back()
    assert sum(url == f"{ISSUER}/keys" for url, _, _ in house.asked) == 2
    assert sum(url.endswith("openid-configuration") for url, _, _ in house.asked) == 1


# --- whose answer it is ---


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"state": "other"}, BadRequest),
        ({"state": ""}, BadRequest),
        ({"state": "ü"}, BadRequest),
        ({"code": ""}, BadRequest),
        ({"code": "c" * 5000}, BadRequest),
        ({"iss": "https://evil.example"}, Forbidden),
        ({"iss": ""}, Forbidden),
        ({"error": "access_denied"}, Forbidden),
    ],
)
async def test_an_answer_that_is_not_this_sign_ins_lets_nobody_in(
    shut: House, bent: dict[str, str], error: type[PotluckError]
) -> None:
    begun = await shut.begin()
    with pytest.raises(error):
        await shut.end(begun, **bent)


async def test_what_the_browser_says_of_an_error_is_not_repeated_unless_it_is_a_code(shut: House) -> None:
    begun = await shut.begin()
    with pytest.raises(Forbidden) as refused:
        await shut.end(begun, error="<b>call 0900-1234</b>")
    assert "0900" not in refused.value.message


async def test_an_answer_counts_once_and_for_ten_minutes(house: House) -> None:
    begun = await house.begin()
    await house.end(begun)
    with pytest.raises(BadRequest, match="under way"):
        await house.end(begun)
    begun = await house.begin()
    house.now += 600
    with pytest.raises(BadRequest, match="under way"):
        await house.end(begun)


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "e30=." + "0" * 64, "ü"])
async def test_a_cookie_that_we_have_not_sealed_is_none(shut: House, cookie: str) -> None:
    begun = await shut.begin()
    with pytest.raises(BadRequest, match="under way"):
        await shut.end(msgspec.structs.replace(begun, cookie=cookie))


async def test_a_cookie_cannot_be_changed_and_another_gateway_reads_it(house: House, storage: Storage) -> None:
    begun = await house.begin(next="/chat")
    body, _, mark = begun.cookie.partition(".")
    flow = json.loads(base64.urlsafe_b64decode(body))
    changed = base64.urlsafe_b64encode(json.dumps({**flow, "user": "owner"}).encode()).decode()
    with pytest.raises(BadRequest):
        await house.end(msgspec.structs.replace(begun, cookie=f"{changed}.{mark}"))
    other = House(storage)
    other.nonce, other.state = house.nonce, house.state
    assert await other.end(begun)


@pytest.mark.parametrize("next_path", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_nobody_is_led_elsewhere_afterwards(house: House, next_path: str) -> None:
    begun = await house.begin(next=next_path)
    ended = await house.sign_in.end(Answer(house.state, "c", iss=ISSUER), begun.cookie, "")
    assert ended.next == "/"


# --- documents ---


@pytest.mark.parametrize(
    ("bent", "says"),
    [
        ({"issuer": "https://evil.example"}, "another one"),
        ({"issuer": "https://id.example.evil"}, "another one"),
        ({"token_endpoint": "http://id.example/token"}, "not safe"),
        ({"jwks_uri": "file:///etc/passwd"}, "not safe"),
        ({"userinfo_endpoint": "ftp://id.example"}, "not safe"),
    ],
)
async def test_a_document_that_leads_elsewhere_is_not_followed(shut: House, bent: dict[str, str], says: str) -> None:
    shut.document |= bent
    with pytest.raises(ProviderFailed, match=says):
        await shut.begin()


async def test_a_slash_more_at_the_issuers_end_is_no_other_issuer(house: House) -> None:
    house.document["issuer"] = house.claims["iss"] = ISSUER + "/"
    begun = await house.begin()
    assert await house.end(begun, iss=ISSUER + "/")


async def test_the_provider_is_asked_for_what_the_token_leaves_out(house: House, storage: Storage) -> None:
    del house.claims["preferred_username"], house.claims["email"]
    house.told |= {"preferred_username": "anna", "email": "anna@example.org", "email_verified": True}
    await house.come_back()
    assert [user.name for user in await storage.users.all()] == ["anna"]
    assert house.asked[-1][2] == {"authorization": "Bearer at"}
    house.told["sub"] = "s2"
    with pytest.raises(ProviderFailed, match="somebody else"):
        await house.come_back()


# --- whose account it is ---


async def test_a_user_of_the_same_name_is_somebody_else(house: House, storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("a"), "Anna", Role.OWNER, 1.0))
    new = await house.come_back()
    assert {(user.id, user.name) for user in await storage.users.all()} == {("a", "Anna"), (new, "anna@example.org")}


async def test_where_every_name_is_taken_the_way_is_to_link(house: House, storage: Storage) -> None:
    for name in ("anna", "anna@example.org", "s1"):
        await storage.users.add(UserRecord(UserId(name), name, Role.MEMBER, 1.0))
    with pytest.raises(Conflict, match="named 'anna'"):
        await house.come_back()


@pytest.mark.parametrize("verified", [True, False])
async def test_an_address_links_if_it_is_verified_and_the_owner_says_so(storage: Storage, verified: bool) -> None:
    house = House(storage, OpenIdRules(link_email=True))
    house.claims["email_verified"] = verified
    await storage.users.add(UserRecord(UserId("a"), "Anna@Example.org", Role.ADMIN, 1.0))
    if verified:
        assert await house.come_back() == "a"
        assert house.audited == [(Event.IDENTITY_LINKED, "Anna@Example.org")]
    else:
        with pytest.raises(Forbidden, match="invited"):
            await house.come_back()
    unasked = House(storage, OpenIdRules())
    unasked.claims["sub"] = "s9"
    with pytest.raises(Forbidden, match="invited"):
        await unasked.come_back()


async def test_who_is_signed_in_links_an_account_that_is_nobodys(house: House, storage: Storage) -> None:
    for name in (OWNER_ID, "bert"):
        await storage.users.add(UserRecord(UserId(name), name, Role.OWNER, 1.0))
    assert await house.come_back(user=OWNER_ID) == OWNER_ID
    assert await house.come_back(user=OWNER_ID) == OWNER_ID
    with pytest.raises(Conflict, match="another user's"):
        await house.come_back(user="bert")
    assert await house.come_back() == OWNER_ID
    assert len(await storage.users.all()) == 2


async def test_an_invitation_lets_in_whom_nothing_else_does_once(storage: Storage) -> None:
    house = House(storage, OpenIdRules())
    link = LinkRecord(
        LinkId("l"), LinkKind.INVITE, digest("token"), OWNER_ID, NOW, NOW + 90, role=Role.GUEST, name="Nana"
    )
    await storage.users.add(UserRecord(OWNER_ID, "owner", Role.OWNER, 1.0))
    await storage.links.add(link)
    # A link is worth what its maker is.
    await storage.links.add(
        msgspec.structs.replace(link, id=LinkId("m"), digest=digest("of nobody"), by=UserId("gone"))
    )
    with pytest.raises(Forbidden, match="invited"):
        await house.come_back()
    first, second = await house.begin(invitation="token"), await house.begin(invitation="token")
    user = await house.end(second)
    assert [(each.name, each.role) for each in await storage.users.all()][1:] == [("Nana", Role.GUEST)]
    house.claims["sub"] = "s2"
    house.state = json.loads(base64.urlsafe_b64decode(first.cookie.partition(".")[0]))["state"]
    house.nonce = json.loads(base64.urlsafe_b64decode(first.cookie.partition(".")[0]))["nonce"]
    with pytest.raises(NotFound, match="over"):
        await house.end(first)
    for token in ("token", "unknown", "of nobody"):
        with pytest.raises(NotFound, match="over"):
            await house.begin(invitation=token)
    house.claims["sub"] = "s1"
    assert await house.come_back() == user


async def test_an_invitation_is_worth_what_its_maker_is(storage: Storage) -> None:
    house = House(storage, OpenIdRules())
    await storage.users.add(UserRecord(UserId("ada"), "ada", Role.ADMIN, 1.0))
    await storage.links.add(LinkRecord(LinkId("l"), LinkKind.INVITE, digest("t"), UserId("ada"), NOW, NOW + 90))
    begun = await house.begin(invitation="t")
    await storage.users.set_role(UserId("ada"), Role.MEMBER)
    with pytest.raises(NotFound, match="over"):
        await house.end(begun)
    with pytest.raises(NotFound, match="over"):
        await house.begin(invitation="t")


async def test_the_owner_is_not_linked_by_an_address(storage: Storage) -> None:
    house = House(storage, OpenIdRules(link_email=True))
    await storage.users.add(UserRecord(OWNER_ID, "anna@example.org", Role.OWNER, 1.0))
    with pytest.raises(Forbidden, match="invited"):
        await house.come_back()


async def test_a_claim_changes_a_role_at_every_sign_in_but_never_the_owners(storage: Storage) -> None:
    house = House(storage, OpenIdRules(role_claim="groups", roles={"staff": Role.ADMIN, "family": Role.MEMBER}))
    house.claims["groups"] = ["staff"]
    user = await house.come_back()
    house.claims["groups"] = ["family"]
    await house.come_back()
    assert [(each.id, each.role) for each in await storage.users.all()] == [(user, Role.MEMBER)]
    assert house.audited[-1] == (Event.USER_ROLE, "anna")
    house.claims["groups"] = []
    with pytest.raises(Forbidden, match="no role"):
        await house.come_back()
    await storage.users.add(UserRecord(OWNER_ID, "owner", Role.OWNER, 1.0))
    house.claims["sub"] = "s2"
    await house.come_back(user=OWNER_ID)
    assert await house.come_back() == OWNER_ID


async def test_a_disabled_user_is_kept_out_whatever_the_provider_says(house: House, storage: Storage) -> None:
    user = await house.come_back()
    await storage.users.set_disabled(user, NOW)
    for how in ({}, {"user": user}):
        with pytest.raises(Unauthenticated, match="disabled"):
            await house.come_back(**how)


async def test_whom_the_owner_does_not_let_in_is_told_so_though_the_account_is_known(storage: Storage) -> None:
    await House(storage).come_back()
    strict = House(storage, OpenIdRules(domains=frozenset({"other.example"}), default_role=Role.MEMBER))
    with pytest.raises(Forbidden, match="not let in"):
        await strict.come_back()


# --- the wire ---

ANSWERS: dict[str, tuple[bytes, type[PotluckError]]] = {
    "a mistake of ours": (b"HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\n{}", ProviderFailed),
    "a redirect": (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", ProviderFailed),
    "a problem": (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", ProviderAway),
    "no JSON": (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", ProviderFailed),
    "other JSON": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", ProviderFailed),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", ProviderAway),
    "nothing": (b"", ProviderAway),
    "too much": (b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b" " * 2_000_000, ProviderAway),
}


@pytest.mark.parametrize(("answer", "error"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_that_is_none_says_whose_fault_it_is(answer: bytes, error: type[PotluckError]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    web = Web()
    try:
        with pytest.raises(error) as raised:
            await web.ask(dict[str, Any], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert type(raised.value) is error
    finally:
        await web.aclose()
        server.close()
        await server.wait_closed()
