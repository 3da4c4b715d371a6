from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import AudioPart, ImagePart, Message, Role, TextPart, ToolCall
from potluck.storage.sql.content import clean, decode, encode, fold

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PARTS = st.builds(TextPart, TEXT) | st.builds(ImagePart, TEXT, TEXT, TEXT) | st.builds(AudioPart, TEXT, TEXT)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(Role),
    parts=st.lists(PARTS).map(tuple),
    reasoning=TEXT,
    tool_calls=st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT)).map(tuple),
    tool_call_id=TEXT,
    name=TEXT,
)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert decode(message.role.value, encode(message)) == message


def test_the_kept_form_stays_readable_for_later_versions() -> None:
    kept = '{"parts":[{"type":"text","text":"hi"},{"type":"image","url":"u"}],"later":1}'
    assert decode("user", kept) == Message(Role.USER, (TextPart("hi"), ImagePart(url="u")))
    assert encode(Message(Role.USER, (TextPart("hi"),))) == '{"parts":[{"type":"text","text":"hi"}]}'


@given(st.text())
def test_any_text_can_be_kept_once_it_is_clean(text: str) -> None:
    assert "\0" not in clean(text)
    clean(text).encode()
    assert fold(fold(text)).encode() is not None


def test_folding_joins_what_looks_the_same() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("A\u0308") == fold("ä")
