"""Encryption at rest: credentials and values of variables. Fernet of the `cryptography` package (AES-128-CBC, HMAC)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from .tables import ConnectionRow, VariableRow

VARIABLE = "STEPWELL_SECRET_KEYS"


class WrongKeys(Exception):
    """There is no key, or none that fits; the message says what to do."""


class Vault:
    """Seals texts with the first key and opens them with any. Raises `WrongKeys`.

    `again` reads the keys anew: a server that runs while they are rotated learns of the new one when it meets it.
    """

    def __init__(self, keys: Iterable[str], again: Callable[[], Iterable[str]] | None = None) -> None:
        self._fernet = _fernet(keys)
        self._again = again

    def seal(self, text: str) -> str:
        """The text encrypted and signed."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text. Raises `WrongKeys` when none of the keys has sealed it."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return self._opened_anew(sealed)

    def _opened_anew(self, sealed: str) -> str:
        if self._again is not None:
            self._fernet = _fernet(self._again())
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise _unknown() from None

    def rotate(self, session: Session) -> int:
        """Seals everything anew with the first key; gives how many it were. Nobody changes a secret meanwhile."""
        removed = ConnectionRow.removed_at.is_not(None)
        connections = session.scalars(select(ConnectionRow).where(~removed).with_for_update()).all()
        variables = session.scalars(select(VariableRow).with_for_update()).all()
        try:
            for connection in connections:
                connection.credentials = self._rotated(connection.credentials)
            for variable in variables:
                variable.value = self._rotated(variable.value)
        except InvalidToken:
            raise _unknown() from None
        return len(connections) + len(variables)

    def _rotated(self, sealed: str) -> str:
        return self._fernet.rotate(sealed.encode()).decode()


def _fernet(keys: Iterable[str]) -> MultiFernet:
    try:
        fernets = [Fernet(key) for key in keys]
    except ValueError:
        raise WrongKeys("a secret key is 32 bytes in URL-safe base64; `stepwell serve --init` makes one") from None
    if not fernets:
        raise WrongKeys("there is no secret key; `stepwell serve --init` makes one")
    return MultiFernet(fernets)


def _unknown() -> WrongKeys:
    return WrongKeys(f"a secret was sealed with a key that is not among those of the key file or {VARIABLE}")


def keys(file: Path) -> list[str]:
    """The keys, the newest first: of the environment, else a line each of a file. Raises `WrongKeys`."""
    given = os.environ.get(VARIABLE, "")
    if given.strip():
        return [one for one in given.replace(",", " ").split() if one]
    try:
        return file.read_text("ascii").split()
    except FileNotFoundError:
        raise WrongKeys(
            f"there is no secret key: set {VARIABLE}, or make {file} with `stepwell serve --init`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise WrongKeys(f"{file} cannot be read: {error}") from None


def add_key(file: Path) -> None:
    """Puts a new key in front of those of a file, which only its owner may read. Written whole or not at all.

    Raises `WrongKeys`.
    """
    try:
        before = file.read_text("ascii").split() if file.exists() else []
        _replace(file, "\n".join([Fernet.generate_key().decode(), *before]) + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongKeys(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _replace(file: Path, text: str) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)  # its permissions would stay
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    # What is sealed with a key must not be safer than the key.
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
