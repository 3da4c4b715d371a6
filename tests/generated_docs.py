"""The pages of docs/reference that are made from the code; run as a module (`make docs`) it writes them anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from potluck.agent.reference import reference_markdown as agent_reference
from potluck.cli.reference import reference as cli_reference
from potluck.config.reference import reference_markdown as config_reference
from potluck.gateway.answer_headers import reference_markdown as headers_reference
from potluck.gateway.exposition import reference_markdown as metrics_reference
from potluck.surfaces import openapi
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.portal.api_types import API_TYPES, api_types

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli_reference,
    "config.md": config_reference,
    "headers.md": headers_reference,
    "http.md": lambda: openapi.markdown(NATIVE_ROUTES),
    "metrics.md": metrics_reference,
    "node-agent.md": agent_reference,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), encoding="utf-8")
        print("wrote", REFERENCE / name)
    if (made := api_types()) is not None:
        API_TYPES.write_text(made, encoding="utf-8")
        print("wrote", API_TYPES)
