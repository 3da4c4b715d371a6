"""What chat programs ask on their own account, known by its text where nothing else tells it."""

from __future__ import annotations

from potluck.core.call import ChatCall
from potluck.core.scheduling.classes import Kind

# How Open WebUI's own templates begin for what nobody waits for: titles, tags, and what might be asked next. Its others
# (search queries, image prompts) hold up an answer. An owner who rewrites them can send a header (`wire.terms`).
_BEGINNINGS = (
    "### Task:\nGenerate a concise",
    "### Task:\nGenerate 1-3 broad tags",
    "### Task:\nSuggest 3-5 relevant follow-up",
)
# They all end with the conversation that they are about.
_HISTORY = "<chat_history>"


def is_errand(text: str) -> bool:
    """Whether a conversation's only message is such a task."""
    return text.startswith(_BEGINNINGS) and _HISTORY in text


def kind_of(call: ChatCall) -> Kind | None:
    """What a chat shows itself to be; None: what it is by its door."""
    return Kind.BACKGROUND if len(call.messages) == 1 and is_errand(call.messages[0].text) else None
