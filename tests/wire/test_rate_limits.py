"""Header fields that tell how limits stand: each dialect's own, and the IETF's for all."""

from __future__ import annotations

import pytest

from potluck.core.allowances import Allowance, Claim, Level, Unit
from potluck.core.errors import RateLimited
from potluck.wire.anthropic.errors import write_error as anthropic_error
from potluck.wire.ollama.errors import write_error as ollama_error
from potluck.wire.openai.errors import write_error as openai_error
from potluck.wire.port import ErrorWriter
from potluck.wire.rate_limits import rate_fields

DAY = Allowance(Unit.REQUESTS, 1000, 86_400.0)
MINUTE = Allowance(Unit.REQUESTS, 60, 60.0)
TOKENS = Allowance(Unit.TOKENS, 2000, 60.0)
IMAGES = Allowance(Unit.IMAGES, 5, 86_400.0)


def level(bucket: str, allowance: Allowance, remaining: int, full_s: float, *, soft: bool = False) -> Level:
    return Level(Claim(bucket, allowance, soft=soft), remaining, full_s)


LEVELS = (
    level("user/anna/requests_per_day", DAY, 900, 8640.0),
    level("key/anna/laptop/requests_per_minute", MINUTE, 12, 48.0),
    level("role/member/anna/tokens_per_minute", TOKENS, 1999, 0.03),
    level("role/member/anna/images_per_day", IMAGES, 5, 0.0),
    level("user/anna/budget_tokens_per_day", TOKENS, 0, 9.0, soft=True),
)

IETF = {
    "ratelimit-policy": '"user-requests-per-day";q=1000;w=86400, "key-requests-per-minute";q=60;w=60, '
    '"role-tokens-per-minute";q=2000;qu="tokens";w=60, "role-images-per-day";q=5;qu="images";w=86400',
    "ratelimit": '"user-requests-per-day";r=900;t=8640, "key-requests-per-minute";r=12;t=48, '
    '"role-tokens-per-minute";r=1999;t=1, "role-images-per-day";r=5;t=0',
}


def test_openais_fields_tell_of_the_bucket_that_is_nearest_to_its_end() -> None:
    assert dict(rate_fields("openai", LEVELS, 0.0)) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "12",
        "x-ratelimit-reset-requests": "48s",
        "x-ratelimit-limit-tokens": "2000",
        "x-ratelimit-remaining-tokens": "1999",
        "x-ratelimit-reset-tokens": "30ms",
        **IETF,
    }


def test_anthropics_tell_the_time_of_day() -> None:
    assert dict(rate_fields("anthropic", LEVELS, 1_700_000_000.5)) == {
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "12",
        "anthropic-ratelimit-requests-reset": "2023-11-14T22:14:09Z",
        "anthropic-ratelimit-tokens-limit": "2000",
        "anthropic-ratelimit-tokens-remaining": "1999",
        "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:21Z",
        **IETF,
    }


@pytest.mark.parametrize(
    ("full_s", "told"), [(0.0, "0s"), (0.2501, "251ms"), (59.2, "1m0s"), (90, "1m30s"), (86_399.5, "24h0m0s")]
)
def test_a_time_until_all_is_back_is_written_as_openai_writes_it(full_s: float, told: str) -> None:
    fields = dict(rate_fields("openai", [level("user/a/requests_per_day", DAY, 1, full_s)], 0.0))
    assert fields["x-ratelimit-reset-requests"] == told
    assert "x-ratelimit-limit-tokens" not in fields


def test_who_has_no_limit_or_only_a_budget_is_told_of_none() -> None:
    assert rate_fields("openai", [], 0.0) == []
    assert rate_fields("openai", LEVELS[-1:], 0.0) == []


@pytest.mark.parametrize(
    ("writer", "field"),
    [
        (openai_error, "x-ratelimit-remaining-requests"),
        (ollama_error, "x-ratelimit-remaining-requests"),
        (anthropic_error, "anthropic-ratelimit-requests-remaining"),
    ],
)
def test_a_refusal_tells_the_same(writer: ErrorWriter, field: str) -> None:
    reply = writer(RateLimited("Spent.", retry_after_s=4.2, levels=LEVELS, at_s=0.0), "id")
    headers = dict(reply.headers)
    assert (reply.status, headers["retry-after"], headers[field]) == (429, "5", "12")
    assert headers["ratelimit"] == IETF["ratelimit"]
