"""Every kind of mailer at work, what has arrived by it, and one of each kind that cannot work."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from newsletter.deliver.folder import FolderMailer
from newsletter.deliver.log import LogMailer
from newsletter.deliver.maildir import MaildirMailer
from newsletter.deliver.relays import RelayedMailer, Roster
from newsletter.deliver.smtp import SmtpMailer
from tests.deliver.relay import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.deliver.base import Mailer
    from newsletter.model import Message
    from tests.deliver.certificates import Certificates
    from tests.deliver.conftest import RunRelay
    from tests.deliver.relay import Relay

KINDS = ["folder", "maildir", "log", "smtp", "smtp pipelined", "smtp over TLS", "relays"]


@dataclass(frozen=True)
class Case:
    """A mailer that works, what has arrived by it so far, and one like it that cannot work, if there can be.

    `arrived` gives the mails `as_found`, in their order: a maildir's have this system's line ends, a log has sizes.
    """

    mailer: Mailer
    arrived: Callable[[], list[bytes]]
    broken: Mailer | None
    as_found: Callable[[Message], bytes] = field(default=lambda message: message.content)


def case_of(kind: str, folder: Path, run_relay: RunRelay, certificates: Certificates) -> Case:
    if kind == "folder":
        return _folder(folder)
    if kind == "maildir":
        return _maildir(folder)
    if kind == "log":
        return _log()
    if kind == "relays":
        return _relays(run_relay)
    return _smtp(run_relay, certificates, over_tls=kind.endswith("TLS"), pipelining=kind.endswith("pipelined"))


def nobody_listens() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _smtp(run_relay: RunRelay, certificates: Certificates, *, over_tls: bool, pipelining: bool) -> Case:
    safe: dict[str, Any] = {"starttls": certificates.right, "login": True} if over_tls else {}
    relay = run_relay(pipelining=pipelining, **safe)
    settings = relay.settings(**({"host": "localhost", "tls": "starttls", "username": USER} if safe else {}))
    return Case(
        mailer=SmtpMailer(settings, password=PASSWORD, context=certificates.trusting),
        arrived=lambda: _taken(relay),
        broken=SmtpMailer(settings.model_copy(update={"port": nobody_listens()}), password=PASSWORD),
    )


def _relays(run_relay: RunRelay) -> Case:
    relays = [run_relay(), run_relay(pipelining=True)]
    gone = [relay.settings(port=nobody_listens()) for relay in relays]
    return Case(
        mailer=RelayedMailer([partial(SmtpMailer, one.settings(), password="") for one in relays], Roster([1, 1])),
        arrived=lambda: [content for relay in relays for content in _taken(relay)],
        broken=RelayedMailer([partial(SmtpMailer, one, password="") for one in gone], Roster([1, 1])),
    )


def _taken(relay: Relay) -> list[bytes]:
    return [mail.content for mail in relay.taken]


def _folder(folder: Path) -> Case:
    outbox = folder / "home" / "outbox"
    return Case(
        mailer=FolderMailer(outbox),
        arrived=lambda: [path.read_bytes() for path in sorted(outbox.glob("*.eml"))],
        broken=FolderMailer(_in_the_way(folder) / "outbox"),
    )


def _maildir(folder: Path) -> Case:
    maildir = folder / "home" / "maildir"
    return Case(
        mailer=MaildirMailer(maildir),
        arrived=lambda: [path.read_bytes() for path in sorted((maildir / "new").glob("*"), key=_as_added)],
        broken=MaildirMailer(_in_the_way(folder) / "maildir"),
        as_found=lambda message: message.content.replace(b"\r\n", b"\n"),
    )


def _as_added(path: Path) -> tuple[int, ...]:
    """Return the second, the microsecond and the count in a maildir's name."""
    seconds, rest = path.name.split(".", 2)[:2]
    return int(seconds), *(int(number) for number in re.findall(r"[MQ](\d+)", rest))


def _in_the_way(folder: Path) -> Path:
    (folder / "a file").write_text("in the way")
    return folder / "a file"


def _log() -> Case:
    out = StringIO()
    return Case(
        mailer=LogMailer(out),
        arrived=lambda: [
            size.replace(",", "").encode() for size in re.findall(r"of ([\d,]+) bytes would leave\n", out.getvalue())
        ],
        broken=None,
        as_found=lambda message: str(len(message.content)).encode(),
    )
