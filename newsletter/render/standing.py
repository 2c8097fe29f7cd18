"""The last good templates stay in use: a renderer for as long as a process runs, while its templates are edited.

A renderer, of digests or of letters, keeps what it was made from. Here a new one is made when the files differ, and
takes the place of the old one only if all its templates compile and samples render; else the old one stays and `fault`
names the template, the line and the reason. The first one has none to stand in for it: its fault is raised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from newsletter.errors import RenderError, TemplateError
from newsletter.links import MailLinks
from newsletter.model import Digest, Issue, Letter, Links, Paper, Profile, RankedPaper, Subscriber
from newsletter.render.digest import DigestRenderer, digest_templates
from newsletter.render.environment import environment, load_text
from newsletter.render.letters import LEADING_TO_A_PAGE, LetterRenderer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.model import Topic
    from newsletter.render.environment import TemplateSnapshot
    from newsletter.settings import Site

_NOBODY = "https://newsletter.example/"


_Made = TypeVar("_Made")


class _Standing(ABC, Generic[_Made]):
    """Gives what is made of the newest templates that work; `fault` is what is wrong with newer ones, "" if nothing."""

    fault: str

    def __init__(self, template_folders: Sequence[Path]) -> None:
        """Make the first one.

        Raises:
            TemplateError: a template is missing or wrong, and none was good before.
        """
        self.fault = ""
        self._folders = tuple(template_folders)
        self._looked_at: dict[str, str | None] = {}
        self._good = self._tried()

    @abstractmethod
    def _made(self, files: TemplateSnapshot) -> _Made:
        """Return a renderer of these files that has rendered its samples.

        Raises:
            RenderError: a template is missing or wrong.
        """

    def current(self) -> _Made:
        """Return the renderer to use now; whoever sends an issue asks once and keeps it to the end."""
        if self._changed():
            try:
                self._good, self.fault = self._tried(), ""
            except RenderError as error:
                self.fault = str(error)
        return self._good

    @property
    def files(self) -> frozenset[str]:
        """The names of all files that were asked for last time, whichever folder has them, or none."""
        return frozenset(self._looked_at)

    def _changed(self) -> bool:
        """Whether a file that was asked for last time is another now, be it wrong or gone; the others do not matter."""
        files = digest_templates(self._folders)
        sandbox = environment(files, html=False)
        for name in self._looked_at:
            with suppress(TemplateError):
                load_text(sandbox, name)
        return files.texts() != self._looked_at

    def _tried(self) -> _Made:
        files = digest_templates(self._folders)
        try:
            return self._made(files)
        finally:
            self._looked_at = files.texts()


class StandingRenderer(_Standing[DigestRenderer]):
    """Gives the renderer of digests."""

    def __init__(self, site: Site, *, template_folders: Sequence[Path] = (), topics: Sequence[Topic] = ()) -> None:
        """Make the first renderer.

        Raises:
            TemplateError: a template is missing or wrong, and none was good before.
        """
        self._site, self._topics = site, tuple(topics)
        super().__init__(template_folders)

    def _made(self, files: TemplateSnapshot) -> DigestRenderer:
        renderer = DigestRenderer(self._site, topics=self._topics, snapshot=files)
        renderer.render(_SAMPLE, links=_LINKS)
        renderer.render(Digest(issue=_SAMPLE.issue, subscriber=_SAMPLE.subscriber, papers=()), links=_WITHOUT_PAGES)
        renderer.render(_SAMPLE, links=_LINKS, test=True)
        renderer.render(_SAMPLE, links=None)
        return renderer


class StandingLetters(_Standing[LetterRenderer]):
    """Gives the renderer of letters."""

    def __init__(self, site: Site, *, template_folders: Sequence[Path] = (), topics: Sequence[Topic] = ()) -> None:
        """Make the first renderer.

        Raises:
            TemplateError: a template is missing or wrong, and none was good before.
        """
        self._site, self._topics = site, tuple(topics)
        super().__init__(template_folders)

    def _made(self, files: TemplateSnapshot) -> LetterRenderer:
        renderer = LetterRenderer(self._site, topics=self._topics, snapshot=files)
        without_wishes = Subscriber(address=_SAMPLE.subscriber.address)
        for letter in Letter:
            renderer.render(letter, _SAMPLE.subscriber, links=_LINKS)
            renderer.render(letter, without_wishes, links=_LINKS if letter in LEADING_TO_A_PAGE else _WITHOUT_PAGES)
        return renderer


_LINKS = MailLinks(
    unsubscribe=f"{_NOBODY}unsubscribe/x",
    preferences=f"{_NOBODY}preferences/x",
    view=f"{_NOBODY}view/x",
    feedback=f"{_NOBODY}feedback/x",
    confirm=f"{_NOBODY}confirm/x",
)
_WITHOUT_PAGES = MailLinks(unsubscribe="mailto:unsubscribe@newsletter.example")
_PAPERS = tuple(
    Paper(
        id=f"sample:{number}",
        source="sample",
        title=f"A sample paper, number {number}",
        abstract="It shows that the templates work on all that a paper can have.",
        authors=("Ada Example", "Ben Example"),
        organisation="Example University",
        upvotes=number,
        comments=number,
        links=Links(page=f"https://papers.example/{number}", code=f"https://code.example/{number}", stars=number),
    )
    for number in range(1, 5)
)
_SAMPLE = Digest(
    issue=Issue(period="2026-07-14", note="A sample **note**."),
    subscriber=Subscriber(
        address="reader@newsletter.example", id=1, profile=Profile(topics=("sample",), interests=("samples",))
    ),
    papers=tuple(
        RankedPaper(paper=paper, score=1.0, reasons=("matches: sample",), matched=place < len(_PAPERS) // 2)
        for place, paper in enumerate(_PAPERS)
    ),
    left_out=3,
)
