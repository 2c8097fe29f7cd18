"""The maildir mailer: whole mails or none, many writers at once, for their owner's eyes."""

from __future__ import annotations

import mailbox
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.maildir import MaildirMailer
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState
from tests.deliver.handing import receipt_for, states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.model import Message
    from tests.deliver.conftest import MakeMessage


def test_a_mail_program_finds_a_new_mail(tmp_path: Path, make_message: MakeMessage) -> None:
    with MaildirMailer(tmp_path / "home" / "maildir") as mailer:
        receipt = receipt_for(mailer, make_message(1))

    found = mailbox.Maildir(tmp_path / "home" / "maildir", create=False)
    ((key, mail),) = found.items()
    assert receipt.reply == f"added as {key}"
    assert (mail["Subject"], mail.get_payload(), mail.get_subdir()) == ("one", "Hello\n", "new")


def test_only_its_owner_may_read_it(tmp_path: Path, make_message: MakeMessage) -> None:
    with MaildirMailer(tmp_path / "maildir") as mailer:
        states(mailer, [make_message(1)])

    folders = [tmp_path / "maildir", *(tmp_path / "maildir" / name for name in ("tmp", "new", "cur"))]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_senders_that_all_find_no_maildir_make_one_together(tmp_path: Path, make_message: MakeMessage) -> None:
    senders, mails_each = 8, 10
    for attempt in range(20):
        folder, ready = tmp_path / str(attempt), Barrier(senders)

        def send(sender: int, folder: Path = folder, ready: Barrier = ready) -> set[DeliveryState]:
            mails = [make_message(sender * mails_each + number) for number in range(mails_each)]
            with MaildirMailer(folder) as mailer:
                ready.wait(30)
                return set(states(mailer, mails))

        with ThreadPoolExecutor(senders) as pool:
            became = set().union(*pool.map(send, range(senders)))
        assert became == {DeliveryState.ACCEPTED}
        assert len(list((folder / "new").iterdir())) == senders * mails_each
        assert not list((folder / "tmp").iterdir())


def test_an_empty_folder_becomes_a_maildir(tmp_path: Path, make_message: MakeMessage) -> None:
    with MaildirMailer(tmp_path) as mailer:
        states(mailer, [make_message(1)])

    assert len(list((tmp_path / "new").iterdir())) == 1


@contextmanager
def tight_disk(limit: int) -> Iterator[None]:
    """Let the system refuse every write beyond `limit` bytes of a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_stops_the_send_and_adds_nothing(tmp_path: Path, make_message: MakeMessage) -> None:
    large: Message = make_message(2, b"x" * 200_000 + b"\r\n")
    with MaildirMailer(tmp_path) as mailer:
        states(mailer, [make_message(1)])
        with tight_disk(100_000), pytest.raises(MailerStoppedError) as stopped:
            mailer.deliver(large)
        assert states(mailer, [make_message(3)]) == [DeliveryState.ACCEPTED]

    assert str(stopped.value).startswith(f"{tmp_path} cannot be written: File too large; ")
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_name_that_is_taken_stops_the_send_in_one_line(
    tmp_path: Path, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_784_000_000.5)
    with MaildirMailer(tmp_path) as mailer:
        states(mailer, [make_message(1)])
        monkeypatch.setattr(mailbox.Maildir, "_count", mailbox.Maildir._count - 1)  # type: ignore[attr-defined]
        with pytest.raises(MailerStoppedError, match="clash"):
            mailer.deliver(make_message(2))

    assert len(list((tmp_path / "new").iterdir())) == 1
