import pytest

from potluck.core.sessions import DEVICE_COOKIES, Lifetimes, cookie_in, forged, set_cookie


def test_a_session_ends_by_rest_or_by_age_whichever_is_first() -> None:
    lifetimes = Lifetimes(idle_s=10.0, length_s=100.0)
    assert [lifetimes.end_s(0.0, used) for used in (0.0, 50.0, 95.0)] == [10.0, 60.0, 100.0]


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"potluck=a", b"a"),
        (b"x=y; potluck=a;z", b"a"),
        (b"potluck=a; __Host-potluck=b", b"b"),
        (b"__Host-potluck=; potluck=a", b"a"),
        (b"notpotluck=a", b""),
        (b"", b""),
        (b"potluck", b""),
    ],
)
def test_the_cookie_is_found_among_others(value: bytes, token: bytes) -> None:
    assert cookie_in(value) == token


@pytest.mark.parametrize(
    ("method", "site", "origin", "host", "is_forged"),
    [
        (b"GET", b"cross-site", b"https://evil.example", b"here:8420", False),
        (b"POST", b"same-origin", b"", b"here:8420", False),
        (b"POST", b"same-site", b"http://here:8420", b"here:8420", True),
        (b"POST", b"none", b"", b"here:8420", True),
        (b"POST", b"", b"http://HERE:8420", b"here:8420", False),
        (b"DELETE", b"", b"https://here", b"here", False),
        (b"POST", b"", b"http://here:3000", b"here:8420", True),
        (b"POST", b"", b"https://evil.example", b"here:8420", True),
        (b"POST", b"", b"null", b"here:8420", True),
        (b"POST", b"", b"", b"here:8420", True),
        (b"PATCH", b"", b"http://", b"", True),
    ],
)
def test_only_our_own_pages_may_change_something(
    method: bytes, site: bytes, origin: bytes, host: bytes, is_forged: bool
) -> None:
    assert forged(method, site, origin, host) is is_forged


def test_the_cookie_is_kept_from_scripts_and_other_sites() -> None:
    plain = "potluck=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    assert set_cookie("t", secure=False, length_s=60.0) == plain
    assert set_cookie("t", secure=True, length_s=60.0) == f"__Host-{plain}; Secure"
    assert "Max-Age=0" in set_cookie("", secure=True, length_s=60.0)


def test_a_browser_that_is_known_again_has_a_cookie_of_its_own() -> None:
    made = set_cookie("d", secure=True, length_s=60.0, names=DEVICE_COOKIES)
    assert made.startswith("__Host-potluck-device=d;")
    assert cookie_in(b"potluck=s; potluck-device=d", DEVICE_COOKIES) == b"d"
    assert cookie_in(b"potluck-device=d") == b""
