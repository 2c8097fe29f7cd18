"""What a DKIM signature costs: ours against dkimpy's, on the same mail and by the same keys.

Run by hand: `python -m tests.benchmarks.sign`. CPU time of one process, the smallest of some rounds, since whatever
else this machine does only adds to it. Each signature is checked by dkimpy first. At last, two of them sign at once.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dkim
from cryptography.hazmat.primitives import serialization

from newsletter.deliver.dkim_key import new_key, record_of
from newsletter.deliver.message import build_message
from newsletter.deliver.relaxed import relaxed_body
from newsletter.deliver.sign import Signer, SigningKey
from newsletter.model import Rendered
from tests.render.digests import SITE

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

NOW = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
ROUNDS, OFTEN, SELDOM, TOGETHER = 7, 300, 10, 2000
LINE = '  <td style="color:#1c1c1c">Attention over long contexts, caf\u00e9, with <b>42</b> upvotes</td>\n'
HEADERS = [name.encode() for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")]


def mail(html_bytes: int) -> bytes:
    """Return a mail of ours with so much HTML, indented as templates are."""
    html = LINE * (html_bytes // len(LINE.encode()))
    return build_message(
        Rendered(subject="Papers of 2026-07-14", text="Ten papers.\n" * 300, html=html),
        site=SITE.model_copy(update={"web_url": "https://digest.example"}),
        recipient="ada@example.org",
        issue_period="2026-07-14",
        message_id="<2026-07-14.1@newsletter.example>",
        date=NOW,
        unsubscribe="mailto:unsubscribe@newsletter.example?subject=unsubscribe%20token",
        unsubscribe_page="https://digest.example/unsubscribe/token",
    ).content


def cost(make: Callable[[], object], times: int) -> float:
    """Return the CPU microseconds of one call."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            make()
        taken.append((time.process_time() - start) / times)
    return min(taken) * 1e6


def theirs(key: SigningKey) -> tuple[bytes, bytes]:
    """Return a key as dkimpy wants it, and the algorithm's name."""
    if key.algorithm == "rsa-sha256":
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
        return key.key.private_bytes(*form, serialization.NoEncryption()), b"rsa-sha256"
    raw = key.key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return b64encode(raw), b"ed25519-sha256"


def compare(content: bytes, key: SigningKey) -> None:
    """Print what one signature costs by either program."""
    signer = Signer([key])
    private, algorithm = theirs(key)

    def reference() -> bytes:
        options = {"signature_algorithm": algorithm, "canonicalize": (b"relaxed", b"relaxed")}
        header: bytes = dkim.sign(content, b"s", b"newsletter.example", private, include_headers=HEADERS, **options)
        return header

    record = record_of(key.key).encode()
    for signed in (signer.signed(content, now=NOW), reference() + content):
        assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record)
    ours, other = cost(lambda: signer.signed(content, now=NOW), OFTEN), cost(reference, SELDOM)
    bare = cost(lambda: key.signature(b"x" * 1500), OFTEN)
    print(
        f"{key.algorithm:15} {ours:8,.0f} us, of it {bare:,.0f} us for the key's arithmetic; dkimpy {other:10,.0f} us:"
        f" 1/{other / ours:.0f}"
    )


def at_once(content: bytes, key: SigningKey) -> None:
    """Print how much sooner two threads, and two processes for comparison, are done than one with the same work."""
    signer = Signer([key])
    fork = multiprocessing.get_context("fork")

    def work(times: int) -> None:
        for _ in range(times):
            signer.signed(content, now=NOW)

    def wall(worker: Callable[..., threading.Thread | BaseProcess], number: int) -> float:
        each = [worker(target=work, args=(TOGETHER // number,)) for _ in range(number)]
        start = time.perf_counter()
        for one in each:
            one.start()
        for one in each:
            one.join()
        return time.perf_counter() - start

    runs = [[wall(threading.Thread, 1), wall(threading.Thread, 2), wall(fork.Process, 2)] for _ in range(3)]
    one, two, processes = (min(times) for times in zip(*runs, strict=True))
    print(
        f"{key.algorithm:15} {TOGETHER:,} mails by the clock: {one:.2f} s in one thread, {two:.2f} s in two, "
        f"{processes:.2f} s in two processes, which is what this machine has to give now"
    )


def main() -> None:
    """Measure and print everything."""
    keys = [
        SigningKey(domain="newsletter.example", selector="s", key=new_key("rsa")),
        SigningKey(domain="newsletter.example", selector="s", key=new_key("ed25519")),
    ]
    for size in (10_000, 50_000, 90_000):
        content = mail(size)
        print(f"a mail of {len(content):,} bytes; bringing its body into relaxed form: ", end="")
        print(f"{cost(lambda content=content: relaxed_body(content), OFTEN):,.0f} us")  # type: ignore[misc]
        for key in keys:
            compare(content, key)
    for key in keys:
        at_once(mail(50_000), key)


if __name__ == "__main__":
    main()
