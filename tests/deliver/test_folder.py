"""The folder mailer: whole files or none, one a mail, for their owner's eyes."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.folder import FolderMailer, file_name
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState
from tests.deliver.handing import receipt_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deliver.conftest import MakeMessage

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 100_000  # bytes a file may have while `tight_disk` holds


@pytest.fixture
def tight_disk() -> Iterator[None]:
    """Let the system refuse every write beyond LIMIT, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_first_mail_makes_the_folder_and_only_its_owner_may_read(tmp_path: Path, make_message: MakeMessage) -> None:
    folder = tmp_path / "home" / "outbox"
    mailer = FolderMailer(folder)
    assert not folder.exists()

    with mailer:
        receipt = receipt_for(mailer, make_message(1))

    (path,) = folder.iterdir()
    assert path.name == "2026-07-14.00000000000000000000000000000001.eml"
    assert receipt.reply == f"written to {path.name}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_mail_again_replaces_its_own_file_and_no_other(tmp_path: Path, make_message: MakeMessage) -> None:
    with FolderMailer(tmp_path) as mailer:
        for message in (make_message(1), make_message(2), make_message(1, b"Again\r\n")):
            mailer.deliver(message)

    paths = sorted(tmp_path.iterdir())
    assert [path.read_bytes()[-7:] for path in paths] == [b"Again\r\n", b"Hello\r\n"]


@pytest.mark.parametrize(
    ("message_id", "name"),
    [
        ("<2026-07-14.0a1b@newsletter.example>", "2026-07-14.0a1b.eml"),
        ("<2026-W29.0a1b@newsletter.example>", "2026-W29.0a1b.eml"),
    ],
)
def test_a_file_is_named_after_the_left_part(message_id: str, name: str) -> None:
    assert file_name(message_id) == name


@pytest.mark.parametrize("left", ["../up", "/etc/passwd", ".", "..", ".hidden", "", "a b", "a\0b", "a\nb", "x" * 101])
def test_an_unusual_left_part_is_no_file_name(left: str) -> None:
    name = file_name(f"<{left}@newsletter.example>")

    assert name.removesuffix(".eml").isalnum()
    assert name != file_name(f"<{left}@elsewhere.example>")


def test_a_disk_that_is_full_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, make_message: MakeMessage, tight_disk: None
) -> None:
    del tight_disk
    with FolderMailer(tmp_path) as mailer:
        mailer.deliver(make_message(1))
        with pytest.raises(MailerStoppedError) as stopped:
            mailer.deliver(make_message(1, b"x" * 2 * LIMIT))
        assert receipt_for(mailer, make_message(2)).state == DeliveryState.ACCEPTED

    assert str(stopped.value).startswith(f"{tmp_path} cannot be written: File too large; ")
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [make_message(1).content] * 2


DIES_WITHIN_A_MAIL = """
import os, sys
from pathlib import Path
from newsletter.deliver.folder import FolderMailer
from newsletter.model import Message

os.fsync = lambda handle: os._exit(9)  # as sudden as kill -9: nothing is tidied up
FolderMailer(Path(sys.argv[1])).deliver(Message(message_id="<1@x>", sender="", recipient="", content=b"x"))
"""


def test_what_a_crash_left_behind_counts_as_no_mail(tmp_path: Path, make_message: MakeMessage) -> None:
    died = subprocess.run([sys.executable, "-c", DIES_WITHIN_A_MAIL, tmp_path], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()

    with FolderMailer(tmp_path) as mailer:
        mailer.deliver(make_message(1))

    assert died.returncode == 9
    assert left.name.startswith(".")
    assert [path.name for path in tmp_path.glob("*.eml")] == [file_name(make_message(1).message_id)]


def test_what_a_crash_left_behind_goes_when_its_writer_is_surely_dead(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIES_WITHIN_A_MAIL, tmp_path], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()
    others = [tmp_path / name for name in (".hidden.part", ".1.abcdefgh.eml", "1.abcdefgh.part", "mail.eml")]
    for other in others:
        other.write_text("keep me")
    old = tmp_path / ".2026-07-14.0a1b.abcd_3gh.part"
    old.symlink_to("mail.eml")
    hour_ago = time.time() - 3700
    for path in others:
        os.utime(path, (hour_ago, hour_ago))
    os.utime(old, (hour_ago, hour_ago), follow_symlinks=False)

    with FolderMailer(tmp_path):
        assert left.exists(), "its writer may be at work"
    os.utime(left, (hour_ago, hour_ago))
    with FolderMailer(tmp_path):
        assert not left.exists()

    assert sorted(tmp_path.iterdir()) == sorted([*others, old])


def test_entering_makes_no_folder(tmp_path: Path) -> None:
    with FolderMailer(tmp_path / "absent"):
        assert not list(tmp_path.iterdir())


def test_a_link_in_the_mails_place_is_not_followed(tmp_path: Path, make_message: MakeMessage) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    folder = tmp_path / "outbox"
    folder.mkdir()
    (folder / file_name(make_message(1).message_id)).symlink_to(target)

    with FolderMailer(folder) as mailer:
        mailer.deliver(make_message(1))

    assert target.read_text() == "keep me"


@pytest.mark.parametrize("below", ["", "outbox", "deep/er/outbox"])
def test_a_file_in_the_folders_place_stops_the_send(tmp_path: Path, make_message: MakeMessage, below: str) -> None:
    blocked = tmp_path / "outbox"
    blocked.write_text("keep me")
    mailer = FolderMailer(blocked / below)

    with pytest.raises(MailerStoppedError, match="outbox"):
        mailer.check()
    with pytest.raises(MailerStoppedError, match="outbox"), mailer:
        mailer.deliver(make_message())

    assert blocked.read_text() == "keep me"


def test_a_check_makes_no_folder_and_leaves_no_file(tmp_path: Path) -> None:
    absent, present = FolderMailer(tmp_path / "absent"), FolderMailer(tmp_path)

    assert absent.check() == f"mails will be written to {tmp_path / 'absent'}, which the first mail makes"
    assert present.check() == f"mails are written to {tmp_path}"
    assert not list(tmp_path.iterdir())


def test_the_address_is_no_part_of_the_name(tmp_path: Path, make_message: MakeMessage) -> None:
    with FolderMailer(tmp_path) as mailer:
        mailer.deliver(replace(make_message(1), recipient="someone@example.net"))

    assert not [path for path in tmp_path.iterdir() if "someone" in path.name]
