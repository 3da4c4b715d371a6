from __future__ import annotations

import json

import pytest

from potluck.core.answer import Answer, Choice, Finish, FinishReason, Text, Usage
from potluck.core.call import InfillCall, Sampling
from potluck.core.errors import BadRequest
from potluck.wire.code.mistral_fim import read_mistral_fim
from potluck.wire.port import AnswerMeta, Ask, Shape

META = AnswerMeta("abc", "codestral", 1.0)


def test_a_request_becomes_a_call() -> None:
    sent = {
        "model": "codestral",
        "prompt": "def f():\n",
        "suffix": "\n",
        "max_tokens": 9,
        "temperature": 0,
        "top_p": 1,
        "stop": ["\n\n", ""],
        "random_seed": 7,
        "min_tokens": 1,
        "stream": True,
    }
    ask: Ask = read_mistral_fim(json.dumps(sent).encode())
    sampling = Sampling(max_tokens=9, temperature=0.0, top_p=1.0, seed=7, stop=("\n\n",))
    assert ask.call() == InfillCall("codestral", "def f():\n", "\n", sampling=sampling)
    assert (ask.shape, ask.model, ask.stream, ask.untouchable) == (Shape.MISTRAL_FIM, "codestral", True, False)


def test_little_is_needed_but_a_prompt_is() -> None:
    assert read_mistral_fim(b'{"prompt":"a","stop":"b"}').call() == InfillCall(
        "", "a", "", sampling=Sampling(stop=("b",))
    )
    with pytest.raises(BadRequest) as caught:
        read_mistral_fim(b"{}")
    assert caught.value.param == "prompt"


def test_the_answer_is_a_chats() -> None:
    ask = read_mistral_fim(b'{"model":"codestral","prompt":"a"}')
    whole = json.loads(
        ask.writer(META).whole(Answer((Choice("  pass", finish=FinishReason.STOP),), usage=Usage(3, 1)), 2.0)
    )
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == "  pass"
    writer = ask.writer(META)
    out = writer.write([Text("  pass"), Finish(FinishReason.STOP)], 2.0) + writer.close(2.0)
    assert b'"chat.completion.chunk"' in out
    assert b'"content":"  pass"' in out
    assert out.endswith(b"data: [DONE]\n\n")
