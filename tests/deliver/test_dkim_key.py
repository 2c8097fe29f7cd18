"""Key files: whole, secret, never lost; and what is said of one that is no key."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from newsletter.deliver.dkim_key import (
    kind_of,
    new_key,
    read_key,
    readable_by_others,
    record_of,
    strings_of,
    write_key,
)
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.deliver.dkim_key import Kind

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
NO_SECRET = serialization.NoEncryption()


@pytest.mark.parametrize(("kind", "words"), [("rsa", "RSA, 2048 bits"), ("ed25519", "Ed25519")])
def test_a_key_comes_back_from_its_file(tmp_path: Path, kind: Kind, words: str) -> None:
    key, path = new_key(kind), tmp_path / "dkim" / "first.pem"
    write_key(key, path)
    assert record_of(read_key(path)) == record_of(key)
    assert kind_of(read_key(path)) == words
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_records_hold_the_public_half_in_strings_that_fit() -> None:
    record = record_of(new_key("rsa"))
    assert record.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert [len(string) for string in strings_of(record)] == [255, len(record) - 255]
    assert "".join(strings_of(record)) == record
    short = record_of(new_key("ed25519"))
    assert len(base64.b64decode(short.removeprefix("v=DKIM1; k=ed25519; p="))) == 32  # RFC 8463, section 4.2


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "first.pem"
    path.write_text("precious")
    with pytest.raises(ConfigError, match=r"first\.pem is there already .* --selector"):
        write_key(new_key("ed25519"), path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    path, refused = tmp_path / "first.pem", []
    keys = [new_key("ed25519") for _ in range(8)]

    def work(place: int) -> None:
        try:
            write_key(keys[place], path)
        except ConfigError:
            refused.append(place)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = set(range(8)) - set(refused)
    assert record_of(read_key(path)) == record_of(keys[winner])


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "dkim").write_text("")
    with pytest.raises(ConfigError, match=r"first\.pem cannot be written"):
        write_key(new_key("ed25519"), tmp_path / "dkim" / "first.pem")


def _prime(above: int) -> int:
    number = above | 1
    while pow(2, number - 1, number) != 1 or not (number - 1) % 65537:
        number += 2
    return number


def _short_key() -> bytes:
    """Return an RSA key of 768 bits; today's libraries read such a key and make none."""
    p, q = _prime(3 << 382), _prime(7 << 381)
    d = pow(65537, -1, (p - 1) * (q - 1))
    exponents = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, *exponents, rsa.RSAPublicNumbers(65537, p * q))
    return numbers.private_key().private_bytes(PEM, PKCS8, NO_SECRET)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no private key"),
        (b"not a key", "no private key"),
        (b"\x00\xff" * 100_000, "no private key"),
        (new_key("ed25519").public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo), "no priv"),
        (new_key("ed25519").private_bytes(PEM, PKCS8, NO_SECRET)[:60], "no private key"),
        (new_key("ed25519").private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"x")), "is encrypted"),
        (ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NO_SECRET), "another kind"),
        (_short_key(), "768 bits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # most are new each time
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "first.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"first\.pem .*{says}") as caught:
        read_key(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"first\.pem cannot be read: No such file.*newsletter dkim new"):
        read_key(tmp_path / "first.pem")


def test_keys_of_other_programs_are_taken(tmp_path: Path) -> None:
    key, path = rsa.generate_private_key(65537, 2048), tmp_path / "first.pem"
    path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, NO_SECRET))
    assert record_of(read_key(path)) == record_of(key)


def test_a_key_that_others_can_read_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "first.pem"
    write_key(new_key("ed25519"), path)
    assert not readable_by_others(path)
    for mode in (0o640, 0o604):
        path.chmod(mode)
        assert readable_by_others(path)
