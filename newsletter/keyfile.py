"""Files that hold a secret of the home: made once, read, and never changed or shown."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES = 32
_PRIVATE = 0o600


def made_key(path: Path) -> bytes:
    """Return the secret in a file, which is made where it is missing, readable by its owner.

    Raises:
        ConfigError: it cannot be read or made, or is too short to be a secret.
    """
    try:
        _make(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}") from None
    return key_in(path)


def key_in(path: Path) -> bytes:
    """Return the secret in a file.

    Raises:
        ConfigError: it cannot be read, or is too short to be a secret.
    """
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(key) < _KEY_BYTES:
        raise ConfigError(f"{path} holds {len(key)} bytes and is no secret; restore it or remove it")
    return key


def _make(path: Path) -> None:
    """Make the secret unless it is there; O_EXCL, so that two first runs agree on one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if path.exists():
        return
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "wb") as out:
        out.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(draft, path)  # fails where another process was first; then its secret stands
    except FileExistsError:
        pass
    finally:
        draft.unlink()
