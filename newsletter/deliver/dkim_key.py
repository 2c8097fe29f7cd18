"""DKIM keys: made, kept in files of their own, and told to the world as a DNS record (RFC 6376, section 3.6; RFC 8463).

A key file is PEM, PKCS#8 as we write it and whatever OpenSSL writes besides. It signs nothing and asks no DNS.
"""

from __future__ import annotations

import base64
import os
import stat
import tempfile
from typing import TYPE_CHECKING, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DkimKey = RSAPrivateKey | Ed25519PrivateKey
Kind = Literal["rsa", "ed25519"]

NEW_RSA_BITS = 2048  # Gmail's advice; a longer one fits into few DNS answers and costs more for each mail
LEAST_RSA_BITS = 1024  # RFC 8301, section 3.2: a signature by a shorter one counts for nothing
MOST_RSA_BITS = 4096  # same: no receiver need be able to check a longer one
_RSA_EXPONENT = 65537
_FILE_BYTES = 65_536  # more than any key
_STRING_OCTETS = 255  # RFC 1035, section 3.3: one string of a TXT record
_PRIVATE_FOLDER = 0o700
_ANOTHER = "name another in key_file or make one with: newsletter dkim new"


def new_key(kind: Kind) -> DkimKey:
    """Return a new key: RSA with 2048 bits, which everybody checks, or Ed25519, which is short and quick."""
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    return rsa.generate_private_key(_RSA_EXPONENT, NEW_RSA_BITS)


def write_key(key: DkimKey, path: Path) -> None:
    """Write a key to a file that is not there yet, whole or not at all, for its owner's eyes; make its folder.

    Raises:
        ConfigError: a file is there already, which stays as it is, or none can be written.
    """
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as out:  # its owner's alone
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
            if not _linked(out.name, path):
                raise ConfigError(f"{path} is there already and is kept; choose another --selector")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; make {path.parent} writable") from None


def _linked(draft: str, path: Path) -> bool:
    """Give a file its name in one step; False where a file has it already."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    return True


def read_key(path: Path) -> DkimKey:
    """Return the key in a file.

    Raises:
        ConfigError: it cannot be read, holds no private key, or one that is encrypted, of another kind or too short.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(_FILE_BYTES)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; {_ANOTHER}") from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ConfigError(f"{path} is encrypted; decrypt it with: openssl pkey -in FILE -out NEWFILE") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{path} holds no private key in PEM form; {_ANOTHER}") from None
    if not isinstance(key, DkimKey):
        raise ConfigError(f"{path} holds a key of another kind; DKIM takes RSA and Ed25519: {_ANOTHER}")
    if isinstance(key, RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
        raise ConfigError(f"{path} holds an RSA key of {key.key_size} bits, which receivers ignore; {_ANOTHER}")
    return key


def kind_of(key: DkimKey) -> str:
    """Return what a key is, in words: `RSA, 2048 bits` or `Ed25519`."""
    return f"RSA, {key.key_size} bits" if isinstance(key, RSAPrivateKey) else "Ed25519"


def readable_by_others(path: Path) -> bool:
    """Whether the file's mode lets anybody but its owner read it; false where the system keeps no such modes."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def record_of(key: DkimKey) -> str:
    """Return the value of the TXT record that lets receivers check the key's signatures, as one string."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        kind, form = "rsa", (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, form = "ed25519", (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public.public_bytes(*form)).decode()}"


def record_name(selector: str, domain: str) -> str:
    """Return the name that a key's record has (RFC 6376, section 3.6.2.1), without a dot at its end."""
    return f"{selector}._domainkey.{domain}"


def strings_of(record: str) -> Sequence[str]:
    """Return a TXT record's value in strings of at most 255 octets, as zone files and many DNS forms want it."""
    return [record[start : start + _STRING_OCTETS] for start in range(0, len(record), _STRING_OCTETS)]
