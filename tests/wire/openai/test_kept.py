"""The bytes kept aside say what an answer cost."""

from __future__ import annotations

from potluck.core.answer import FinishReason, Usage
from potluck.wire.openai.kept import KeptAnswer, Reading
from potluck.wire.openai.readers import ChatReader
from tests.wire.openai.streams import sse

MANY = '{"id":"c","created":1,"model":"m","choices":[{"delta":{%s},"finish_reason":%s}],"usage":{"prompt_tokens":1}}'


def test_reading_stops_where_all_is_known() -> None:
    kept = KeptAnswer(ChatReader)
    kept.add(sse('{"choices":[{"delta":{},"finish_reason":"length"}]}'))
    kept.add(sse(MANY % ("", '"stop"')))
    reading = kept.read()
    assert reading.finish is FinishReason.STOP
    assert reading.usage == Usage(prompt=1)
    assert reading.frame == ("c", 1, "m")


def test_everything_the_model_wrote_counts_as_text() -> None:
    kept = KeptAnswer(ChatReader)
    kept.add(
        sse(
            '{"choices":[{"delta":{"content":"é"}},{"delta":{"reasoning_content":"ab"}},{"text":"c"},'
            '{"delta":{"reasoning":"d"}},{"delta":{"reasoning":{}}},{"delta":{"refusal":"e"}},'
            '{"delta":{"tool_calls":[{"function":{"arguments":"{}"}},{}]}},{"message":{"content":"f"}},{}]}'
        )
    )
    kept.add(sse("no JSON") + b": ping\n\n")
    assert kept.read().text_bytes == 10


def test_nothing_kept_says_nothing() -> None:
    assert KeptAnswer(ChatReader).read() == Reading()
    assert not Reading().complete


def test_what_is_set_aside_is_read_as_the_newest() -> None:
    kept = KeptAnswer(ChatReader)
    kept.add(sse(MANY % ("", '"stop"')))
    kept.set_aside(sse('{"choices":[],"usage":{"prompt_tokens":2}}'))
    assert kept.read().usage == Usage(prompt=2)
