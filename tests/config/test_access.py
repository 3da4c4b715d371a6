"""Who may come in, as the file says it; and what of that is dangerous."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.config.load import check, load
from potluck.config.model import AccessConfig, OpenIdConfig, TrustedHeaderConfig, TrustedNetwork
from potluck.config.problems import ConfigProblem, Severity
from potluck.config.secret import Secret
from potluck.core.openid import OpenIdRules
from potluck.core.people import Role


@pytest.fixture
def access(tmp_path: Path):
    def access(text: str) -> tuple[AccessConfig | None, list[ConfigProblem]]:
        file = tmp_path / "potluck.yaml"
        file.write_text("access: " + text)
        problems = check(file, {"SECRET": "s3cret"})
        broken = any(each.severity is Severity.ERROR for each in problems)
        return None if broken else load(file, {"SECRET": "s3cret"}).access, problems

    return access


def test_a_proxy_and_what_its_headers_mean(access) -> None:
    config, problems = access(
        "{proxies: [10.0.0.9], trusted_header: {proxies: [10.0.0.1, 172.18.0.0/16], user: X-User, email: X-Email,"
        " groups: {header: X-Groups, roles: {staff: admin}}, create: member, secret: '${SECRET}'}}"
    )
    assert config.proxies == ("10.0.0.9/32",)
    assert config.trusted_header == TrustedHeaderConfig(
        proxies=("10.0.0.1/32", "172.18.0.0/16"),
        user="x-user",
        email="x-email",
        groups="x-groups",
        roles={"staff": Role.ADMIN},
        create=Role.MEMBER,
        secret=Secret("s3cret"),
    )
    assert problems == []


def test_without_more_than_a_proxy_nobody_new_comes_in(access) -> None:
    config, _ = access("{trusted_header: {proxies: [10.0.0.1]}}")
    assert config.trusted_header == TrustedHeaderConfig(("10.0.0.1/32",))
    assert (config.trusted_header.user, config.trusted_header.create) == ("x-forwarded-user", None)


def test_networks_and_their_guests(access) -> None:
    config, problems = access(
        '{trusted_networks: [{range: 192.168.1.0/24, as: " living  room "}, {range: "fd00::/64", as: tv}]}'
    )
    assert config.trusted_networks == (
        TrustedNetwork("192.168.1.0/24", "living room"),
        TrustedNetwork("fd00::/64", "tv"),
    )
    assert problems == []
    assert AccessConfig().trusted_networks == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{trusted_header: {}}", "access.trusted_header.proxies is missing"),
        ("{trusted_header: {proxies: []}}", "must hold at least 1"),
        ("{trusted_header: {proxies: [nginx]}}", "must be a network"),
        ("{trusted_header: {proxies: [10.0.0.1/8]}}", "must be a network"),
        ("{trusted_header: {proxies: [0.0.0.0/0]}}", "is everybody"),
        ("{proxies: ['::/0']}", "is everybody"),
        ("{trusted_header: {proxies: [10.0.0.1], user: X_User}}", "must be a header's name"),
        ("{trusted_header: {proxies: [10.0.0.1], user: Authorization}}", "must be a header of its own"),
        ("{trusted_header: {proxies: [10.0.0.1], create: owner}}", "create must be one of"),
        ("{trusted_header: {proxies: [10.0.0.1], groups: {header: X, roles: {a: king}}}}", "must be one of"),
        ("{trusted_networks: [{range: 192.168.1.7/24, as: tv}]}", "must be a network"),
        ("{trusted_networks: [{range: 192.168.1.0/24}]}", "as is missing"),
        ("{trusted_networks: [{range: 192.168.1.0/24, as: Owner}]}", "must be a guest's name"),
        ("{trusted_networks: [{range: 192.168.1.0/24, as: ''}]}", "must be a name for a guest"),
        ("{oidc: {issuer: https://id.example}}", "client_id is missing"),
        ("{oidc: {issuer: id.example, client_id: p}}", "must be a URL"),
        ("{oidc: {issuer: https://id.example, client_id: p, roles: {a: admin}}}", "values of no claim"),
        ("{oidc: {issuer: https://id.example, client_id: p, role_claim: groups}}", "give no role"),
        ("{oidc: {issuer: https://id.example, client_id: p, default_role: owner}}", "must be one of"),
        ("{trusted_networks: [{range: 10.0.0.0/8, as: a}, {range: 10.0.0.0/8, as: b}]}", "are the same network"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error(access, text: str, says: str) -> None:
    config, problems = access(text)
    assert config is None
    assert says in problems[0].message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{trusted_networks: [{range: 0.0.0.0/0, as: all}]}", "out on the Internet"),
        ("{trusted_networks: [{range: '::/0', as: all}]}", "out on the Internet"),
        ("{trusted_networks: [{range: 8.8.8.0/24, as: all}]}", "out on the Internet"),
        ("{trusted_networks: [{range: '::ffff:8.8.8.0/120', as: all}]}", "out on the Internet"),
        ("{trusted_networks: [{range: 127.0.0.1, as: me}]}", "tunnel on this machine"),
        ("{trusted_networks: [{range: '::1', as: me}]}", "tunnel on this machine"),
        ("{trusted_header: {proxies: [127.0.0.1]}}", "Every program on this machine"),
        ("{trusted_header: {proxies: ['::1']}}", "Every program on this machine"),
        ("{oidc: {issuer: 'http://id.example', client_id: p}}", "without https"),
        (
            "{oidc: {issuer: https://accounts.google.com, client_id: p, default_role: member}}",
            "Everybody with an account",
        ),
        ("{trusted_header: {proxies: [8.8.0.0/16]}}", "65536 addresses on the Internet"),
    ],
)
def test_what_is_dangerous_is_said_and_works(access, text: str, says: str) -> None:
    config, problems = access(text)
    assert config is not None
    assert [(each.severity, says in each.message) for each in problems] == [(Severity.WARNING, True)]


def test_a_proxy_on_this_machine_with_a_secret_is_fine(access) -> None:
    assert access("{trusted_header: {proxies: [127.0.0.1], secret: s3cret}}")[1] == []


def test_a_provider_and_whom_it_lets_in(access) -> None:
    config, problems = access(
        "{oidc: {issuer: https://id.example, client_id: potluck, client_secret: '${SECRET}', scopes: [email, openid],"
        " label: The house, redirect_uri: 'https://chat.example/api/v1/sessions/oidc/callback', name_claim: nick,"
        " role_claim: groups, roles: {staff: admin}, default_role: guest, link_email: true,"
        " allow: {domains: ['@Example.org'], emails: [Boss@Other.example]}}}"
    )
    assert problems == []
    assert config.oidc == OpenIdConfig(
        issuer="https://id.example",
        client_id="potluck",
        client_secret=Secret("s3cret"),
        scopes=("openid", "email"),
        label="The house",
        redirect_uri="https://chat.example/api/v1/sessions/oidc/callback",
        rules=OpenIdRules(
            domains=frozenset({"example.org"}),
            emails=frozenset({"boss@other.example"}),
            name_claim="nick",
            role_claim="groups",
            roles={"staff": Role.ADMIN},
            default_role=Role.GUEST,
            link_email=True,
        ),
    )


def test_of_a_provider_nobody_comes_in_uninvited_by_default(access) -> None:
    config, problems = access("{oidc: {issuer: 'http://127.0.0.1:9000', client_id: potluck}}")
    assert problems == []
    assert config.oidc == OpenIdConfig("http://127.0.0.1:9000", "potluck")
    assert config.oidc.rules.default_role is None


def test_a_key_that_python_keeps_for_itself_is_offered_as_it_stands_in_the_file(access) -> None:
    _, problems = access("{trusted_networks: [{range: 10.0.0.0/8, is: tv}]}")
    assert any("range, as" in each.hint or "'as'" in each.hint for each in problems)
