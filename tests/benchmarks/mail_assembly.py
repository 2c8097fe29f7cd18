"""What one reader's mail costs: the fast path against filling in templates and building MIME, and against premailer.

Run by hand: `python tests/benchmarks/mail_assembly.py`. CPU time of one process; the ways are measured in turns within
the same run, and the median of the rounds is shown. Everything that is made for one reader alone is counted: the page,
links with their tokens, Message-ID, headers. Nothing is signed or handed over.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from newsletter.deliver.identity import message_id_for  # noqa: E402 - the path comes first
from newsletter.deliver.message import build_message  # noqa: E402 - same
from newsletter.links import LinkSigner  # noqa: E402 - same
from newsletter.pipeline.digests import Press  # noqa: E402 - same
from newsletter.render.digest import DigestRenderer  # noqa: E402 - same
from newsletter.render.inliner import inline_css  # noqa: E402 - same
from newsletter.render.layout import LAYOUTS  # noqa: E402 - same
from tests.render.digests import SITE, digest_of, made_up_papers  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.model import Digest, Message

SITE = SITE.model_copy(update={"web_url": "https://digest.example"})
KEY = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
ROUNDS, FAST, SLOW, INLINED = 41, 100, 4, 1  # many short rounds: other work on the machine then spoils few of them
MAILS = 100_000
NOTE_POINTS = 95  # bring the mail to some 55 KB
POINT = "- Point {0} of the note says **why** [this paper](https://papers.example/{0}) is worth an hour of reading."
COLD = """
import sys, time
sys.path.insert(0, {root!r})
from newsletter.render.digest import DigestRenderer
from tests.render.digests import SITE
start = time.process_time(); renderer = DigestRenderer(SITE); compiled = time.process_time()
assert renderer.detour == ""
print(compiled - start, time.process_time() - compiled)
"""


class Mails:
    """One issue's mails by each of the ways; every call is another reader's."""

    def __init__(self, note: str) -> None:
        self.press = Press(renderer=DigestRenderer(SITE), site=SITE, key=KEY, signer=LinkSigner([KEY]))
        self.papers = digest_of(made_up_papers(100), note=note, left_out=90)
        self.readers = count(1)
        self.chance = random.Random(7)  # noqa: S311 - a repeatable choice
        first = self.same_papers()
        self.ready = self.press.renderer.render(first, links=self.press._links(first, test=False))

    def same_papers(self) -> Digest:
        """Return a digest of the ten first papers for another reader."""
        number = next(self.readers)
        subscriber = replace(self.papers.subscriber, id=number, address=f"reader{number}@mail.example")
        return replace(self.papers, subscriber=subscriber, papers=self.papers.papers[:10])

    def own_papers(self) -> Digest:
        """Return a digest of ten of the hundred papers, with reasons and wishes that few readers share."""
        digest = self.same_papers()
        number = digest.subscriber.id
        chosen = tuple(
            replace(one, reasons=(f"matches: topic {self.chance.randrange(5)}",))
            for one in self.chance.sample(self.papers.papers, 10)
        )
        profile = replace(digest.subscriber.profile, interests=(f"interest {number}",))
        return replace(digest, papers=chosen, subscriber=replace(digest.subscriber, profile=profile))

    def fast(self, digest: Digest) -> Message:
        """The way of every send."""
        return self.press.message(digest, now=NOW)

    def reference(self, digest: Digest) -> Message:
        """Fill in the templates whole, and build MIME by the standard library."""
        links = self.press._links(digest, test=False)
        assert links is not None
        return build_message(
            self.press.renderer.render(digest, links=links),
            site=SITE,
            recipient=digest.subscriber.address,
            issue_period=digest.issue.period,
            message_id=message_id_for(
                KEY,
                issue_period=digest.issue.period,
                subscriber_id=digest.subscriber.id,
                domain=SITE.from_address.rpartition("@")[2],
            ),
            date=NOW,
            unsubscribe=self.press._mailto(links),
            unsubscribe_page=links.unsubscribe,
        )

    def inlined(self, digest: Digest) -> Message:
        """The same with premailer on every mail."""
        links = self.press._links(digest, test=False)
        compiled = self.press.renderer._html
        whole = compiled.template.environment.from_string(compiled.plain)
        names = self.press.renderer._names(digest, links, LAYOUTS[0], test=False)
        inline_css(whole.render(names | {"note": self.press.renderer._notes(digest.issue)[0]}))
        return self.reference_mime(digest)

    def reference_mime(self, digest: Digest) -> Message:
        """Build MIME alone, of texts that were filled in before."""
        return build_message(
            self.ready,
            site=SITE,
            recipient=digest.subscriber.address,
            issue_period=digest.issue.period,
            message_id="<a@b.example>",
            date=NOW,
            unsubscribe=None,
        )


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def cpu(make: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    for _ in range(times):
        make()
    return (time.process_time() - start) / times


def compare(title: str, note: str) -> None:
    """Print what one mail costs by each way."""
    mails = Mails(note)
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "fast path, papers that others get too": (lambda: mails.fast(mails.same_papers()), FAST),
        "fast path, papers of each reader's own": (lambda: mails.fast(mails.own_papers()), FAST),
        "jinja2 + EmailMessage": (lambda: mails.reference(mails.same_papers()), SLOW),
        "premailer + EmailMessage": (lambda: mails.inlined(mails.same_papers()), INLINED),
        "(making up a digest of own papers)": (mails.own_papers, FAST),
    }
    for make, times in ways.values():
        cpu(make, times)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (make, times) in ways.items():
            taken[name].append(cpu(make, times))
    best = {name: statistics.median(times) for name, times in taken.items()}
    size = len(mails.ready.html.encode())
    whole = len(mails.fast(mails.same_papers()).content)
    say(f"{title}: 10 cards, {size:,} bytes of HTML, {whole:,} bytes of mail; median of {ROUNDS} rounds, CPU a mail")
    for name, seconds in best.items():
        spread = f"{min(taken[name]) * 1e6:,.0f}-{max(taken[name]) * 1e6:,.0f}"
        say(f"  {name:40} {seconds * 1e6:10,.1f} us  ({spread})")
    reference, premailer = best["jinja2 + EmailMessage"], best["premailer + EmailMessage"]
    making = best["(making up a digest of own papers)"]
    for name, seconds in list(best.items())[:2]:
        own = seconds - making if "own" in name else seconds
        say(f"  {name}: 1/{reference / own:.0f} of jinja2 + EmailMessage, 1/{premailer / own:.0f} of premailer")


def compile_cold() -> None:
    """Print what compiling takes in a process of its own, imports not counted."""
    runs = [
        subprocess.run([sys.executable, "-c", COLD.format(root=str(ROOT))], check=True, capture_output=True, text=True)
        for _ in range(5)
    ]
    compiled, apart = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    spread = f"{min(compiled):.3f}-{max(compiled):.3f}"
    say(f"compile the digest's templates cold: {statistics.median(compiled):.3f} s CPU ({spread}); of 0.5 s")
    say(f"take them apart for the fast path: {statistics.median(apart):.3f} s")


def hundred_cards() -> None:
    """Print what the first mails of an issue with a hundred papers take, nothing of it known before."""
    mails = Mails("")
    assert mails.press.renderer.detour == ""
    papers = mails.papers.papers
    start = time.process_time()
    for first in range(0, 100, 10):
        mails.fast(replace(mails.same_papers(), papers=papers[first : first + 10]))
    cards = time.process_time() - start
    start = time.process_time()
    mails.fast(replace(mails.same_papers(), papers=papers))
    whole = time.process_time() - start
    say(f"100 cards in ten mails, from nothing: {cards:.3f} s; all in one mail, layouts tried: {whole:.3f} s; of 0.5 s")


def resident() -> int:
    """Return the memory of this process in KiB; where the system does not say, the most it ever had."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text("ascii").split()[1]) * resource.getpagesize() // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory() -> None:
    """Print the memory while a hundred thousand mails, all different, are made."""
    mails = Mails("")
    curve, seconds = [], time.process_time()
    for number in range(MAILS):
        mails.fast(mails.own_papers())
        if number % (MAILS // 10) == 0:
            curve.append(resident() // 1024)
    curve.append(resident() // 1024)
    say(f"{MAILS:,} different mails in {time.process_time() - seconds:.0f} s CPU; MiB after each tenth: {curve}")


def main() -> None:
    """Measure and print everything."""
    compile_cold()
    hundred_cards()
    compare("as shipped", "")
    compare("with a long note", "\n".join(POINT.format(number) for number in range(NOTE_POINTS)))
    memory()


if __name__ == "__main__":
    main()
