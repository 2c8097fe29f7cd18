"""Mails in files, on a stream and in a maildir: read a piece at a time, and only a configured maildir is changed."""

from __future__ import annotations

import mailbox
import os
import tracemalloc
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.inbox import Fate, FileInbox, MaildirInbox, StreamInbox
from newsletter.deliver.incoming import READ_BYTES, digest
from newsletter.errors import InboxError

if TYPE_CHECKING:
    from pathlib import Path

MAIL = b"Subject: one\n\nHello\n"


def heads(stream: bytes) -> list[bytes]:
    with StreamInbox(BytesIO(stream), "test") as inbox:
        return [item.head or b"" for item in inbox.items()]


def test_a_file_is_one_mail_unless_it_begins_as_an_mbox() -> None:
    assert heads(MAIL + b"\nFrom here on it is text\n") == [MAIL + b"\nFrom here on it is text\n"]
    assert heads(
        b"From MAILER-DAEMON Tue Jul 14 07:00:00 2026\n" + MAIL + b"\nFrom a@b.example\nSubject: two\n\nx"
    ) == [
        MAIL + b"\n",
        b"Subject: two\n\nx",
    ]
    assert heads(b"") == []


def test_an_mbox_that_the_standard_library_wrote_is_read_back(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "mbox")
    for number in range(3):
        box.add(f"Subject: {number}\n\nFrom the start\n\nFrom me\n".encode())
    box.close()
    with FileInbox(tmp_path / "mbox") as inbox:
        found = [item.head for item in inbox.items()]
    assert [head.partition(b"\n")[0] for head in found if head] == [b"Subject: 0", b"Subject: 1", b"Subject: 2"]


class Endless(BytesIO):
    """Fifty megabytes that are made as they are read."""

    left = 50_000_000

    def readline(self, size: int | None = -1, /) -> bytes:
        piece = b"x" * min(self.left, size or 0)
        self.left -= len(piece)
        return piece


def test_a_large_mail_is_read_to_its_end_and_kept_in_part() -> None:
    stream = Endless()
    tracemalloc.start()
    (item,) = StreamInbox(stream, "test").items()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert item.head == b"x" * READ_BYTES
    assert stream.left == 0, "a server that pipes the mail in is not cut off"
    assert peak < 5 * READ_BYTES


@pytest.mark.parametrize("name", ["nothing", ".", "closed"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    with pytest.raises(InboxError, match="cannot be read"):
        FileInbox(tmp_path / name).__enter__()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    box = mailbox.Maildir(tmp_path / "box", create=True)
    for number in range(4):
        box.add(f"Subject: {number}\n\nHello\n".encode())
    seen = mailbox.MaildirMessage(b"Subject: seen\n\nHello\n")
    seen.set_subdir("cur")
    seen.set_flags("S")
    box.add(seen)
    flagged = mailbox.MaildirMessage(b"Subject: flagged\n\nHello\n")
    flagged.set_subdir("cur")
    flagged.set_flags("F")
    box.add(flagged)
    return tmp_path / "box"


def test_what_nobody_has_seen_waits(maildir: Path) -> None:
    with MaildirInbox(maildir) as inbox:
        assert inbox.waiting() == 5
        found = {digest(item.head or b"") for item in inbox.items()}
    assert digest(b"Subject: seen\n\nHello\n") not in found
    assert digest(b"Subject: flagged\n\nHello\n") in found


def test_what_is_settled_is_as_the_standard_library_would_leave_it(maildir: Path) -> None:
    with MaildirInbox(maildir) as inbox:
        items = list(inbox.items())
        inbox.settle({items[0].key: Fate.DELETE, **{item.key: Fate.SEEN for item in items[1:]}})
        inbox.settle({items[0].key: Fate.DELETE, items[1].key: Fate.SEEN})  # gone, and moved: nothing to be done
        assert inbox.waiting() == 0
    flags = sorted(message.get_flags() for message in mailbox.Maildir(maildir, create=False))
    assert flags == ["FS", "S", "S", "S", "S"]


def test_a_maildir_that_is_named_as_a_file_is_read_whole_and_left(maildir: Path) -> None:
    before = sorted(path.name for path in maildir.rglob("*"))
    with MaildirInbox(maildir, read_only=True) as inbox:
        items = list(inbox.items())
        inbox.settle({item.key: Fate.DELETE for item in items})
    assert len(items) == 6
    assert sorted(path.name for path in maildir.rglob("*")) == before


def test_what_is_no_plain_file_is_not_read(maildir: Path) -> None:
    os.mkfifo(maildir / "new" / "fifo")
    (maildir / "new" / "folder").mkdir()
    (maildir / "new" / "link").symlink_to("/etc/passwd")
    (maildir / "new" / ".hidden").write_bytes(MAIL)
    with MaildirInbox(maildir) as inbox:
        found = {item.key: item.head for item in inbox.items()}
    assert [found[f"new/{name}"] for name in ("fifo", "folder", "link")] == [None, None, None]
    assert "new/.hidden" not in found


def test_a_folder_that_is_no_maildir_is_named(tmp_path: Path) -> None:
    for opened in (MaildirInbox(tmp_path).__enter__, MaildirInbox(tmp_path / "nothing").check):
        with pytest.raises(InboxError, match=r"is no maildir .*; check bounces.maildir.path"):
            opened()


def test_a_check_counts_and_marks_nothing(maildir: Path) -> None:
    for _ in range(2):
        assert MaildirInbox(maildir).check() == f"maildir {maildir}, 5 waiting"
