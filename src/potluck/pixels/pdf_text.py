"""The child that reads what a PDF says: ``python -m potluck.pixels.pdf_text PARENT MEMORY_BYTES``.

The PDF comes in one message on stdin, its text goes out in one on stdout. One that cannot be read ends the child.
"""

from __future__ import annotations

import io
import sys

from potluck.core.attachments import TEXT_CHARS
from potluck.pixels.leash import bounded, die_with, read_frame, write_frame


def main(parent: int, memory_bytes: int) -> None:
    die_with(parent)
    bounded(memory_bytes)
    frame = read_frame(sys.stdin.buffer)
    if frame is not None:
        write_frame(sys.stdout.buffer, text_of(frame).encode("utf-8", "replace"))


def text_of(content: bytes) -> str:
    """Page by page, as far as anybody reads on."""
    from pypdf import PdfReader  # noqa: PLC0415 - nothing is loaded before the limits hold

    found: list[str] = []
    size = 0
    for page in PdfReader(io.BytesIO(content)).pages:
        found.append(page.extract_text())
        size += len(found[-1])
        if size > TEXT_CHARS:
            break
    return "\n\n".join(found)[: 2 * TEXT_CHARS]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
