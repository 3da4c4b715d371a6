"""A hub of models: what a repository holds and under which licence (the public API of huggingface.co)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from potluck.backends.outward import Ask, Outward
from potluck.backends.reading import decoded_body
from potluck.core.errors import Forbidden, ModelNotFound, NodeBusy, NodeFailed, PotluckError
from potluck.core.model_sources import FromHub, choose_file, hub_name

PUBLIC_HUB = "https://huggingface.co"

# The cards of the largest repositories, with some thousand files, run to a few megabytes.
_LONGEST_CARD_BYTES = 16_000_000


class _Lfs(msgspec.Struct):
    sha256: str = ""
    size: int | None = None


class _Sibling(msgspec.Struct):
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None


class _CardData(msgspec.Struct):
    license: str | list[str] | None = None
    license_name: str | None = None


class _Card(msgspec.Struct, rename="camel"):
    siblings: list[_Sibling] = []
    card_data: _CardData | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One file that can be fetched: where, what it will be called, and what is known of it before.

    ``trusted``: the owner named its server in the config, so it may be inside the network.
    """

    url: str
    name: str
    size_bytes: int | None = None
    sha256: str = ""
    license: str = ""
    trusted: bool = False
    secret: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Hub:
    """``url`` has no slash at its end; ``token`` is shown to the hub alone."""

    outward: Outward
    url: str = PUBLIC_HUB
    token: str = ""

    async def offer(self, source: FromHub) -> Offer:
        """The file that is meant. Raises `ModelNotFound`, `BadRequest`, `Forbidden` or `NodeError`."""
        card = await self._card(source)
        files = {sibling.rfilename: sibling for sibling in card.siblings}
        file = choose_file(source, files)
        chosen = files[file]
        return Offer(
            url=f"{self.url}/{source.owner}/{source.repo}/resolve/main/{quote(file)}",
            name=hub_name(source, file, [*files]),
            size_bytes=chosen.size if chosen.lfs is None or chosen.lfs.size is None else chosen.lfs.size,
            sha256=chosen.lfs.sha256.removeprefix("sha256:") if chosen.lfs else "",
            license=_license(card.card_data),
            trusted=True,
            secret=self._secret(),
        )

    async def _card(self, source: FromHub) -> _Card:
        url = f"{self.url}/api/models/{source.owner}/{source.repo}?blobs=true"
        async with self.outward.get(Ask(url, inside=True, secret=self._secret())) as answer:
            if answer.status != 200:
                raise refused(answer.status, f"{source.owner}/{source.repo}", hub=True)
            return decoded_body(await answer.whole(_LONGEST_CARD_BYTES), _Card)

    def _secret(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def refused(status: int, name: str, *, hub: bool) -> PotluckError:
    """What a web server's status means for who wants a model from it."""
    match status:
        case 404 | 410:
            return ModelNotFound(name, hint="Its server says that it is not there.")
        case 401 if hub:  # so it is also answered for repositories that do not exist
            return ModelNotFound(name, hint="It is not on the hub, or needs a token: set local.hub_token.")
        case 401 | 403:
            hint = "Accept its terms on the hub, and set local.hub_token." if hub else "The server asks for a login."
            return Forbidden(f"'{name}' is not given to everybody.", hint=hint)
        case 429 | 503:
            return NodeBusy("The server that has the model is busy; try again later.")
        case _:
            return NodeFailed(f"The server that has the model answered with status {status}.", status=status)


def _license(card: _CardData | None) -> str:
    if card is None:
        return ""
    named = ", ".join(card.license) if isinstance(card.license, list) else card.license or ""
    return card.license_name or named if named in ("", "other") else named
