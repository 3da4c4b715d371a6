"""The other gateways, each installed in a folder of its own on first use."""

from __future__ import annotations

from subjects import Subject

PEERS: tuple[Subject, ...] = ()
