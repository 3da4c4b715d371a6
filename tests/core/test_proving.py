from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core import proving

KEYS = st.text("ghijklmnop", min_size=16, max_size=32)
NONCES = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(KEYS, NONCES, st.text())
def test_who_has_the_key_proves_it_and_never_sends_it(key: str, nonce: str, machine: str) -> None:
    credentials = proving.asking(key, nonce)
    assert proving.asked(key, credentials) == nonce
    proof = proving.answering(key, nonce, machine)
    assert proving.proves(key, nonce, machine, proof)
    assert key not in credentials
    assert key not in proof


@given(KEYS, KEYS, NONCES, NONCES)
def test_another_key_another_nonce_or_another_machine_prove_nothing(key: str, other: str, one: str, two: str) -> None:
    proof = proving.answering(key, one, "m")
    assert proving.proves(other, one, "m", proof) == (key == other)
    assert proving.proves(key, two, "m", proof) == (one == two)
    assert not proving.proves(key, one, "n", proof)
    assert not proving.proves(key, one, "m", proving.asking(key, one).partition(".")[2]), "a question is no answer"
    assert proving.asked(other, proving.asking(key, one)) == (one if key == other else "")


@given(st.text())
def test_garbage_is_no_question_and_no_proof(text: str) -> None:
    assert proving.asked("k" * 16, text) == ""
    assert not proving.proves("k" * 16, "00", "m", text)
