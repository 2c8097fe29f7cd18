"""Freezes an issue in a process of its own, so that the memory that choosing takes is free again before mails leave.

What is learned from the papers takes a few hundred megabytes, and a send may go on for hours. It decides nothing.
"""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.cli.parcel import Parcel, parcel_of
from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from multiprocessing.connection import Connection
    from pathlib import Path


def freeze_apart(home: Path, environ: Mapping[str, str], period: str, *, now: datetime) -> None:
    """Freeze the issue of a home, as `pipeline.freezing.freeze` does, in another process, and wait for it.

    Raises:
        Exception: whatever was raised there, with its traceback as a note.
        DeliveryError: that process was ended from outside; nothing was stored, or all.
    """
    heard, told = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_freeze, args=(home, dict(environ), period, now, told))
    process.start()
    told.close()
    try:
        parcel: Parcel | None = heard.recv()
    except EOFError:
        process.join()
        raise DeliveryError(
            f"issue {period} was not decided: the process that chose its papers ended with {process.exitcode}, perhaps "
            "for want of memory; nothing was sent, try again"
        ) from None
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        heard.close()
    if parcel is not None:
        raise parcel.opened()


def _freeze(home: Path, environ: Mapping[str, str], period: str, now: datetime, told: Connection) -> None:
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - only this process needs it
    from newsletter.pipeline.freezing import freeze  # noqa: PLC0415 - same

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for it is told, and ends it
    parcel: Parcel | None = None
    try:
        with App(home, environ) as app:
            freeze(app.store, issue_of(app.store, period), app.fitter, app.press, shaping=app.shaping, now=now)
    except Exception as raised:  # noqa: BLE001 - nothing is swallowed: the process that waits raises it
        parcel = parcel_of(raised)
    told.send(parcel)
