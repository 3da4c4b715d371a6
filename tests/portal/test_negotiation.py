from __future__ import annotations

import pytest

from potluck.portal.negotiation import Encoding, encoding, wants_page


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0", ""),
        ("identity", ""),
        ("", ""),
        ("BR; q=1.0", "br"),
        ("br;q=much", ""),
    ],
)
def test_the_smallest_that_is_taken_is_sent(accepted: str, chosen: Encoding) -> None:
    assert encoding(accepted, ("br", "gzip")) == chosen
    assert encoding(accepted, ()) == ""


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/HTML", True),
        ("text/html;q=0", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_who_names_html_wants_a_page(accept: str, page: bool) -> None:
    assert wants_page(accept) is page
