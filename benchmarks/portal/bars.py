"""The portal's bars beside what was measured: the page docs/reference/portal.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_HEAD = """# The portal, measured

`make bench-portal` measures Potluck's own pages in Chromium, in front of a running Potluck and a fake engine that talks
at a steady rate; with `ARGS=--docs` it writes this page. It needs Chromium and two cores that nothing else uses: each
figure in milliseconds is worth what the load average beside it allows.

- A **bar** was set before the portal was built, after measuring the best of its kind; what is over it is bold.
- Each load is in a browser that has seen nothing, signed in, at `/chat`; a figure is the median of three. **4x** is
  with a processor slowed down four times. **Ready** is when the composer takes keys and the models are known.
- **Warm** is the same page once more: a request counts when it leaves the browser. The service worker is off, which
  would answer most of them.
- An answer is 2,000 tokens of mixed Markdown; the processor's time is that of the page's main thread.

"""

END = "\n<!-- what follows is kept -->\n"


class Row(NamedTuple):
    """``met`` is None where there is no bar."""

    what: str
    bar: str
    ours: str
    met: bool | None


def _most(what: str, bar: float, *found: Any, unit: str = "") -> Row:
    """Figures none of which may be more than the bar."""
    figures = [float(each) for each in found]
    return Row(what, f"≤ {bar:g}{unit}", " to ".join(f"{each:g}{unit}" for each in figures), max(figures) <= bar)


def _is(what: str, bar: str, found: object, met: bool) -> Row:
    return Row(what, bar, str(found), met)


def rows(load: Mapping[str, Any] | None, streams: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Streams as `__main__` plays them; those of the floor page are left out."""
    ours = [each for each in streams if each["page"] == "portal"]
    return (_loaded(load) if load else []) + [row for each in ours for row in _streamed(each)]


def _loaded(load: Mapping[str, Any]) -> list[Row]:
    cold, warm, keys, phone = load["cold"], load["warm"], load["keys"], load["phone"]
    foreign = len(cold["hosts"]) - 1
    worst = max(phone, key=lambda path: phone[path])
    return [
        _most("first load, on the wire", 180, cold["wire_kb"], unit=" kB"),
        _most("first load, decoded", 600, cold["decoded_kb"], unit=" kB"),
        _most("JavaScript, on the wire", 120, cold["js_wire_kb"], unit=" kB"),
        _most("JavaScript, decoded", 400, cold["js_decoded_kb"], unit=" kB"),
        _most("page and styles, on the wire", 15, cold["css_wire_kb"], unit=" kB"),
        _most("fonts, on the wire", 40, cold["font_wire_kb"], unit=" kB"),
        _most("requests", 20, cold["requests"]),
        _most("foreign hosts", 0, foreign),
        _most("first paint", 300, load["fcp_ms_1x"], unit=" ms"),
        _most("ready", 400, load["ready_ms_1x"], unit=" ms"),
        _most("ready, 4x", 1100, load["ready_ms_4x"], unit=" ms"),
        _most("main thread blocked while loading, 4x", 150, load["blocked_ms_4x"], unit=" ms"),
        _most("warm load: requests", 8, warm["requests"]),
        _most("warm load: ready, 4x", 600, load["warm_ready_ms_4x"], unit=" ms"),
        _most("elements after load", 300, load["nodes"]),
        _most("heap after load", 5, load["heap_mb_1x"], unit=" MB"),
        _most("first token visible", 130, load["first_token_ms_1x"], unit=" ms"),
        _most("first token visible, 4x", 400, load["first_token_ms_4x"], unit=" ms"),
        _is("policy, nosniff, frame and referrer headers", "4", len(load["headers"]), len(load["headers"]) == 4),
        _is(
            "focus in the composer: on load, after sending",
            "yes, yes",
            f"{_yes(load['focused'])}, {_yes(keys['kept_after_send'])}",
            bool(load["focused"] and keys["kept_after_send"]),
        ),
        _is("Escape stops an answer", "yes", _yes(keys["stopped"]), bool(keys["stopped"])),
        _most("from Escape until the engine is idle", 300, keys["stop_ms"], unit=" ms"),
        _most("animations that run where nothing shall move", 0, keys["moving"]),
        _most(f"targets under 24 px, worst view on a phone (of {len(phone)}: `{worst}`)", 0, phone[worst]),
    ]


def _streamed(run: Mapping[str, Any]) -> list[Row]:
    rate, slow = run["rate"], run["slow"]
    name = f"{rate} tokens/s{', 4x' if slow == 4 else ''}"
    found = [
        _most(f"{name}: processor for 1,000 tokens", 4 if slow == 1 else 13, run["cpu_s"], unit=" s"),
        _most(f"{name}: layout shift", 0.01, run["shift"]),
        _most(f"{name}: long tasks, together", 0 if slow == 1 else 50, run["blocked_ms"], unit=" ms"),
        _most(f"{name}: worst frame", 50, run["worst_frame_ms"], unit=" ms"),
    ]
    if slow > 1:
        return found
    return [
        *found,
        _most(f"{name}: on the wire, a token", 60, run["bytes_per_token"], unit=" bytes"),
        _most(f"{name}: the server's processor for 1,000 tokens", 0.3, run["server_s"], unit=" s"),
        _most(f"{name}: elements after it", 1000, run["nodes"]),
        _most(f"{name}: heap after it", 9, run["heap_mb"], unit=" MB"),
    ]


def _yes(value: object) -> str:
    return "yes" if value else "no"


def markdown(around: Mapping[str, Any], found: Sequence[Row], more: str = "") -> str:
    """The page, with under what it was measured; ``more`` stands after what is made anew."""
    lines = [
        f"{around['date']}, {around['machine']}, commit {around['commit']}, load average {around['load_average']}. "
        f"{sum(1 for each in found if each.met)} of {len(found)} bars are met.",
        "",
        "| | bar | ours |",
        "| --- | --- | --- |",
        *(f"| {each.what} | {each.bar} | {each.ours if each.met else f'**{each.ours}**'} |" for each in found),
    ]
    return _HEAD + "\n".join(lines) + "\n" + END + more
