"""Certificates for the tests' servers: right, misnamed and of an authority that nobody knows."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """A test's own authority, and servers' contexts with a right, a misnamed and an untrusted certificate."""

    trusting: ssl.SSLContext
    right: ssl.SSLContext
    misnamed: ssl.SSLContext
    untrusted: ssl.SSLContext


def make_certificates(folder: Path) -> Certificates:
    authority, stranger = _authority("An authority"), _authority("A stranger")
    pem = authority[1].public_bytes(serialization.Encoding.PEM).decode()
    return Certificates(
        trusting=ssl.create_default_context(cadata=pem),
        right=_server_context(folder / "right.pem", authority, "localhost", "127.0.0.1"),
        misnamed=_server_context(folder / "misnamed.pem", authority, "elsewhere.example", "192.0.2.1"),
        untrusted=_server_context(folder / "untrusted.pem", stranger, "localhost", "127.0.0.1"),
    )


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip  # a list of nine flags, best read as one
    builder = (
        _certificate(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return key, builder.sign(key, hashes.SHA256())


def _server_context(
    path: Path, authority: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], host: str, address: str
) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority[1].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    names = [x509.DNSName(host), x509.IPAddress(ip_address(address))]
    builder = (
        _certificate(host, str(issuer), key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority[0].public_key()), critical=False)
    )
    certificate = builder.sign(authority[0], hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _certificate(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
