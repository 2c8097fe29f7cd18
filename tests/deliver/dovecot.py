"""A real IMAP and POP3 server: Debian's Dovecot, with a configuration, a user and mailboxes of the test's own.

It needs dovecot-imapd and dovecot-pop3d, and as root the users that these packages make.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conftest import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "bounces", 'corréct "horse" \\ battery'
_WAIT_SECONDS = 30

_CONFIGURATION = """
protocols = imap pop3
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{base}/mail
mail_uid = {uid}
mail_gid = {gid}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server's ports, and its user's maildir."""

    maildir: Path
    imap: int
    imaps: int
    pop3: int
    pop3s: int

    def put(self, *mails: bytes) -> None:
        """Let mails wait, in this order."""
        for number, mail in enumerate(mails):
            (self.maildir / "new" / f"{1_780_000_000 + number}.M{number:06}.test").write_bytes(mail)

    def flags(self) -> list[str]:
        """Return the flags of every mail that is there, "new" for one that nobody has looked at."""
        cur = [path.name.partition(":2,")[2] for path in sorted((self.maildir / "cur").iterdir())]
        return cur + ["new"] * len(list((self.maildir / "new").iterdir()))


@contextmanager
def running(base: Path, certificate: Path, *, tls: bool = True) -> Iterator[Dovecot]:
    """Run a server whose sockets lie below `base`, which must be a short path."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        require("Dovecot", "install dovecot-imapd and dovecot-pop3d (Debian)")
    server = _prepared(base, certificate, tls=tls)
    with (base / "output").open("wb") as output:
        process = subprocess.Popen([program, "-F", "-c", str(base / "dovecot.conf")], stdout=output, stderr=output)
    try:
        _wait(process, server, base)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=_WAIT_SECONDS)


def _prepared(base: Path, certificate: Path, *, tls: bool) -> Dovecot:
    root = os.getuid() == 0
    me, ports = getpass.getuser(), _free_ports(4)
    server = Dovecot(base / "mail", *ports)
    # Dovecot opens no mailbox as root
    owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.getuid())
    for name in ("mail", "mail/new", "mail/cur", "mail/tmp", "home", "state"):
        (base / name).mkdir()
        os.chown(base / name, owner.pw_uid, owner.pw_gid)
    values = {
        "base": base,
        "ssl": "yes" if tls else "no",
        "certificate": certificate,
        "internal": "dovecot" if root else me,
        "login": "dovenull" if root else me,
        "group": "dovecot" if root else "",
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
        "imap": server.imap,
        "imaps": server.imaps,
        "pop3": server.pop3,
        "pop3s": server.pop3s,
    }
    (base / "dovecot.conf").write_text(_CONFIGURATION.format(**values))
    (base / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n", "utf-8")
    (base / "users").chmod(0o644)
    return server


def _free_ports(number: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


def _wait(process: subprocess.Popen[bytes], server: Dovecot, base: Path) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.imap), timeout=5) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
    told = "\n".join(path.read_text("utf-8", "replace") for path in (base / "output", base / "log") if path.is_file())
    raise RuntimeError(f"Dovecot did not start: {told}")
