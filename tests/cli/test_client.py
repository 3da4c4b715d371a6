"""The client's words for whatever can go wrong between here and the service."""

from __future__ import annotations

import socket

import msgspec
import pytest

from potluck.cli.client import Client
from potluck.cli.failure import ServiceError, Unreachable
from potluck.cli.service import Service
from tests.cli.fake_service import DEADLINE_S, HOLD, FakeService, Stream, Whole, event, refusal


class Thing(msgspec.Struct):
    name: str


@pytest.fixture
def client(service: FakeService) -> Client:
    return Client(Service(service.url, "pk-test"))


def test_the_key_goes_along_as_a_bearer(service: FakeService, client: Client) -> None:
    service.on("GET /x", Whole({"name": "a", "unknown": 1}))
    assert client.get("/x", Thing, {"q": "a b"}) == Thing("a")
    assert service.asked[-1].key == "pk-test"
    assert service.asked[-1].query == {"q": "a b"}


def test_a_refusal_is_its_message_with_its_hint(service: FakeService, client: Client) -> None:
    service.on("GET /x", refusal("model 'x' not found", "Did you mean y?", 404))
    with pytest.raises(ServiceError) as caught:
        client.get("/x", Thing)
    assert (caught.value.message, caught.value.hint) == ("model 'x' not found", "Did you mean y?")
    assert caught.value.status == 404


def test_ollamas_errors_are_read_as_well(service: FakeService, client: Client) -> None:
    service.on("GET /x", Whole({"error": "model 'x' not found"}, 404))
    with pytest.raises(ServiceError, match="model 'x' not found"):
        client.raw("GET", "/x")


def test_an_error_without_words_names_its_status(service: FakeService, client: Client) -> None:
    service.on("GET /x", Whole(["?"], 502))
    with pytest.raises(ServiceError, match="502"):
        client.raw("GET", "/x")


def test_a_wrong_key_says_how_to_give_one(service: FakeService) -> None:
    service.on("GET /x", refusal("no", status=401))
    with pytest.raises(ServiceError) as caught:
        Client(Service(service.url)).raw("GET", "/x")
    assert "is needed" in caught.value.message
    assert "--key" in caught.value.hint


def test_nobody_listening_says_how_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unreachable, match=f"No Potluck answers at {url}; start it with 'potluck up'"):
        Client(Service(url)).raw("GET", "/x")


def test_something_else_than_a_potluck_is_told_as_such(service: FakeService, client: Client) -> None:
    service.on("GET /x", Whole("hello"))
    with pytest.raises(ServiceError, match="not what this version"):
        client.get("/x", Thing)


def test_a_server_that_hangs_up_is_not_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client(Service(f"http://127.0.0.1:{server.getsockname()[1]}"), listing_s=0.05)
        with pytest.raises(ServiceError, match="did not answer in time"):
            client.raw("GET", "/x")


def test_events_arrive_one_by_one_and_leaving_ends_them_at_the_server(service: FakeService, client: Client) -> None:
    service.on("POST /x", Stream((b": ping\n\n", event("delta", {"text": "a"}), HOLD)))
    with client.events("POST", "/x", body={}) as events:
        assert next(events).name == "delta"
    assert service.left.wait(DEADLINE_S)


def test_an_event_that_the_end_cuts_off_is_left_out(service: FakeService, client: Client) -> None:
    service.on("POST /x", Stream((event("delta", {"text": "a"}), b"event: delta\ndata: {")))
    with client.events("POST", "/x", body={}) as events:
        assert [each.name for each in events] == ["delta"]


def test_trouble_of_the_reader_is_not_blamed_on_the_service(service: FakeService, client: Client) -> None:
    service.on("POST /x", Stream((b"a\n", HOLD)))
    with pytest.raises(BrokenPipeError), client.lines("POST", "/x", body={}) as lines:
        next(lines)
        raise BrokenPipeError
