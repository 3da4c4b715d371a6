"""The listing of models, for both families of SDKs."""

from __future__ import annotations

import json

import pytest

from potluck.core.model import Model, ModelId
from potluck.wire.openai.models import write_model, write_models

ITEM = {
    "id": "qwen2.5-coder:32b",
    "object": "model",
    "created": 1767268800,
    "owned_by": "potluck",
    "type": "model",
    "display_name": "qwen2.5-coder:32b",
    "created_at": "2026-01-01T12:00:00Z",
}


def model(name: str, modified_at: str | None = None) -> Model:
    return Model(ModelId(name), modified_at=modified_at)


@pytest.mark.parametrize("modified", ["2026-01-01T12:00:00.123456789Z", "2026-01-01T14:00:00+02:00"])
def test_an_item_has_the_fields_of_both_families(modified: str) -> None:
    assert json.loads(write_model(model("qwen2.5-coder:32b", modified), created_s=5.0)) == ITEM


@pytest.mark.parametrize("modified", [None, "yesterday"])
def test_a_model_without_a_date_gets_the_one_given(modified: str | None) -> None:
    item = json.loads(write_model(model("m", modified), created_s=1.9))
    assert (item["created"], item["created_at"]) == (1, "1970-01-01T00:00:01Z")


def test_the_listing_names_each_model_once_and_its_ends() -> None:
    listing = json.loads(write_models([model("a"), model("b"), model("a")], created_s=0))
    assert listing["object"] == "list"
    assert [item["id"] for item in listing["data"]] == ["a", "b"]
    assert (listing["has_more"], listing["first_id"], listing["last_id"]) == (False, "a", "b")


def test_an_empty_listing_is_one() -> None:
    assert json.loads(write_models([], created_s=0)) == {
        "object": "list",
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
