"""What the tests of this room share: a site, mails, certificates, and a real SMTP server with faults to order."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from newsletter.config import Site, SmtpSettings, load_config
from newsletter.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "digest", "correct horse"
DROP, SILENCE, HALF = "drop", "silence", "half"  # what a server may do instead of an answer


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return load_config(tmp_path_factory.mktemp("home"), {}).site


class MakeMessage(Protocol):
    def __call__(self, number: int = 1, body: bytes = b"Hello\r\n") -> Message: ...


@pytest.fixture
def make_message() -> MakeMessage:
    def make(number: int = 1, body: bytes = b"Hello\r\n") -> Message:
        return Message(
            message_id=f"<2026-07-14.{number:032x}@newsletter.example>",
            sender="digest@newsletter.example",
            recipient=f"reader{number}@example.org",
            content=b"Subject: one\r\n\r\n" + body,
        )

    return make


@dataclass(frozen=True)
class Taken:
    """A mail that the server took, as it came off the wire."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str]


@dataclass
class Relay:
    """A real server's address, what it heard and took, and what it shall do instead of its next answers."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def settings(self, **changes: object) -> SmtpSettings:
        values = {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": "none",
            "username": "",
            "password_file": "",
            "timeout_seconds": 30,
            "acceptance_seconds": 30,
        }
        return SmtpSettings.model_validate(values | changes)


class FaultySMTP(SMTP):
    """aiosmtpd's server, but for the faults that its relay orders at a command, or at GREETING, CONTENT or END."""

    def __init__(self, relay: Relay, **options: Any) -> None:  # noqa: ANN401  # handed on to aiosmtpd as they are
        super().__init__(_TakesMail(), hostname="relay.example", **options)
        self.relay = relay

    async def fault(self, step: str) -> str | None:
        """Return the answer that is ordered for this step, or None; hang up or fall silent if that is ordered."""
        self.relay.commands.append(step)
        order = self.relay.faults[step].pop(0) if self.relay.faults[step] else None
        if order == HALF:
            self._writer.write(b"250-and there is\r\n")
            self._writer.transport.close()
        if order == DROP:
            self._writer.transport.abort()
        if order in (HALF, DROP, SILENCE):
            await asyncio.Event().wait()  # until the lost connection cancels this
        return order

    async def push(self, status: str | bytes) -> None:
        if self.relay.commands[-1] == "CONNECT":
            status = await self.fault("GREETING") or status
        status = status.encode() if isinstance(status, str) else status
        await super().push(status)
        if status.startswith(b"421"):
            self._writer.transport.close()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("EHLO")
        await (self.push(answer) if answer else super().smtp_EHLO(hostname))

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("MAIL")
        await (self.push(answer) if answer else super().smtp_MAIL(arg))

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("RCPT")
        await (self.push(answer) if answer else super().smtp_RCPT(arg))

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("RSET")
        await (self.push(answer) if answer else super().smtp_RSET(arg))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("DATA")
        if self.relay.faults["CONTENT"]:
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            await self.fault("CONTENT")
        await (self.push(answer) if answer else super().smtp_DATA(arg))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:  # else it is the same connection, now under TLS
            self.relay.commands.append("CONNECT")
        super().connection_made(transport)


class _TakesMail:
    """Keeps every mail that came whole, then answers as ordered."""

    async def handle_DATA(self, server: FaultySMTP, session: object, envelope: Any) -> str:  # noqa: ANN401, N802  # aiosmtpd's hook
        del session
        mail = Taken(envelope.mail_from, envelope.rcpt_tos, envelope.original_content, envelope.mail_options)
        server.relay.taken.append(mail)
        return await server.fault("END") or "250 2.0.0 taken"


def _authenticate(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401  # aiosmtpd's hook
    del server, session, envelope, mechanism
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


class RunRelay(Protocol):
    """Starts a server and returns its relay; `implicit` and `starttls` are TLS contexts, `login` asks for USER."""

    def __call__(
        self,
        *,
        implicit: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        login: bool = False,
        **options: Any,  # noqa: ANN401  # handed on to aiosmtpd as they are
    ) -> Relay: ...


@pytest.fixture
def run_relay() -> Iterator[RunRelay]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(_running(**options))


@pytest.fixture
def relay(run_relay: RunRelay) -> Relay:
    return run_relay()


@contextmanager
def _running(
    *,
    implicit: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    **options: Any,  # noqa: ANN401  # handed on to aiosmtpd as they are
) -> Iterator[Relay]:
    options |= {"tls_context": starttls, "require_starttls": starttls is not None}
    options |= {"authenticator": _authenticate, "auth_required": True} if login else {}
    loop = asyncio.new_event_loop()
    relay = Relay()
    open_ones: set[FaultySMTP] = set()

    def accept() -> FaultySMTP:
        protocol = FaultySMTP(relay, loop=loop, **options)
        protocol._auth_require_tls = implicit is None  # aiosmtpd sees no TLS but the one of STARTTLS
        open_ones.add(protocol)
        return protocol

    server = loop.run_until_complete(loop.create_server(accept, "127.0.0.1", 0, ssl=implicit))
    relay.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_hang_up(server, open_ones))
        loop.close()


async def _hang_up(server: asyncio.Server, open_ones: set[FaultySMTP]) -> None:
    server.close()
    for protocol in open_ones:
        if protocol.transport is not None:
            protocol._writer.transport.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # one round of the loop, in which the transports close


@dataclass(frozen=True)
class Certificates:
    """A test's own authority, and servers' contexts with a right, a misnamed and an untrusted certificate."""

    trusting: ssl.SSLContext
    right: ssl.SSLContext
    misnamed: ssl.SSLContext
    untrusted: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
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
