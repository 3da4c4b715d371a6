from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck_fake_engine.schema import NoInstance, instance

_LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"type": ["null", "integer"]},
            {"enum": ["a", 2, None]},
            {"const": {"k": [1]}},
            {"type": "integer", "minimum": 7},
            {"type": "integer", "exclusiveMaximum": 0},
            {"type": "number", "exclusiveMinimum": 1.5},
            {"type": "number", "maximum": -3},
            {"type": "integer", "multipleOf": 5, "minimum": 6},
            {"$ref": "#/$defs/leaf"},
            {"$ref": "#/$defs/tree"},
        ]
    ),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
        lambda pair: {"type": "string", "minLength": min(pair), "maxLength": max(pair)}
    ),
)


def _grow(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["a", "b c", "ü"])
    objects = st.dictionaries(names, inner).map(
        lambda p: {"type": "object", "properties": p, "required": sorted(p), "additionalProperties": False}
    )
    arrays = st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
        lambda t: {"type": "array", "items": t[0], "minItems": min(t[1:]), "maxItems": max(t[1:])}
    )
    return st.one_of(
        objects,
        arrays,
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: {"type": "array", "prefixItems": items}),
    )


_DEFS = {
    "leaf": {"type": "integer"},
    "tree": {
        "type": "object",
        "properties": {"left": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}, "value": {"type": "string"}},
        "required": ["left", "value"],
    },
}


@given(st.recursive(_LEAVES, _grow, max_leaves=12))
def test_every_instance_is_valid(schema: dict[str, Any]) -> None:
    whole = {**schema, "$defs": _DEFS}
    jsonschema.Draft202012Validator(whole).validate(instance(whole))


def test_parts_of_all_of_are_met_together() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"$ref": "#/definitions/b"},
        ],
        "definitions": {"b": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}},
        "type": "object",
    }
    jsonschema.validate(instance(schema), schema)


def test_formats_are_kept() -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]}
    assert instance(schema)["at"].endswith("Z")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"$ref": "#/$defs/missing"},
        {"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]},
    ],
)
def test_a_schema_without_an_end_is_told_so(schema: dict[str, Any]) -> None:
    with pytest.raises(NoInstance):
        instance(schema)
