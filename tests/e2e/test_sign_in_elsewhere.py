"""Who comes in without a key of Potluck's: a real service, clients as they are, and connections from several addresses.

All of 127.0.0.0/8 is this machine on Linux: 127.0.0.1 is the trusted network here, 127.0.0.9 the proxy.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import ollama
import pytest

from potluck.surfaces.doors import DOORS
from tests.e2e.processes import Fake, Service, fake, service
from tests.servers.canaille_process import CLIENT, SECRET
from tests.servers.openid import consented, free_port, provider

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")

MODEL = "olla-fake:1b"
PROVIDER_PORT = free_port()
NEAR, PROXY, ELSEWHERE = "127.0.0.1", "127.0.0.9", "127.0.0.7"
HELLO = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": "repeat 2"}]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Fake]]:
    home = tmp_path_factory.mktemp("elsewhere")
    with ExitStack() as stack:
        engine = stack.enter_context(fake("--dialect", "ollama", "--model", f"{MODEL},capabilities=completion+insert"))
        config = home / "potluck.yaml"
        config.write_text(
            f"nodes: {{one: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 4}}]}}}}\n"
            "local: false\n"
            "access:\n"
            "  trusted_header:\n"
            f"    {{proxies: [{PROXY}], email: X-Email, groups: {{header: X-Groups, roles: {{family: member}}}}}}\n"
            f"  trusted_networks: [{{range: {NEAR}, as: living room}}]\n"
            "  oidc:\n"
            f"    {{issuer: 'http://127.0.0.1:{PROVIDER_PORT}', client_id: {CLIENT}, client_secret: \"{SECRET}\",\n"
            "     scopes: [profile, email, groups], label: Sign in with the house,\n"
            "     role_claim: groups, roles: {staff: admin}, default_role: guest}\n"
        )
        yield stack.enter_context(service(home, "--config", str(config))), engine


def client(house: tuple[Service, Fake], address: str, **headers: str) -> httpx.Client:
    """A client whose connections come from ``address``."""
    return httpx.Client(
        base_url=house[0].url, headers=headers, transport=httpx.HTTPTransport(local_address=address), timeout=20
    )


def test_an_ollama_client_without_a_key_is_its_networks_guest(house: tuple[Service, Fake]) -> None:
    with ollama.Client(house[0].url) as unmodified:
        assert unmodified.chat(MODEL, [{"role": "user", "content": "repeat 3"}]).message.content == "w1 w2 w3"
        assert MODEL in [each.model for each in unmodified.list().models]
        with pytest.raises(ollama.ResponseError, match="guest") as refused:
            unmodified.delete(MODEL)
        assert refused.value.status_code == 403
    users = {user["name"]: user["role"] for user in house[0].get("/api/v1/users")["users"]}
    assert users == {"owner": "owner", "living room": "guest"}
    asked = [each for each in house[0].get("/api/v1/requests")["requests"] if each["asked_model"] == MODEL]
    assert asked


def test_an_ollama_client_with_a_wrong_key_and_one_from_elsewhere_are_refused(house: tuple[Service, Fake]) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    with ollama.Client(house[0].url, headers=wrong) as mistaken, pytest.raises(ollama.ResponseError):
        mistaken.chat(MODEL, [{"role": "user", "content": "hello"}])
    with client(house, ELSEWHERE) as stranger:
        assert stranger.post("/api/chat", json=HELLO).status_code == 401
        assert stranger.get("/api/tags").status_code == 401
        assert stranger.get("/api/version").status_code == 200


def test_whom_the_proxy_names_asks_models_and_has_an_account_and_engines_never_hear_of_it(
    house: tuple[Service, Fake],
) -> None:
    named = {"X-Forwarded-User": "Paul", "X-Groups": "tennis, family", "X-Email": "paul@example.org"}
    with client(house, PROXY, **named, X_Forwarded_User="owner") as paul:
        assert paul.post("/v1/chat/completions", json=HELLO).status_code == 200
        assert paul.post("/api/chat", json=HELLO).status_code == 200
        me = paul.get("/api/v1/users/me").json()
        assert (me["name"], me["role"]) == ("Paul", "member")
        assert paul.get("/api/v1/users").status_code == 403
        assert paul.post("/api/v1/keys", json={"name": "pauls"}).status_code == 201
        # A cookie would outlive the proxy's word.
        assert paul.post("/api/v1/sessions").status_code == 400
        evil = {"Origin": "https://evil.example"}
        assert paul.post("/v1/chat/completions", json=HELLO, headers=evil).status_code == 403
        assert paul.post("/api/v1/keys", json={"name": "evil"}, headers=evil).status_code == 403
    made = [entry for entry in house[0].get("/api/v1/audit")["entries"] if entry["subject"] == "Paul"]
    assert [(entry["event"], entry["detail"]["by"]) for entry in made] == [("user.made", "proxy")]
    heard = [name.lower() for request in house[1].requests() for name in dict(request["headers"])]
    assert heard
    assert not {"x-forwarded-user", "x_forwarded_user", "x-groups", "x-email"} & set(heard)


def test_whom_anybody_else_names_is_nobody(house: tuple[Service, Fake]) -> None:
    for headers in (
        {"X-Forwarded-User": "Paul", "X-Groups": "family"},
        {"X-Forwarded-User": "Paul", "X-Groups": "family", "X-Forwarded-For": PROXY},
    ):
        with client(house, ELSEWHERE, **headers) as liar:
            assert liar.post("/v1/chat/completions", json=HELLO).status_code == 401
            assert liar.get("/api/v1/users/me").status_code == 401
    with client(house, PROXY, **{"X-Forwarded-User": "Bert"}) as bert:
        assert bert.get("/api/v1/users/me").status_code == 403


def test_a_key_is_taken_as_every_client_presents_it_on_every_surface(house: tuple[Service, Fake]) -> None:
    key = house[0].key
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    ways = [{"Authorization": f"Bearer {key}"}, {"x-api-key": key}, {"Authorization": f"Basic {basic}"}]
    listings = ("/v1/models", "/api/tags", "/api/v1/models", "/v1/health", "/v1beta/models", "/metrics", "/docs")
    with client(house, ELSEWHERE) as stranger:
        for way in ways:
            for path in listings:
                assert stranger.get(path, headers=way).status_code == 200, (path, way)
            for door in DOORS:  # whatever each makes of an empty body, it is not for who asks
                status = stranger.request(door.method, door.path, headers=way, json={}).status_code
                assert status not in (401, 403), (door.path, status)
        for path in (*listings, *(door.path for door in DOORS)):
            method = "GET" if path in listings else "POST"
            assert stranger.request(method, path, headers={"x-api-key": "wrong"}, json={}).status_code == 401, path


# --- an OpenID Connect provider ---


@pytest.fixture(scope="module")
def identity(house: tuple[Service, Fake]) -> Iterator[str]:
    """The provider that the service was told of, a real one; started after it, as after a power cut."""
    with client(house, ELSEWHERE) as browser:
        assert browser.get("/api/v1/sessions/ways").json()["oidc"] == {
            "label": "Sign in with the house",
            "start": "/api/v1/sessions/oidc",
        }
        away = browser.get("/api/v1/sessions/oidc")
        assert (away.status_code, away.json()["error"]["type"]) == (503, "provider_away")
        assert int(away.headers["retry-after"]) > 0
        shown = browser.get("/api/v1/sessions/oidc", headers={"Accept": "text/html,*/*"})
        assert (shown.status_code, "does not answer" in shown.text) == (503, True)
        keyed = browser.post("/api/v1/sessions", headers={"Authorization": f"Bearer {house[0].key}"})
        assert keyed.status_code == 201
    with provider(PROVIDER_PORT, f"{house[0].url}/api/v1/sessions/oidc/callback") as issuer:
        yield issuer


def back(house: tuple[Service, Fake], browser: httpx.Client, name: str, start: str = "", **how: str) -> httpx.Response:
    """The provider's answer on its way back to the service, for who signs in there as ``name``."""
    page = browser.get(start or "/api/v1/sessions/oidc")
    assert page.status_code == 303, page.text
    return consented(browser, page, name, **how)


def test_somebody_new_signs_in_by_the_provider_and_comes_back_as_the_same(
    house: tuple[Service, Fake], identity: str
) -> None:
    users = set()
    for _ in range(2):
        with client(house, ELSEWHERE) as browser:
            answer = back(house, browser, "anna", "/api/v1/sessions/oidc?next=/chat%3Fc%3D1")
            ended = browser.get(answer.headers["location"])
            assert (ended.status_code, ended.headers["location"]) == (303, "/chat?c=1")
            me = browser.get("/api/v1/users/me").json()
            assert (me["name"], me["role"]) == ("anna", "guest")
            users.add(me["id"])
            assert [each["issuer"] for each in browser.get("/api/v1/users/me/identities").json()["identities"]] == [
                identity
            ]
            # What came back once is worth nothing a second time.
            assert browser.get(answer.headers["location"]).status_code == 400
    assert len(users) == 1


def test_an_answer_ends_only_in_the_browser_that_was_sent_away(house: tuple[Service, Fake], identity: str) -> None:
    with client(house, ELSEWHERE) as browser, client(house, ELSEWHERE) as thief:
        answer = back(house, browser, "bert")
        stolen = thief.get(answer.headers["location"])
        assert (stolen.status_code, stolen.json()["error"]["param"]) == (400, "state")
        assert thief.get("/api/v1/users/me").status_code == 401
        assert browser.get(answer.headers["location"]).status_code == 303


def test_a_group_gives_a_role_and_who_denies_is_not_signed_in(house: tuple[Service, Fake], identity: str) -> None:
    with client(house, ELSEWHERE) as browser:
        denied = back(house, browser, "ada", answer="deny")
        refused = browser.get(denied.headers["location"])
        assert (refused.status_code, "access_denied" in refused.text) == (403, True)
    with client(house, ELSEWHERE) as browser:
        assert browser.get(back(house, browser, "ada").headers["location"]).status_code == 303
        assert browser.get("/api/v1/users/me").json()["role"] == "admin"


def test_who_is_signed_in_links_an_account_and_signs_in_by_it(house: tuple[Service, Fake], identity: str) -> None:
    key = {"Authorization": f"Bearer {house[0].key}"}
    made = httpx.post(f"{house[0].url}/api/v1/keys", headers=key, json={"name": "carla"}).json()
    with client(house, ELSEWHERE) as browser:
        begun = browser.post("/api/v1/sessions", headers={"Authorization": f"Bearer {made['key']}"})
        assert begun.status_code == 201
        ours = {"Origin": house[0].url, "Sec-Fetch-Site": "same-origin"}
        assert browser.post("/api/v1/sessions/oidc", json={}).status_code == 403  # by no page of ours
        linking = browser.post("/api/v1/sessions/oidc", json={"next": "/account"}, headers=ours)
        answer = consented(browser, browser.get(linking.json()["location"]), "carla")
        assert browser.get(answer.headers["location"]).headers["location"] == "/account"
        before = browser.get("/api/v1/users/me").json()
    with client(house, ELSEWHERE) as browser:
        browser.get(back(house, browser, "carla").headers["location"])
        assert browser.get("/api/v1/users/me").json()["id"] == before["id"]
        (account,) = browser.get("/api/v1/users/me/identities").json()["identities"]
        unlink = browser.delete(f"/api/v1/users/me/identities/{account['id']}", headers=ours)
        assert unlink.status_code == 204
    told = [entry["event"] for entry in house[0].get("/api/v1/audit")["entries"]]
    assert {"identity.linked", "identity.unlinked"} <= set(told)


def test_an_invitation_may_be_taken_up_with_an_account_at_the_provider(
    house: tuple[Service, Fake], identity: str
) -> None:
    key = {"Authorization": f"Bearer {house[0].key}"}
    made = httpx.post(f"{house[0].url}/api/v1/invitations", headers=key, json={"role": "member"}).json()
    token = made["token"]
    with client(house, ELSEWHERE) as browser:
        answer = back(house, browser, "dora", f"/api/v1/sessions/oidc?invitation={token}")
        assert browser.get(answer.headers["location"]).headers["location"] == "/sign-in"
        me = browser.get("/api/v1/users/me").json()
        assert (me["name"], me["role"]) == ("dora", "member")
        assert browser.get(f"/api/v1/sessions/oidc?invitation={token}").status_code == 404
