"""A real SMTP server on loopback, aiosmtpd's, that fails to order and offers PIPELINING (RFC 2920) or not."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult

from newsletter.settings import SmtpSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

USER, PASSWORD = "digest", "correct horse"
DROP, SILENCE, HALF = "drop", "silence", "half"  # what a server may do instead of an answer


@dataclass(frozen=True)
class Taken:
    """A mail that the server took, as it came off the wire."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str]


@dataclass
class Relay:
    """A real server's address, what it heard and took, and what it shall do instead of its next answers.

    An order of None is for an answer as usual. `ahead` makes it answer a command (or, at END, a whole mail) only when
    the next command is there: for ever, if the client waits for the answer. `closings` has one entry for each
    connection that has ended.
    """

    port: int = 0
    pipelining: bool = False
    ahead: set[str] = field(default_factory=set)
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    faults: dict[str, Sequence[str | None]] = field(default_factory=lambda: defaultdict(list))
    closings: Queue[None] = field(default_factory=Queue)

    @property
    def readers(self) -> list[str]:
        """The recipients of all mails that it took, in their order."""
        return [recipient.partition("@")[0] for mail in self.taken for recipient in mail.recipients]

    def settings(self, **changes: object) -> SmtpSettings:
        values = {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": "none",
            "username": "",
            "password_file": "",
            "timeout_seconds": 30,
            "acceptance_seconds": 30,
            "weight": 1,
            "per_connection": 0,
        }
        return SmtpSettings.model_validate(values | changes)


class FaultySMTP(SMTP):
    """aiosmtpd's server, but for the faults that its relay orders at a command, or at GREETING, CONTENT or END."""

    def __init__(self, relay: Relay, **options: Any) -> None:  # noqa: ANN401  # handed on to aiosmtpd as they are
        super().__init__(_TakesMail(), hostname="relay.example", **options)
        self.relay = relay
        self.greeted = False

    async def fault(self, step: str) -> str | None:
        """Return the answer that is ordered for this step, or None; hang up or fall silent if that is ordered."""
        self.relay.commands.append(step)
        stream: Any = self._reader
        while step in self.relay.ahead and not stream._buffer:  # noqa: ASYNC110  # asyncio tells nobody of new bytes
            await asyncio.sleep(0.001)
        first, *rest = self.relay.faults[step] or [None]
        self.relay.faults[step] = rest
        if first == HALF:
            self._writer.write(b"250-and there is\r\n")
            self._writer.transport.close()
        if first == DROP:
            self._writer.transport.abort()
        if first in (HALF, DROP, SILENCE):
            await asyncio.Event().wait()  # until the lost connection cancels this
        return first

    async def push(self, status: str | bytes) -> None:
        if not self.greeted:
            self.greeted = True
            status = await self.fault("GREETING") or status
        status = status.encode() if isinstance(status, str) else status
        await super().push(status)
        if status.startswith(b"421"):
            self._writer.transport.close()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("EHLO")
        await (self.push(answer) if answer else super().smtp_EHLO(hostname))

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("STARTTLS")
        await (self.push(answer) if answer else super().smtp_STARTTLS(arg))

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802  # aiosmtpd finds it by this name
        answer = await self.fault("AUTH")
        await (self.push(answer) if answer else super().smtp_AUTH(arg))

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

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.relay.closings.put(None)


class _TakesMail:
    """Keeps every mail that came whole, then answers as ordered."""

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's hook
        self,
        server: FaultySMTP,
        session: Any,  # noqa: ANN401  # same
        envelope: object,
        hostname: str,
        responses: list[str],  # same
    ) -> list[str]:
        del envelope
        session.host_name = hostname
        offered = ["250-PIPELINING"] if server.relay.pipelining else []
        return [responses[0], *offered, *responses[1:]]

    async def handle_DATA(self, server: FaultySMTP, session: object, envelope: Any) -> str:  # noqa: ANN401, N802  # same
        del session
        mail = Taken(envelope.mail_from, envelope.rcpt_tos, envelope.original_content, envelope.mail_options)
        server.relay.taken.append(mail)
        return await server.fault("END") or "250 2.0.0 taken"


def _authenticate(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401  # aiosmtpd's hook
    del server, session, envelope, mechanism
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@contextmanager
def running(
    *,
    implicit: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    pipelining: bool = False,
    **options: Any,  # noqa: ANN401  # handed on to aiosmtpd as they are
) -> Iterator[Relay]:
    """Run a server in a thread of its own; `implicit` and `starttls` are TLS contexts, `login` asks for USER."""
    options |= {"tls_context": starttls, "require_starttls": starttls is not None}
    options |= {"authenticator": _authenticate, "auth_required": True} if login else {}
    loop = asyncio.new_event_loop()
    relay = Relay(pipelining=pipelining)
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
