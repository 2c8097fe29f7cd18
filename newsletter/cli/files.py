"""Reading what a person names on the command line, and writing results where they want them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import typer

from newsletter.errors import UsageError


def read_text(path: Path) -> str:
    """Return a file's text (UTF-8, a byte-order mark allowed).

    Raises:
        UsageError: it cannot be read, or is in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again") from None


def write_text(text: str, path: Path | None) -> None:
    """Write to standard output, or to a file that is whole or not there.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is None:
        typer.echo(text, nl=False)
    else:
        write_bytes(text.encode(), path)


def write_new(text: str, path: Path) -> bool:
    """Write a file that is not there yet, whole or not at all; False where one is there, which stays as it is.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}.") as out:
            out.write(text.encode())
            out.flush()
            Path(out.name).chmod(0o666 & ~_umask())
            os.link(out.name, path)  # in one step, and refused where another process was first
    except FileExistsError:
        return False
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return True


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file that is whole or not there.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.absolute().parent, delete=False) as out:
            out.write(content)
        Path(out.name).chmod(0o666 & ~_umask())
        Path(out.name).replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
