"""A Postfix of the tests' own: configuration, queue, log and mailboxes in one folder, listening on loopback only.

It takes mail for reader0@example.org to reader999@example.org into maildirs of theirs, refuses everybody else and sends
nothing anywhere. It needs root, as Postfix does, and touches no Postfix that this machine may run besides.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.settings import SmtpSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
_PATIENCE = 120  # seconds for what takes a fraction of one, on a machine that is busy
_NOBODY = "nobody"
_READERS = 1000

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.example
mydestination =
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
# every byte of a mail stays as it came
local_header_rewrite_clients =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mailboxes
virtual_mailbox_maps = texthash:{folder}/config/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
# nothing leaves this machine
default_transport = error:this relay sends nothing
relay_transport = error:this relay sends nothing
smtp_host_lookup = native
"""

# service, type, private, unprivileged, chroot, wakeup, maxproc, command
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix       n - n 60  1 pickup
cleanup   unix       n - n -   0 cleanup
qmgr      unix       n - n 300 1 qmgr
rewrite   unix       - - n -   - trivial-rewrite
bounce    unix       - - n -   0 bounce
defer     unix       - - n -   0 bounce
trace     unix       - - n -   0 bounce
verify    unix       - - n -   1 verify
flush     unix       n - n 1000? 0 flush
proxymap  unix       - - n -   - proxymap
showq     unix       n - n -   - showq
error     unix       - - n -   - error
retry     unix       - - n -   - error
discard   unix       - - n -   - discard
virtual   unix       - n n -   - virtual
anvil     unix       - - n -   1 anvil
postlog   unix-dgram n - n -   1 postlogd
"""


def why_not() -> str:
    """Return why this machine cannot run it, or ""."""
    if not shutil.which("postfix", path=_PATH):
        return "install Debian's package postfix"
    return "" if os.geteuid() == 0 else "Postfix starts as root only"


@dataclass(frozen=True)
class Postfix:
    """A Postfix that runs, below `folder`."""

    folder: Path
    port: int

    def settings(self, **changes: object) -> SmtpSettings:
        values = {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": "none",
            "username": "",
            "password_file": "",
            "timeout_seconds": _PATIENCE,
            "acceptance_seconds": _PATIENCE,
            "weight": 1,
            "per_connection": 0,
        }
        return SmtpSettings.model_validate(values | changes)

    def delivered(self) -> dict[str, list[bytes]]:
        """Wait until the queue is empty; return each reader's mails, with Postfix's own headers and CRLF."""
        deadline = time.monotonic() + _PATIENCE
        while queued := self._queue():
            assert time.monotonic() < deadline, f"still in the queue: {queued}\n{self.log}"
            time.sleep(0.05)
        return {
            mailbox.name: [path.read_bytes().replace(b"\n", b"\r\n") for path in (mailbox / "new").iterdir()]
            for mailbox in (self.folder / "mailboxes").iterdir()
        }

    def forget(self) -> None:
        """Empty all mailboxes."""
        for mailbox in (self.folder / "mailboxes").iterdir():
            shutil.rmtree(mailbox)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        path = self.folder / "mail.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def run(self, command: str, *arguments: str) -> str:
        """Run one of Postfix's commands for this instance and return what it prints."""
        found = shutil.which(command, path=_PATH)
        assert found
        done = subprocess.run(
            [found, "-c", str(self.folder / "config"), *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command} {arguments}: {done.stdout}{done.stderr}{self.log}"
        return done.stdout

    def _queue(self) -> list[str]:
        return [json.loads(line)["queue_id"] for line in self.run("postqueue", "-j").splitlines()]


@contextmanager
def running_postfix() -> Iterator[Postfix]:
    # not below pytest's own folder: that one is for root's eyes, and Postfix works as users with few rights
    folder = Path(tempfile.mkdtemp(prefix="newsletter-postfix-"))
    try:
        postfix = _made(folder)
        postfix.run("postfix", "start")
        try:
            yield postfix
        finally:
            postfix.run("postfix", "stop")
    finally:
        shutil.rmtree(folder)


def _made(folder: Path) -> Postfix:
    nobody, owner = pwd.getpwnam(_NOBODY), pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("config", "queue", "data", "mailboxes"):
        (folder / name).mkdir(mode=0o755)
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    os.chown(folder / "mailboxes", nobody.pw_uid, nobody.pw_gid)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    config = folder / "config"
    (config / "main.cf").write_text(_MAIN.format(folder=folder, uid=nobody.pw_uid, gid=nobody.pw_gid))
    (config / "master.cf").write_text(_MASTER.format(port=port))
    readers = [f"reader{number}" for number in range(_READERS)]
    (config / "mailboxes").write_text("".join(f"{reader}@example.org {reader}/\n" for reader in readers))
    return Postfix(folder, port)
