"""A bill of materials in CycloneDX's JSON, from the hashed requirement files alone: the same for the same files.

`python -m supply_chain.sbom [FILE]`, by default ``dist/sbom.cdx.json``. It has no time and no random number in it, so
that two who build the same release can compare what they got.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from potluck import __version__
from supply_chain.requirements import Pinned, pinned

ROOT = Path(__file__).parents[1]
FILES = ("runtime", "weights")
"""What a user gets; the tools of tests and builds are not in it."""

# Of our own, for uuid5: any that is always the same.
_NAMESPACE = uuid.UUID("5d2f3d3a-6d0b-5f0e-9a6b-706f746c7563")


def parts(folder: Path, files: Iterable[str] = FILES) -> list[Pinned]:
    """All requirements of the files, each once, by name."""
    found = {each.name: each for name in files for each in pinned(folder / f"{name}.txt")}
    return [found[name] for name in sorted(found)]


def bill(wanted: Iterable[Pinned]) -> str:
    """The document for these requirements."""
    wanted = sorted(wanted, key=lambda each: each.name)
    whole = Component(
        type=ComponentType.APPLICATION,
        name="potluck",
        version=__version__,
        bom_ref=f"potluck@{__version__}",
        purl=PackageURL("pypi", name="potluck", version=__version__),
    )
    components = {each.name: _component(each) for each in wanted}
    document = Bom(components=components.values())
    document.metadata.component = whole
    document.metadata.tools.components.clear()
    document.metadata.tools.tools.clear()
    for each in wanted:
        above = [components[name] for name in each.via if name in components]
        for parent in above or [whole]:
            document.register_dependency(parent, [components[each.name]])
    written = "\n".join(f"{each.name}=={each.version} {' '.join(each.hashes)}" for each in wanted)
    document.serial_number = uuid.uuid5(_NAMESPACE, hashlib.sha256(f"{__version__}\n{written}".encode()).hexdigest())
    document.metadata.timestamp = None  # type: ignore[assignment] # it is optional in the format, not in the library
    return JsonV1Dot6(document).output_as_string(indent=1) + "\n"


def _component(each: Pinned) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=each.name,
        version=each.version,
        bom_ref=f"{each.name}@{each.version}",
        purl=PackageURL("pypi", name=each.name, version=each.version),
        scope=ComponentScope.REQUIRED if not each.marker else ComponentScope.OPTIONAL,
        # One for each file that an index has of it: an installation took one of them.
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content) for content in each.hashes],
        properties=[Property(name="potluck:marker", value=each.marker)] if each.marker else [],
    )


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "sbom.cdx.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    listed = parts(ROOT / "requirements")
    target.write_text(bill(listed), encoding="utf-8")
    print(f"{target}: {len(listed)} parts")


if __name__ == "__main__":
    main()
