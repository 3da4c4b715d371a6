"""``python -m potluck.surfaces.reference``: docs/reference/http.md on stdout."""

from __future__ import annotations

import sys

from potluck.surfaces.openapi import markdown
from potluck.surfaces.v1.routes import NATIVE_ROUTES

if __name__ == "__main__":
    sys.stdout.write(markdown(NATIVE_ROUTES))
