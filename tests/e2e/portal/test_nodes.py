"""The owner takes a machine out and puts it back, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.portal.conftest import Portal
from tests.e2e.processes import until

pytestmark = pytest.mark.slow


def test_a_machine_is_taken_out_with_what_happens_said_first_and_serves_again(page: Page, portal: Portal) -> None:
    page.goto("/nodes")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fleet")
    expect(page.get_by_text("All 3 machines serve")).to_be_visible()
    page.get_by_role("link", name="orin0", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("orin0")

    page.get_by_role("button", name="Take out").click()
    said = page.get_by_role("dialog", name="Take orin0 out?")
    expect(said).to_contain_text("Nothing new starts here")
    expect(said).to_contain_text("is in the memory of agx0 too")
    said.get_by_role("button", name="Take it out").click()
    expect(page.get_by_text("It is empty: it can be switched off.")).to_be_visible()
    assert portal.service.get("/api/v1/status")["drained"] == ["orin0"]

    page.get_by_role("link", name="Fleet", exact=True).first.click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="orin0"))
    expect(row).to_contain_text("Taken out")
    # Machines are looked at once a second: what lasts less long is no incident.
    row.get_by_role("link", name="orin0").click()
    until(lambda: any(each["node"] == "orin0" for each in portal.service.get("/api/v1/incidents")["incidents"]))
    page.get_by_role("button", name="Let it serve again").click()
    expect(page.get_by_role("button", name="Take out")).to_be_visible()
    assert portal.service.get("/api/v1/status")["drained"] == []

    page.goto("/nodes?tab=incidents")
    expect(page.get_by_role("main").get_by_role("listitem").filter(has_text=re.compile("orin0")).first).to_be_visible()
