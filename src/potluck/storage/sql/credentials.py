"""`CredentialStore` in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.model import UserId
from potluck.storage.records import FactorRecord, PasswordRecord, SessionId, SignInWays
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import links, passwords, recovery_codes, second_factors, sessions, users


class SqlCredentials:
    """See `potluck.storage.people_ports.CredentialStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self) -> Mapping[UserId, SignInWays]:
        def work(connection: Connection) -> dict[UserId, SignInWays]:
            have = {row.user_id for row in connection.execute(select(passwords.c.user_id))}
            confirmed = select(second_factors.c.user_id).where(second_factors.c.confirmed_s.is_not(None))
            guarded = {row.user_id for row in connection.execute(confirmed)}
            return {UserId(user): SignInWays(user in have, user in guarded) for user in have | guarded}

        return await self._database.read(work)

    async def password(self, user: UserId) -> PasswordRecord | None:
        statement = select(passwords).where(passwords.c.user_id == user)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        return None if row is None else PasswordRecord(UserId(row.user_id), row.hash, row.changed_s)

    async def set_password(self, record: PasswordRecord, *, keep: SessionId | None = None) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(select(users.c.id).where(users.c.id == record.user)).first() is None:
                raise NotFound("There is no such user.", hint="'potluck users ls' lists them.")
            write_password(connection, record, keep)

        try:
            await self._database.write(work)
        except IntegrityError:  # two first passwords at once: now there is one to be changed
            await self._database.write(work)

    async def rehash(self, old: PasswordRecord, hash_: str) -> bool:
        same = passwords.c.user_id == old.user, passwords.c.hash == old.hash
        statement = update(passwords).where(*same).values(hash=hash_)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount) == 1

    async def factor(self, user: UserId) -> FactorRecord | None:
        statement = select(second_factors).where(second_factors.c.user_id == user)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            return None
        return FactorRecord(UserId(row.user_id), bytes(row.secret), row.created_s, row.confirmed_s, row.last_step)

    async def begin_factor(self, record: FactorRecord) -> None:
        begun = second_factors.c.user_id == record.user, second_factors.c.confirmed_s.is_(None)
        values = {
            "user_id": record.user,
            "secret": record.secret,
            "created_s": record.created_s,
            "confirmed_s": None,
            "last_step": record.last_step,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(second_factors).where(*begun))
            connection.execute(insert(second_factors).values(values))

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise Conflict("There is a second factor already.", hint="Remove it first.") from error

    async def confirm_factor(self, begun: FactorRecord, step: int, codes: Collection[bytes], now: float) -> None:
        waits = (
            second_factors.c.user_id == begun.user,
            second_factors.c.secret == begun.secret,
            second_factors.c.confirmed_s.is_(None),
        )

        def work(connection: Connection) -> None:
            changed = connection.execute(
                update(second_factors).where(*waits).values(confirmed_s=now, last_step=step)
            ).rowcount
            if changed == 0:
                raise Conflict("This second factor waits for no code any more.", hint="Begin again.")
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == begun.user))
            rows = [{"user_id": begun.user, "digest": code} for code in codes]
            connection.execute(insert(recovery_codes), rows)

        await self._database.write(work)

    async def take_step(self, user: UserId, step: int) -> bool:
        later = second_factors.c.user_id == user, second_factors.c.last_step < step
        statement = update(second_factors).where(*later).values(last_step=step)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount) == 1

    async def take_code(self, user: UserId, digest: bytes) -> bool:
        statement = delete(recovery_codes).where(recovery_codes.c.user_id == user, recovery_codes.c.digest == digest)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount) == 1

    async def codes_left(self, user: UserId) -> int:
        statement = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user)
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one())

    async def drop_factor(self, user: UserId) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(delete(second_factors).where(second_factors.c.user_id == user)).rowcount == 0:
                raise NotFound("There is no second factor.")
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user))

        await self._database.write(work)


def write_password(connection: Connection, record: PasswordRecord, keep: SessionId | None = None) -> None:
    """Set a user's password; its sessions but ``keep``, and its links for another password, are over.

    Raises `IntegrityError` where two set the first.
    """
    values = {"hash": record.hash, "changed_s": record.changed_s}
    changed = connection.execute(update(passwords).where(passwords.c.user_id == record.user).values(**values)).rowcount
    if changed == 0:
        connection.execute(insert(passwords).values(user_id=record.user, **values))
    others = delete(sessions).where(sessions.c.user_id == record.user, sessions.c.id != (keep or ""))
    connection.execute(others)
    connection.execute(delete(links).where(links.c.user_id == record.user))
