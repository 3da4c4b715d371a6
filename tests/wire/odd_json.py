"""Requests that are nearly right: known fields with values of any kind, at any place."""

from __future__ import annotations

import json

from hypothesis import strategies as st


def odd_bodies(keys: str, values: str) -> st.SearchStrategy[bytes]:
    """JSON objects of the ``keys``, with the ``values`` where a text may stand: words, a space between them."""
    leaf = st.one_of(st.sampled_from([*values.split(), ""]), st.integers(-1, 2), st.booleans(), st.none(), st.just(0.5))
    names = st.sampled_from(keys.split())
    tree = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5))
    return st.dictionaries(names, tree, max_size=6).map(lambda body: json.dumps(body).encode())
