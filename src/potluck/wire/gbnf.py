"""Grammars of llama.cpp (its grammars/README.md): here only the one that makes an answer begin with a given text."""

from __future__ import annotations

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def beginning_with(text: str) -> str:
    """The grammar of every text that begins with ``text``, which holds no half of a surrogate pair.

    >>> beginning_with('a "b"')
    'root ::= "a \\\\"b\\\\"" rest\\nrest ::= [^\\\\x00]*\\n'
    """
    return f'root ::= "{"".join(map(_escaped, text))}" rest\nrest ::= [^\\x00]*\n'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\x{ord(char):02x}" if ord(char) < 0x20 or ord(char) == 0x7F else char
