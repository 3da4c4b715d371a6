"""What a GGUF file says about itself, without a look at its tensors.

Format: docs/gguf.md of ggml-org/ggml. A header (magic, version, counts), then key-value pairs, then tensors. Files come
from anywhere, so every length is checked against what is left of the file before anything is read.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from potluck.backends.llama_server import thinks
from potluck.core.model import Capability

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
# Type number -> struct code of the fixed-width types.
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# Real files have some dozens of pairs; an array of arrays has not been seen at all.
_MOST_PAIRS = 65_536
_DEEPEST = 4
# Chat templates run to some 20 KB. Longer texts are skipped, not kept.
_LONGEST_TEXT = 1_000_000

_Scalar: TypeAlias = str | int | float | bool

# ``general.file_type`` (enum llama_ftype of llama.cpp's include/llama.h), in the names people know.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip

# Architectures of what draws (stable-diffusion.cpp, and the converters of ComfyUI's GGUF nodes). Others write.
DIFFUSION = frozenset(
    ("sd1", "sd2", "sdxl", "sd3", "flux", "flux2", "chroma", "qwen_image", "z_image", "lumina2", "ovis_image", "anima",
     "aura", "hidream", "cosmos", "ltxv", "hyvid", "wan")
)  # fmt: skip
# A name's length, a count of dimensions, a type and an offset.
_LEAST_TENSOR_BYTES = 24

_POOLING = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}

# Architectures that only embed (llama.cpp's src/llama-arch.cpp). Others say so by a pooling type.
_ENCODERS = frozenset(
    ("bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert", "nomic-bert",
     "nomic-bert-moe", "t5encoder")
)  # fmt: skip

# llama.cpp knows a model's fill-in-the-middle tokens by their ids in the metadata, else by these spellings in the
# vocabulary (src/llama-vocab.cpp).
_FIM_KEYS = (("fim_pre", "prefix"), ("fim_suf", "suffix"), ("fim_mid", "middle"))
_FIM_SPELLINGS: tuple[frozenset[bytes], ...] = tuple(
    frozenset(text.encode() for text in texts)
    for texts in (
        ("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>"),
        ("<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>"),
        ("<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>"),
    )
)
_LONGEST_SPELLING = max(len(text) for texts in _FIM_SPELLINGS for text in texts)


class NotGguf(Exception):
    """Not a GGUF file, or one that is cut short or broken. The message says where; it names no path."""


class Gguf(msgspec.Struct, frozen=True):
    """One file's metadata. Empty texts and None where the file is silent.

    ``context`` is the trained context in tokens, ``embedding`` the width of its vectors, ``fingerprint`` the SHA-256
    (hex) of everything before the tensors' data and the file's size: it tells two files apart without reading either.
    """

    architecture: str = ""
    name: str = ""
    size_label: str = ""
    quantization: str = ""
    context: int | None = None
    embedding: int | None = None
    heads: int | None = None
    key_width: int | None = None
    pooling: str = ""
    causal: bool = True
    template: str = ""
    inserts: bool = False
    license: str = ""
    fingerprint: str = ""
    size_bytes: int = 0

    @property
    def embeds_only(self) -> bool:
        return self.architecture in _ENCODERS or not self.causal or self.pooling not in ("", "none")

    @property
    def head_width(self) -> int:
        """How many numbers one attention head remembers of a token; 1 where the file does not tell plainly."""
        if self.key_width is not None:
            return self.key_width
        return self.embedding // self.heads if self.embedding and self.heads else 1

    @property
    def plain_chatml(self) -> bool:
        """Whether turns are written as ChatML by a template that knows nothing of tools."""
        return "<|im_start|>" in self.template and "tool" not in self.template

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the embedded engine can do with the model.

        A causal model also embeds, by the mean of its last layer. A plain ChatML model gets a template that shows it
        tools (`templates`).
        """
        if self.embeds_only:
            return frozenset({Capability.EMBEDDING})
        can = {Capability.COMPLETION, Capability.EMBEDDING}
        if "tools" in self.template or self.plain_chatml:
            can.add(Capability.TOOLS)
        if thinks(self.template):
            can.add(Capability.THINKING)
        if self.inserts:
            can.add(Capability.INSERT)
        return frozenset(can)


def read(path: Path) -> Gguf:
    """The metadata of the file at ``path``. Blocks for some 10 to 200 ms, by the size of the vocabulary.

    Raises `NotGguf`, or `OSError` if the file cannot be read.
    """
    with path.open("rb") as file:
        return read_from(file, path.stat().st_size)


def read_from(file: BinaryIO, size: int) -> Gguf:
    """The same from an open binary file of ``size`` bytes."""
    source = _Source(file, size)
    pairs = source.pairs()
    architecture = _text(pairs, "general.architecture")
    return Gguf(
        architecture=architecture,
        name=_text(pairs, "general.name"),
        size_label=_text(pairs, "general.size_label"),
        quantization=_named(_FILE_TYPES, pairs, "general.file_type"),
        context=_number(pairs, f"{architecture}.context_length"),
        embedding=_number(pairs, f"{architecture}.embedding_length"),
        heads=_number(pairs, f"{architecture}.attention.head_count"),
        key_width=_number(pairs, f"{architecture}.attention.key_length"),
        pooling=_named(_POOLING, pairs, f"{architecture}.pooling_type"),
        causal=pairs.get(f"{architecture}.attention.causal") is not False,
        template=_text(pairs, "tokenizer.chat_template"),
        inserts=source.inserts(pairs),
        license=_license(pairs),
        fingerprint=source.fingerprint(),
        size_bytes=size,
    )


def tensor_names(path: Path) -> list[str]:
    """What the tensors of the file at ``path`` are called, in its order; none of a file whose architecture says that it
    writes text, of which not even the vocabulary is read.

    Raises as `read` does.
    """
    with path.open("rb") as file:
        source = _Source(file, path.stat().st_size)
        return source.tensors() if source.may_draw() else []


def _text(pairs: dict[str, _Scalar], key: str) -> str:
    value = pairs.get(key)
    return value if isinstance(value, str) else ""


def _license(pairs: dict[str, _Scalar]) -> str:
    """Its short name; one that has none of its own is called ``other`` and named in words."""
    short = _text(pairs, "general.license")
    return _text(pairs, "general.license.name") or short if short in ("", "other") else short


def _number(pairs: dict[str, _Scalar], key: str) -> int | None:
    value = pairs.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _named(names: Mapping[int, str], pairs: dict[str, _Scalar], key: str) -> str:
    number = _number(pairs, key)
    return "" if number is None else names.get(number, "")


class _Source:
    """A file that is read front to back, hashed on the way, and never beyond its end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._left = size
        self._hash = hashlib.sha256()
        self._order = "<"
        self._spelled = [False, False, False]
        self._tensors = self._pairs_left = 0

    def may_draw(self) -> bool:
        """By the architecture, where it is the first that the file tells, as it is of all that llama.cpp made."""
        count = self._head()
        if not count:
            return True
        key = self._string()
        value = self._value(int(self._fixed("I")), False, 0)
        self._pairs_left = count - 1
        return key != "general.architecture" or value in DIFFUSION

    def tensors(self) -> list[str]:
        """After `may_draw`: past the other pairs to the tensors' own heads."""
        for _ in range(self._pairs_left):
            self._string()
            self._value(int(self._fixed("I")), False, 0)
        names: list[str] = []
        if self._tensors * _LEAST_TENSOR_BYTES > self._left:
            raise NotGguf(f"It claims {self._tensors} tensors, more than it can hold.")
        for _ in range(self._tensors):
            names.append(self._string() or "")
            self._skip(8 * int(self._fixed("I")))
            self._skip(4 + 8)  # its type, and where it begins
        return names

    def pairs(self) -> dict[str, _Scalar]:
        """All scalar pairs; arrays are walked and dropped. Of two pairs with one key the first counts."""
        count = self._head()
        pairs: dict[str, _Scalar] = {}
        for _ in range(count):
            key = self._string()
            value = self._value(int(self._fixed("I")), key == "tokenizer.ggml.tokens", 0)
            if value is not None and key is not None:
                pairs.setdefault(key, value)
        return pairs

    def _head(self) -> int:
        """How many pairs there are."""
        if self._take(4) != _MAGIC:
            raise NotGguf("It does not begin with the letters GGUF.")
        version = self._fixed("I")
        if version > 0xFFFF:  # written on a big-endian machine
            self._order = ">"
            version = int.from_bytes(int(version).to_bytes(4, "little"), "big")
        if version not in (2, 3):
            raise NotGguf(f"It is of version {version}; 2 and 3 are known.")
        self._tensors = self._fixed("Q")
        count = self._fixed("Q")
        if count > _MOST_PAIRS:
            raise NotGguf(f"It claims {count} pairs of metadata.")
        return count

    def inserts(self, pairs: dict[str, _Scalar]) -> bool:
        """Whether prefix, suffix and middle all have a token."""
        return all(
            spelled or any(f"tokenizer.ggml.{key}_token_id" in pairs for key in keys)
            for spelled, keys in zip(self._spelled, _FIM_KEYS, strict=True)
        )

    def fingerprint(self) -> str:
        self._hash.update(struct.pack("<Q", self._size))
        return self._hash.hexdigest()

    def _take(self, count: int) -> bytes:
        if count > self._left:
            raise NotGguf(f"It ends after {self._size} bytes, in the middle of its metadata.")
        data = self._file.read(count)
        if len(data) != count:
            raise NotGguf("It became shorter while it was read.")
        self._left -= count
        self._hash.update(data)
        return data

    def _fixed(self, code: str) -> int:
        number: int = struct.unpack(self._order + code, self._take(struct.calcsize("<" + code)))[0]
        return number

    def _string(self) -> str | None:
        """None for one too long to be anything that is wanted here."""
        length = self._fixed("Q")
        if length > _LONGEST_TEXT:
            self._skip(length)
            return None
        return self._take(length).decode("utf-8", "replace")

    def _skip(self, count: int) -> None:
        while count > 0:
            count -= len(self._take(min(count, 1 << 20)) if count <= self._left else self._take(count))

    def _value(self, kind: int, vocabulary: bool, depth: int) -> _Scalar | None:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            self._array(vocabulary, depth)
            return None
        code = _FIXED.get(kind)
        if code is None:
            raise NotGguf(f"It holds a value of the unknown type {kind}.")
        return self._fixed(code)

    def _array(self, vocabulary: bool, depth: int) -> None:
        kind, count = int(self._fixed("I")), self._fixed("Q")
        if (code := _FIXED.get(kind)) is not None:
            self._skip(count * struct.calcsize("<" + code))
            return
        if depth == _DEEPEST:
            raise NotGguf("Its arrays are nested too deeply.")
        if count * 8 > self._left:  # a string's length alone takes 8 bytes, an array's head 12
            raise NotGguf(f"It claims an array of {count} entries, more than it can hold.")
        each: Callable[[], object] = self._token if vocabulary else lambda: self._value(kind, False, depth + 1)
        for _ in range(count):
            each()

    def _token(self) -> None:
        length = self._fixed("Q")
        if length > _LONGEST_SPELLING:
            self._skip(length)
            return
        token = self._take(length)
        if token[:1] in (b"<", b"\xe2"):
            for place, spellings in enumerate(_FIM_SPELLINGS):
                self._spelled[place] = self._spelled[place] or token in spellings
