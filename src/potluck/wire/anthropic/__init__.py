"""Anthropic's Messages as clients speak it: reading requests, writing answers, counts and errors."""

from potluck.wire.anthropic.errors import write_error
from potluck.wire.anthropic.request import read_count_tokens, read_messages, write_count

__all__ = ["read_count_tokens", "read_messages", "write_count", "write_error"]
