"""OpenAI's Responses as clients speak it. Its errors are those of the OpenAI family."""

from potluck.wire.responses.request import read_responses

__all__ = ["read_responses"]
