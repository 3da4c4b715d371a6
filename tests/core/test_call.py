from __future__ import annotations

import pytest

from potluck.core.call import (
    Call,
    ChatCall,
    EmbedCall,
    ImagePart,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Snippet,
    TextCall,
    TextPart,
    ToolCall,
    said,
)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            ChatCall(
                "m",
                (
                    Message(Role.USER, (TextPart("a"), ImagePart("aWNvbg=="), TextPart("b"))),
                    Message(Role.ASSISTANT, reasoning="c", tool_calls=(ToolCall("1", "f", "{}"),)),
                ),
            ),
            "ab\nc{}",
        ),
        (TextCall("m", ("a", (1, 2), "b"), system="s"), "s\na\nb"),
        (InfillCall("m", "a", "c", prompt="b", snippets=(Snippet("f.py", "x"),)), "x\na\nb\nc"),
        (EmbedCall("m", ("a", (1,), "b")), "a\nb"),
        (LoadCall("m"), ""),
    ],
)
def test_all_text_that_a_model_reads_is_measured(call: Call, text: str) -> None:
    assert said(call) == text
