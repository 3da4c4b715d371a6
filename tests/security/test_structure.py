"""What holds because of how the program is written, looked up in its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import potluck

SOURCE = Path(potluck.__file__).parent

# What names something that somebody could guess byte by byte if comparing it took longer the more of it is right.
SECRET = re.compile(
    r"(^|_)(api_keys?|secrets?|passwords?|tokens?|signatures?|proofs?|digests?|hash|macs?|otp|totp|recovery|csrf"
    r"|nonces?|verifier|challenge|credentials?)($|_)"
)

# A database compares digests of secrets, which tell nothing of the secret however long it takes; blobs are named by
# their content's digest.
STORES = ("storage/sql/", "storage/blobs/")
NO_SECRETS = {
    "backends/local/keeper.py": "the digest of a file that was just uploaded",
    "core/audit.py": "hashes of a log that its readers see whole",
    "gateway/files.py": "the digest of a file that was just uploaded",
    "storage/backups.py": "the digest of a file in our own folder, read again",
    "storage/datadir.py": "the digest of our own key, at the start",
    "surfaces/comfyui/files.py": "the digest of a file that was just uploaded, beside the user's own",
    "wire/a1111/reading.py": "hashes of checkpoints that everybody may list",
}


def compared(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where ``==`` or ``!=`` stands between two values of which one is named like a secret."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        # A constant is a mark, a state or nothing at all: no secret stands in the source.
        if not any(isinstance(side, ast.Constant) for side in sides) and any(SECRET.search(name(s)) for s in sides):
            yield node.lineno, ast.unparse(node)


def name(node: ast.expr) -> str:
    """What an expression is called by its last part."""
    match node:
        case ast.Name(id=called) | ast.Attribute(attr=called):
            return called
        case ast.Call(func=called):
            return name(called)
        case ast.Subscript(slice=ast.Constant(value=str(called))):
            return called
        case ast.Subscript(value=whole):
            return name(whole)
        case _:
            return ""


def found_in(folder: Path) -> dict[str, list[tuple[int, str]]]:
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}
    found = {file: list(compared(ast.parse(path.read_text("utf-8")))) for file, path in files.items()}
    return {file: places for file, places in found.items() if places and not file.startswith(STORES)}


def test_secrets_are_compared_in_a_time_that_tells_nothing_of_them() -> None:
    found = found_in(SOURCE)
    unknown = {file: places for file, places in found.items() if file not in NO_SECRETS}
    assert not unknown, "use hmac.compare_digest, or say in NO_SECRETS why it is no secret"
    assert set(found) == set(NO_SECRETS), "an exception that nothing needs any more"


def test_a_comparison_that_leaks_is_found(tmp_path: Path) -> None:
    (tmp_path / "leak.py").write_text(
        "def a(given, key):\n return given == key.secret\ndef b(s):\n return s['token'] != made(s)\n"
        "def c(token):\n return token == ''\n"
    )
    assert [line for line, _ in found_in(tmp_path)["leak.py"]] == [2, 4]


def test_nothing_is_unpickled_evaluated_or_handed_to_a_shell() -> None:
    forbidden = re.compile(
        r"^\s*(import|from) (pickle|marshal|shelve|telnetlib)\b|(?<![\w.])(eval|exec)\("
        r"|shell=True|os\.system\(|yaml\.load\(",
        re.M,
    )
    for path in SOURCE.rglob("*.py"):
        assert not forbidden.search(path.read_text("utf-8")), path
