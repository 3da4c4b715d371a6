"""Where a model is fetched from, by what was asked for: a registry's name, a hub's repository, or a URL.

``llama3.2:3b`` · ``hf.co/OWNER/REPO[:QUANT]`` · ``hf:OWNER/REPO[/FILE.gguf]`` · ``https://…/FILE.gguf[#sha256=HEX]``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never
from urllib.parse import unquote, urlsplit, urlunsplit

from potluck.core.errors import BadRequest

HUB_HOST = "hf.co"
_HUB_HOSTS = (HUB_HOST, "huggingface.co")
_HUB_MARK = "hf:"

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")
# A model's part of a name has at most 80 characters (API-CONTRACTS.md 2, Names).
_LONGEST_WORD = 80

# The end of a file's name says how it is quantised: ``…-Q4_K_M``, ``….IQ3_XS``, ``…-f16``.
_QUANT = re.compile(r"(?:^|[-._])((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|MXFP4\w*|BF16|F16|F32))$", re.IGNORECASE)
_PART = re.compile(r"-\d{5}-of-\d{5}$")
# Where nobody says which: the size that most people take, then the nearest to it (Ollama's order).
_USUAL_QUANTS = ("q4_k_m", "q4_k_s", "q4_0", "q4_1", "q5_k_m", "q8_0")
_NAMED_CHOICES = 12


@dataclass(frozen=True, slots=True)
class FromRegistry:
    """A name of Ollama's registry, or of another that is built like it."""

    name: str


@dataclass(frozen=True, slots=True)
class FromHub:
    """A repository of GGUF files; ``tag`` names a quantisation or a file, ``file`` one file with its folders."""

    owner: str
    repo: str
    tag: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class FromUrl:
    """One file. ``sha256`` is hex, empty if nobody said."""

    url: str
    sha256: str = ""


Source: TypeAlias = FromRegistry | FromHub | FromUrl


def parse_source(text: str) -> Source:
    """Raises `BadRequest` for what looks like a URL or a hub's name and is none."""
    text = text.strip()
    if "://" in text:
        return _url(text)
    if text.lower().startswith(_HUB_MARK):
        return _hub(text[len(_HUB_MARK) :], marked=True)
    host, slash, rest = text.partition("/")
    if slash and host.lower() in _HUB_HOSTS:
        return _hub(rest, marked=False)
    if not text:
        raise BadRequest("model is required", param="model")
    return FromRegistry(text)


def read_sha256(text: str) -> str:
    """64 hex digits in lower case, with or without ``sha256:`` before them; empty stays empty. Raises `BadRequest`."""
    digits = text.strip().removeprefix("sha256:").removeprefix("sha256-")
    if digits and not _SHA256.fullmatch(digits):
        raise BadRequest("A SHA-256 has 64 hex digits.", param="sha256")
    return digits.lower()


def _url(text: str) -> FromUrl:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise BadRequest("That is not a URL.", param="model") from error
    if not good:
        raise BadRequest("Only http and https URLs are fetched.", param="model")
    if parts.username is not None or parts.password is not None:
        raise BadRequest("A URL must not hold a user or a password.", param="model")
    path = parts.path
    if parts.hostname in _HUB_HOSTS:  # the page about a file, which people copy from their browser
        path = re.sub(r"^(/[^/]+/[^/]+)/blob/", r"\1/resolve/", path)
    sha256 = parts.fragment[len("sha256=") :] if parts.fragment.startswith("sha256=") else ""
    return FromUrl(urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), read_sha256(sha256))


def _hub(rest: str, *, marked: bool) -> FromHub:
    path, _, tag = rest.partition(":")
    owner, _, repo = path.partition("/")
    repo, _, file = repo.partition("/")
    pieces = [owner, repo, *([tag] if tag else []), *(file.split("/") if file else [])]
    if not all(_WORD.fullmatch(piece) for piece in pieces) or (file and (tag or not marked)):
        raise BadRequest(
            f"'{rest}' is not a repository of a hub.", param="model", hint="Such as hf.co/OWNER/REPO or hf:OWNER/REPO."
        )
    return FromHub(owner, repo, tag, file)


# --- Files of a repository --------------------------------------------------------------------------------------------


def choose_file(source: FromHub, files: Iterable[str]) -> str:
    """The one GGUF file of a repository that is meant. Raises `BadRequest` that names the choices."""
    models = [file for file in files if file.lower().endswith(".gguf") and "mmproj" not in file.lower()]
    if not models:
        raise BadRequest(f"{source.owner}/{source.repo} holds no GGUF file.", param="model")
    if source.file:
        found = [file for file in models if file == source.file]
    elif source.tag and source.tag.lower() != "latest":
        found = [file for file in models if source.tag.lower() in _tags_of(file)]
    else:
        found = sorted(models, key=_usual)[:1]
    if not found:
        raise BadRequest(
            f"{source.owner}/{source.repo} has no '{source.file or source.tag}'.", param="model", hint=_choices(models)
        )
    if _PART.search(_stem(found[0])):
        raise BadRequest(
            "The model lies there in several files, which are not put together here.",
            param="model",
            hint=_choices([file for file in models if not _PART.search(_stem(file))]),
        )
    return found[0]


def quant_of(file: str) -> str:
    """How a file is quantised, by its name; empty if that does not tell.

    >>> quant_of("SmolLM2-135M-Instruct.Q4_1.gguf")
    'Q4_1'
    """
    found = _QUANT.search(_PART.sub("", _stem(file)))
    return found[1] if found else ""


def hub_name(source: FromHub, file: str, files: Sequence[str]) -> str:
    """What a file of a repository is called here: as it was asked for, and always so that no two share a name."""
    tag = source.tag
    if source.file:
        quant = quant_of(file)
        alone = sum(quant_of(other).lower() == quant.lower() for other in files) == 1
        tag = quant if quant and alone else word(_stem(file))
    return f"{HUB_HOST}/{source.owner}/{source.repo}:{tag or 'latest'}"


def url_name(url: str) -> str:
    """What the file behind a URL is called here. Raises `BadRequest` if the URL does not end in a name."""
    name = word(_stem(unquote(urlsplit(url).path)))
    if not name:
        raise BadRequest("The URL does not end in a file's name.", param="model", hint="Say how to call it: --as NAME.")
    return f"{name}:latest"


def likely_name(source: Source) -> str:
    """What a model will be called once it is here; empty where that shows only at its source."""
    match source:
        case FromRegistry(name):
            return name
        case FromHub(owner, repo, tag, file):
            return "" if file else f"{HUB_HOST}/{owner}/{repo}:{tag or 'latest'}"
        case FromUrl(url):
            return url_name(url)
        case _:
            assert_never(source)


def without_query(url: str) -> str:
    """A URL as it may be written down or logged: what is behind the question mark may be a signature."""
    return url.partition("?")[0]


def word(text: str) -> str:
    """The text as one part of a model's name.

    >>> word("Llama 3 (Q4)")
    'Llama-3-Q4'
    """
    return _ODD.sub("-", text)[:_LONGEST_WORD].strip("-.")


def _tags_of(file: str) -> tuple[str, ...]:
    return quant_of(file).lower(), _base(file).lower(), _stem(file).lower()


def _base(file: str) -> str:
    return file.rpartition("/")[2]


def _stem(file: str) -> str:
    base = _base(file)
    return base[: -len(".gguf")] if base.lower().endswith(".gguf") else base


def _usual(file: str) -> tuple[bool, int, str]:
    quant = quant_of(file).lower()
    place = _USUAL_QUANTS.index(quant) if quant in _USUAL_QUANTS else len(_USUAL_QUANTS)
    return bool(_PART.search(_stem(file))), place, file


def _choices(files: Sequence[str]) -> str:
    tags = list(dict.fromkeys(quant_of(file) or _base(file) for file in files))
    if not tags:
        return ""
    more = f" and {len(tags) - _NAMED_CHOICES} more" if len(tags) > _NAMED_CHOICES else ""
    return f"There are {', '.join(tags[:_NAMED_CHOICES])}{more}."
