"""Who holds a lease: one running program, by a name from which others on its machine can tell that it has ended.

It looks at this machine's processes and at nothing else.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_PROC = Path("/proc")
_STARTED = 19  # of the fields after the program's name, proc(5): when it started, in ticks since the machine did
_PARTS = 4


def new_owner() -> str:
    """Return a name for this process that no other has: `machine:process:its start:chance`."""
    return f"{_machine()}:{os.getpid()}:{_start_of(os.getpid())}:{secrets.token_hex(4)}"


def has_ended(owner: str) -> bool:
    """Return whether the program of this name is known to have ended: it ran on this machine, and runs no more.

    Of another machine's nothing is known, nor where the system does not tell which machine this is.
    """
    parts = owner.split(":")
    if len(parts) != _PARTS or not parts[1].isdecimal() or parts[0] != _machine() or not parts[2]:
        return False
    return _start_of(int(parts[1])) != parts[2]


def _start_of(process: int) -> str:
    """Return when a process started; "" where there is none of this number, or the system does not tell."""
    try:
        told = (_PROC / str(process) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = told.rpartition(")")[2].split()
    return fields[_STARTED] if len(fields) > _STARTED else ""


def _machine() -> str:
    """Return the machine's name, this run of it, and the space that its process numbers count in."""
    try:
        run = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        space = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        run = space = ""
    return f"{socket.gethostname()} {run} {space}".replace(":", "")
