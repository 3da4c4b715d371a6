"""The portal's figures beside their bars."""

from __future__ import annotations

from benchmarks.portal import bars


def _stream(**changed: object) -> dict[str, object]:
    usual = {"page": "portal", "rate": 100, "slow": 1, "cpu_s": 3.2, "shift": 0, "blocked_ms": 0, "worst_frame_ms": 33}
    return {**usual, "bytes_per_token": 40, "server_s": 0.1, "nodes": 700, "heap_mb": 6.5, **changed}


def test_what_is_over_its_bar_is_bold_and_not_counted() -> None:
    found = bars.rows(None, [_stream(), _stream(page="floor", cpu_s=99), _stream(slow=4, cpu_s=13.5)])
    around = {"date": "2026-11-26", "machine": "2 cores", "commit": "abc", "load_average": 0.1}
    page = bars.markdown(around, found)
    assert f"{len(found) - 1} of {len(found)} bars are met" in page
    assert "| 100 tokens/s: processor for 1,000 tokens | \u2264 4 s | 3.2 s |" in page
    assert "| 100 tokens/s, 4x: processor for 1,000 tokens | \u2264 13 s | **13.5 s** |" in page
    assert "99" not in page
