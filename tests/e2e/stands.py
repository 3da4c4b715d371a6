"""Where an SDK's behaviour is tried: the embedded model, and one fake engine of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from tests.e2e.processes import EMBEDDING_MODEL, MODEL, OLLAMA_MODEL, OPENAI_MODEL, Fake, Fronted, Service


@dataclass(frozen=True, slots=True)
class Stand:
    """A service and the models to ask it for. ``fake`` answers, where there is one: then the text is known."""

    service: Service
    model: str
    embedder: str
    fake: Fake | None = None

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def key(self) -> str:
        return self.service.key

    @property
    def known(self) -> bool:
        """Whether a prompt that commands an answer gets it; a small model may say anything."""
        return self.fake is not None


def stand_of(name: str, service: Callable[[str], Service | Fronted]) -> Stand:
    """``embedded``, ``ollama`` or ``openai``; ``service`` finds the running one by its fixture's name."""
    if name == "embedded":
        running = service("embedded")
        assert isinstance(running, Service)
        return Stand(running, MODEL, MODEL)
    fronted = service("fronted")
    assert isinstance(fronted, Fronted)
    if name == "ollama":
        return Stand(fronted.service, OLLAMA_MODEL, OLLAMA_MODEL, fronted.ollama)
    return Stand(fronted.service, OPENAI_MODEL, EMBEDDING_MODEL, fronted.openai)


BRIEF = {"type": "string", "maxLength": 20}
"""A small model left to itself may fill a string until its tokens are spent, and what is cut is no JSON."""


class Dish(BaseModel):
    name: str = Field(max_length=20)
    guests: int


WEATHER = {
    "type": "object",
    "properties": {"city": BRIEF, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
"""A tool's parameters."""
