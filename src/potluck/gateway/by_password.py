"""Who asks, by name and password with each request: for clients that know nothing else.

Checking a password takes a tenth of a second on purpose. What was right once stays so until the password changes, or a
second factor comes to it.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

from potluck.core.errors import CodeNeeded
from potluck.core.model import UserId
from potluck.gateway.attempts import Visitor
from potluck.gateway.second_factor import SecondFactors
from potluck.gateway.signing_in import SigningIn
from potluck.storage.people_ports import CredentialStore
from potluck.storage.records import UserRecord


class ByPassword:
    """Keeps no password: of one that was right, what only it and the hash of it that is stored give."""

    def __init__(self, signing_in: SigningIn, factors: SecondFactors, credentials: CredentialStore) -> None:
        self._signing_in = signing_in
        self._factors = factors
        self._credentials = credentials
        self._right: dict[UserId, bytes] = {}

    async def user(self, name: str, password: str, visitor: Visitor) -> UserRecord:
        """Raises as `SigningIn.proven`; `CodeNeeded` for who has a second factor, which cannot be asked for here."""
        user = await self._signing_in.named(name)
        known = await self._credentials.password(user.id) if user is not None else None
        proof = b""
        if user is not None and known is not None and not user.disabled:
            key = blake2b(known.hash.encode()).digest()
            proof = blake2b(password.encode("utf-8", "surrogatepass"), key=key).digest()
            right = compare_digest(proof, self._right.get(user.id, b""))
            if right and not await self._factors.asked_of(user.id):
                return user
        try:
            user = await self._signing_in.proven(name, password, "", visitor)
        except CodeNeeded as error:
            raise CodeNeeded(error.message, hint="Use an API key as the password here.") from error
        if proof:
            self._right[user.id] = proof
        return user
