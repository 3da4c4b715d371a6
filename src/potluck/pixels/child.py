"""The child that works on images: ``python -m potluck.pixels.child PARENT MEMORY_BYTES``.

Messages of MessagePack, each behind its length: `Limits` first, then one `Work` after another on stdin, each answered
by `Made` or `Refused` on stdout. It ends with its stdin.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

import msgspec

from potluck.pixels.leash import bounded, die_with, read_frame, write_frame

if TYPE_CHECKING:
    from potluck.pixels.work import Limits, Made, Refused, Work


def main(parent: int, memory_bytes: int) -> None:
    die_with(parent)
    bounded(memory_bytes)
    # Threads of a linear algebra that is not used here would take address space by the gigabyte.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    warnings.simplefilter("ignore")  # Pillow has many to give of a stranger's file
    # Only under its limits does it load anything that looks at strangers' bytes.
    from potluck.pixels.work import Limits, Work  # noqa: PLC0415

    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    limits: Limits | None = None
    while (frame := read_frame(stdin)) is not None:
        if limits is None:
            limits = msgspec.msgpack.decode(frame, type=Limits)
        else:
            write_frame(stdout, msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(frame, type=Work), limits)))


def _answer(work: Work, limits: Limits) -> Made | Refused:
    from potluck.core.errors import BadRequest  # noqa: PLC0415 - see `main`
    from potluck.pixels.performing import perform  # noqa: PLC0415
    from potluck.pixels.work import Refused  # noqa: PLC0415

    try:
        return perform(work, limits)
    except BadRequest as refused:
        return Refused(refused.message, refused.hint)
    except MemoryError:
        return Refused("The image is too large to be worked on here.", "Scale it down first.")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
