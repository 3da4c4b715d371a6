"""What gateways write above requests that they forward to each other."""

from __future__ import annotations

from potluck.gateway.relay.hops import HOP, Hops

ONE, OTHER = Hops("secret"), Hops("another")


def test_the_address_of_a_client_is_known_behind_another_gateway() -> None:
    value = ONE.sign(b"POST", b"/v1/models", "fe80::1")
    assert ONE.client([(b"host", b"x"), (HOP, value)], b"POST", b"/v1/models") == "fe80::1"


def test_nobody_without_the_secret_can_name_an_address() -> None:
    value = OTHER.sign(b"GET", b"/", "10.0.0.1")
    assert ONE.client([(HOP, value)], b"GET", b"/") is None
    assert ONE.client([(HOP, b"v1 10.0.0.1 ")], b"GET", b"/") is None
    assert ONE.client([(HOP, b"\xff")], b"GET", b"/") is None
    assert ONE.client([], b"GET", b"/") is None


def test_a_signature_is_of_one_request() -> None:
    value = ONE.sign(b"GET", b"/a", "10.0.0.1")
    assert ONE.client([(HOP, value)], b"GET", b"/b") is None
    assert ONE.client([(HOP, value)], b"POST", b"/a") is None
    assert ONE.client([(HOP, value.replace(b"10.0.0.1", b"10.0.0.2"))], b"GET", b"/a") is None
