"""The inbox on a real server: what is read, what is marked and deleted, and what is said when it cannot be."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from newsletter.deliver.inbox import Fate, ImapInbox, Pop3Inbox
from newsletter.deliver.incoming import READ_BYTES, digest
from newsletter.errors import InboxError
from newsletter.settings import ImapSettings, MailServerSettings
from tests.deliver.certificates import _authority, _server_context
from tests.deliver.dovecot import PASSWORD, USER, Dovecot, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deliver.certificates import Certificates

MAILS = [f"Subject: {number}\n\n.\nHello\n..\n".encode() for number in range(25)]


@dataclass(frozen=True)
class Place:
    """A running server, and the contexts of who trusts its certificate and who does not."""

    server: Dovecot
    trusting: ssl.SSLContext
    doubting: ssl.SSLContext

    def imap(self, *, password: str = PASSWORD, doubt: bool = False, **changes: object) -> ImapInbox:
        values = _values(self.server.imap, self.server.imaps, changes) | {"folder": changes.get("folder", "INBOX")}
        context = self.doubting if doubt else self.trusting
        return ImapInbox(ImapSettings.model_validate(values), password=password, context=context)

    def pop3(self, *, password: str = PASSWORD, doubt: bool = False, **changes: object) -> Pop3Inbox:
        values = _values(self.server.pop3, self.server.pop3s, changes)
        context = self.doubting if doubt else self.trusting
        return Pop3Inbox(MailServerSettings.model_validate(values), password=password, context=context)


def _values(port: int, implicit: int, changes: dict[str, object]) -> dict[str, object]:
    tls = changes.get("tls", "implicit")
    values: dict[str, object] = {
        "host": "localhost",
        "port": implicit if tls == "implicit" else port,
        "tls": tls,
        "username": USER,
        "password_file": "",
        "timeout_seconds": 30,
    }
    return values | changes


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    folder, authority = tmp_path_factory.mktemp("certificate"), _authority("Another authority")
    _server_context(folder / "server.pem", authority, "localhost", "127.0.0.1")
    pem = authority[1].public_bytes(serialization.Encoding.PEM).decode()
    return folder / "server.pem", ssl.create_default_context(cadata=pem)


@pytest.fixture
def base() -> Iterator[Path]:
    """Return a folder with a short name: a socket's path has about a hundred letters."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(base: Path, trusted: tuple[Path, ssl.SSLContext], certificates: Certificates) -> Iterator[Place]:
    with running(base, trusted[0]) as server:
        yield Place(server, trusted[1], certificates.trusting)


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_every_mail_is_read_and_nothing_is_marked_by_it(place: Place, kind: str, tls: str) -> None:
    place.server.put(*MAILS)
    with getattr(place, kind)(tls=tls) as inbox:
        assert inbox.waiting() == 25
        heads = [item.head for item in inbox.items()]
    assert {digest(head) for head in heads} == {digest(mail) for mail in MAILS}
    with getattr(place, kind)(tls=tls) as inbox:
        assert inbox.waiting() == 25


def test_imap_marks_and_deletes_what_it_is_told_and_nothing_else(place: Place) -> None:
    place.server.put(*MAILS)
    with place.imap() as inbox:
        items = list(inbox.items())
        inbox.settle({items[0].key: Fate.SEEN, items[1].key: Fate.DELETE, items[2].key: Fate.DELETE})
    with place.imap() as inbox:
        assert {item.head for item in inbox.items()} == {item.head for item in items[3:]}
    assert len(place.server.flags()) == 23


def test_imap_leaves_what_another_program_deletes_to_that_program(place: Place) -> None:
    place.server.put(*MAILS[:3])
    with place.imap() as other:
        other._command("STORE", "1", "+FLAGS.SILENT", r"(\Deleted)")
    with place.imap() as inbox:
        assert inbox.waiting() == 2
        inbox.settle({next(iter(inbox.items())).key: Fate.DELETE})
    assert sorted("T" in flags for flags in place.server.flags()) == [False, True]


def test_imap_may_be_settled_while_it_is_read(place: Place) -> None:
    place.server.put(*[f"Subject: {number}\n\n{number}\n".encode() for number in range(1_200)])
    read = set()
    with place.imap() as inbox:
        for item in inbox.items():
            read.add(item.head)
            inbox.settle({item.key: Fate.DELETE if len(read) % 2 else Fate.SEEN})
    assert len(read) == 1_200
    with place.imap() as inbox:
        assert inbox.waiting() == 0
    assert len(place.server.flags()) == 600


def test_pop3_deletes_at_the_end(place: Place) -> None:
    place.server.put(*MAILS[:5])
    with place.pop3() as inbox:
        items = list(inbox.items())
        inbox.settle({items[0].key: Fate.SEEN, items[1].key: Fate.DELETE})
    with place.pop3() as inbox:
        assert [item.head for item in inbox.items()] == [items[place].head for place in (0, 2, 3, 4)]


def test_pop3_deletes_nothing_where_it_broke_off(place: Place) -> None:
    place.server.put(*MAILS[:5])

    def broken() -> None:
        with place.pop3() as inbox:
            inbox.settle({"1": Fate.DELETE})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    with place.pop3() as inbox:
        assert inbox.waiting() == 5


@pytest.mark.parametrize("kind", ["imap", "pop3"])
@pytest.mark.parametrize("line", [b"x" * 78 + b"\n", b"y" * 5_000_000 + b"\n"], ids=["short lines", "long lines"])
def test_of_a_large_mail_only_the_beginning_is_kept(place: Place, kind: str, line: bytes) -> None:
    large = b"Subject: large\n\n" + line * (50_000_000 // len(line))
    place.server.put(large, MAILS[0])
    with getattr(place, kind)() as inbox:
        heads = sorted((item.head for item in inbox.items()), key=len)
    assert digest(heads[0]) == digest(MAILS[0])
    assert heads[1].startswith(b"Subject: large")
    assert len(heads[1]) <= READ_BYTES


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "wrong"}, "check username and password_file"),
        ({"password": ""}, "check username and password_file"),
        ({"username": "nobody"}, "check username and password_file"),
        ({"port": 1}, "cannot be reached"),
        ({"host": "127.0.0.2", "port": 1}, "cannot be reached"),
        ({"host": "nowhere.invalid"}, "cannot be reached"),
        ({"host": "mail.example", "tls": "none"}, "is another machine and"),
        ({"doubt": True}, "shows a certificate that is refused"),
        ({"doubt": True, "tls": "starttls"}, "shows a certificate that is refused"),
    ],
)
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_what_cannot_be_opened_is_said_in_one_line(place: Place, kind: str, changes: dict[str, Any], said: str) -> None:
    inbox = getattr(place, kind)(**changes)
    for opened in (inbox.check, inbox.__enter__):
        with pytest.raises(InboxError, match=said) as caught:
            opened()
        assert "\n" not in str(caught.value)
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_tls_at_a_plain_port_is_told_apart(place: Place, kind: str) -> None:
    with pytest.raises(InboxError, match="cannot speak TLS"):
        getattr(place, kind)(port=getattr(place.server, kind)).check()


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_server_without_starttls_gets_no_password(
    base: Path, trusted: tuple[Path, ssl.SSLContext], kind: str
) -> None:
    with running(base, trusted[0], tls=False) as server:
        place = Place(server, trusted[1], trusted[1])
        with pytest.raises(InboxError, match="check tls and port"):
            getattr(place, kind)(tls="starttls").check()


def test_a_folder_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(InboxError, match=r"check folder under \[bounces.imap\]"):
        place.imap(folder="Nowhere").check()


def test_a_server_without_plain_takes_ascii_logins(certificates: Certificates) -> None:
    """Every Dovecot offers PLAIN, so here is a server that knows seven lines."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = Place(Dovecot(Path(), *[listening.getsockname()[1]] * 4), certificates.trusting, certificates.trusting)
        thread = threading.Thread(target=_old_server, args=(listening, heard))
        thread.start()
        inbox = place.imap(tls="none", username="plain", password='correct "horse" \\ battery')
        assert inbox.check().endswith("0 waiting")
        thread.join()
        assert b'LOGIN "plain" "correct \\"horse\\" \\\\ battery"' in heard
        thread = threading.Thread(target=_old_server, args=(listening, heard))
        thread.start()
        with pytest.raises(InboxError, match="ASCII logins only"):
            place.imap(tls="none").check()
        thread.join()


def _old_server(listening: socket.socket, heard: list[bytes]) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as wire:
        wire.write(b"* OK hello\r\n")
        wire.flush()
        while line := wire.readline():
            tag, _, command = line.strip().partition(b" ")
            heard.append(command)
            more = {
                b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
                b"EXAMINE": b"* 0 EXISTS\r\n",
                b"LOGOUT": b"* BYE\r\n",
            }
            wire.write(more.get(command.split()[0], b"") + tag + b" OK done\r\n")
            wire.flush()


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_check_says_how_many_wait_and_marks_none(place: Place, kind: str) -> None:
    place.server.put(*MAILS[:3])
    for _ in range(2):
        assert getattr(place, kind)().check().endswith("answers, TLS implicit, 3 waiting")
    assert "S" not in "".join(place.server.flags())


def _read_into_a_break(inbox: ImapInbox | Pop3Inbox) -> None:
    with inbox:
        items = inbox.items()
        inbox.settle({next(items).key: Fate.SEEN})
        inbox._live.sock.shutdown(socket.SHUT_RDWR)
        list(items)


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_connection_that_breaks_is_said_and_the_mails_wait_again(place: Place, kind: str) -> None:
    place.server.put(*MAILS)
    inbox = getattr(place, kind)(tls="none")
    with pytest.raises(InboxError, match=r"broke off|cannot be reached"):
        _read_into_a_break(inbox)
    with getattr(place, kind)() as again:
        assert again.waiting() == (24 if kind == "imap" else 25)
