"""The only place where parts are built and joined: a home folder and its settings become a working program.

Everything is made when first asked for and closed with the App. It decides and prints nothing.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from newsletter.collect.http import HttpClient
from newsletter.collect.huggingface import HuggingFace
from newsletter.config import CONFIG_NAME, load_config
from newsletter.errors import ConfigError, UsageError
from newsletter.keyfile import key_in, made_key
from newsletter.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from newsletter.collect.base import Source
    from newsletter.config import Config
    from newsletter.deliver.base import Mailer
    from newsletter.deliver.inbox import Inbox
    from newsletter.deliver.sign import Signer
    from newsletter.links import LinkSigner
    from newsletter.pipeline.audience import Defaults
    from newsletter.pipeline.bounces import Ledger
    from newsletter.pipeline.departure import Departure
    from newsletter.pipeline.digests import Press
    from newsletter.pipeline.drafting import Shaping
    from newsletter.pipeline.fitting import Fitter
    from newsletter.pipeline.letters import LetterPress
    from newsletter.pipeline.subscribing.desk import Desk
    from newsletter.pipeline.subscribing.posting import LetterQueue
    from newsletter.pipeline.suppression import SuppressionList
    from newsletter.rank.meaning import Embedder
    from newsletter.rank.ranker import Ranker
    from newsletter.render.standing import StandingLetters, StandingRenderer
    from newsletter.settings import SmtpSettings
    from newsletter.store import Store

_KEY_NAME = "secret.key"
_OLD_KEY_NAME = "secret.key.old"
_SUPPRESSION_KEY_NAME = "suppression.key"


class App:
    """One home's parts; a context manager that closes what was opened."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        """Read the settings of `home`.

        Raises:
            ConfigError: they cannot be used.
        """
        self.config: Config = load_config(home, environ)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def exists(self) -> bool:
        """Whether the home was made: it has settings of its own or a database."""
        home = self.config.home
        return (home / CONFIG_NAME).is_file() or (home / "newsletter.db").is_file()

    def make_home(self) -> None:
        """Make the home folder.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            self.config.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{self.config.home} cannot be made: {error.strerror}; choose another --home") from None

    @cached_property
    def store(self) -> Store:
        """The store, its schema brought up to date."""
        return self._open.enter_context(open_store(self.config.database_url))

    @cached_property
    def http(self) -> HttpClient:
        """The one way out to sources."""
        settings = self.config.collect
        client = HttpClient(
            timeout_seconds=settings.timeout_seconds,
            attempts=settings.attempts,
            max_wait_seconds=settings.max_wait_seconds,
            max_answer_bytes=settings.max_answer_bytes,
        )
        return self._open.enter_context(client)

    def source_names(self) -> tuple[str, ...]:
        """Every source that `--source` may name."""
        return ("huggingface", "arxiv", *self.config.collect.feeds)

    def sources(self, names: Sequence[str] = ()) -> tuple[Source, ...]:
        """Return the named sources, or those that the settings name.

        Raises:
            UsageError: a name that is no source.
        """
        return tuple(self._source(name) for name in (names or self.config.collect.sources))

    def _source(self, name: str) -> Source:
        settings = self.config.collect
        if name == "huggingface":
            return HuggingFace(settings.huggingface, home=self.config.home, client=self.http)
        if name == "arxiv":
            from newsletter.collect.arxiv import Arxiv  # noqa: PLC0415 - its package is slow to import

            return Arxiv(settings.arxiv, self.http, attempts=settings.attempts)
        if name in settings.feeds:
            from newsletter.collect.feed import Feed  # noqa: PLC0415 - feedparser is slow to import

            return Feed(name, settings.feeds[name], self.http)
        raise UsageError(f"unknown source {name!r}; known are: {', '.join(self.source_names())}")

    @cached_property
    def ranker(self) -> Ranker:
        """The ranker with the home's topics and weights, not fitted yet."""
        from newsletter.rank.ranker import Ranker  # noqa: PLC0415 - scikit-learn takes a second to import

        settings = self.config.rank
        return Ranker(
            self.config.topics,
            topic_weight=settings.topic_weight,
            votes_weight=settings.votes_weight,
            floor=settings.floor,
            aliases=self.config.aliases,
            embedder=self._embedder,
            meaning_weight=settings.embeddings_weight,
        )

    @cached_property
    def _embedder(self) -> Embedder | None:
        """The embedding model that the settings name, not loaded yet.

        Raises:
            ConfigError: there is none of this name, or the extra is not installed.
        """
        if not self.config.rank.embeddings:
            return None
        from newsletter.pipeline.embedding import find_model  # noqa: PLC0415 - only where a model is set

        return find_model(self.config.rank.embeddings, self.config.home)

    @cached_property
    def fitter(self) -> Fitter:
        """The same ranker, fitted with models that are kept in the home."""
        from newsletter.pipeline.fitting import Fitter  # noqa: PLC0415 - scikit-learn takes a second to import

        return Fitter(self.ranker, self.config.home / "models")

    @cached_property
    def shaping(self) -> Shaping:
        """What shapes the mails of every issue: the templates and the sender's identity, and the ranking."""
        from newsletter.pipeline.drafting import Shaping  # noqa: PLC0415 - only drafts and sends need it

        model = self._embedder.name if self._embedder else ""
        ranking = (self.config.topics, sorted(self.config.aliases.items()), self.config.rank, model)
        digest = hashlib.sha256(repr(ranking).encode()).hexdigest()
        return Shaping(look=self.press.renderer.version, ranking=digest)

    @cached_property
    def press(self) -> Press:
        """What turns a digest into a mail, with the templates as they are when it is first asked for."""
        from newsletter.pipeline.digests import Press  # noqa: PLC0415 - premailer is slow to import

        return Press(renderer=self.templates.current(), site=self.config.site, key=self.key, signer=self.signer)

    @cached_property
    def templates(self) -> StandingRenderer:
        """The newest templates of digests that work, and what is wrong with newer ones."""
        from newsletter.render.standing import StandingRenderer  # noqa: PLC0415 - premailer is slow to import

        return StandingRenderer(self.config.site, template_folders=self.template_folders, topics=self.config.topics)

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """The home's own templates, if it has any; the shipped ones stand behind them."""
        own = self.config.home / "templates"
        return (own,) if own.is_dir() else ()

    @property
    def letters(self) -> LetterPress:
        """What turns an occasion into a letter (a welcome, a goodbye), with the newest templates that work."""
        from newsletter.pipeline.letters import LetterPress  # noqa: PLC0415 - premailer is slow to import

        renderer = self.letter_templates.current()
        return LetterPress(renderer=renderer, site=self.config.site, key=self.key, signer=self.signer)

    @cached_property
    def letter_templates(self) -> StandingLetters:
        """The newest templates of letters that work, and what is wrong with newer ones."""
        from newsletter.render.standing import StandingLetters  # noqa: PLC0415 - premailer is slow to import

        return StandingLetters(self.config.site, template_folders=self.template_folders, topics=self.config.topics)

    @cached_property
    def signer(self) -> LinkSigner:
        """What signs the links of mails, and reads them again: also those that the key before the present one signed.

        Raises:
            ConfigError: a key cannot be read or made, or is too short to be a secret.
        """
        from newsletter.links import LinkSigner  # noqa: PLC0415 - only mails and pages need it

        return LinkSigner(self.keys)

    @cached_property
    def keys(self) -> tuple[bytes, ...]:
        """The home's secrets, oldest first: the one before the present one, where it is kept, and the present one.

        Raises:
            ConfigError: one cannot be read or made, or is too short to be a secret.
        """
        old = self.config.home / _OLD_KEY_NAME
        return (*([key_in(old)] if old.exists() else []), self.key)

    @cached_property
    def key(self) -> bytes:
        """The home's secret, from which Message-IDs and tokens are made; made on first use, readable by its owner.

        Raises:
            ConfigError: it cannot be read or made, or is too short to be a secret.
        """
        return made_key(self.config.home / _KEY_NAME)

    @cached_property
    def dkim(self) -> Signer | None:
        """What signs whole mails (DKIM) with the keys that the settings name; None where they name none.

        Raises:
            ConfigError: a key file cannot be used.
        """
        from newsletter.deliver.sign import signer_from  # noqa: PLC0415 - only a send needs it

        return signer_from(self.config.deliver.dkim, home=self.config.home)

    @cached_property
    def departure(self) -> Departure:
        """What makes mails ready to leave.

        Raises:
            ConfigError: a key file cannot be used.
        """
        from newsletter.pipeline.departure import Departure  # noqa: PLC0415 - only a send needs it

        return Departure(bounces=self.config.bounces, key=self.key, signer=self.dkim)

    @cached_property
    def suppressions(self) -> SuppressionList:
        """The addresses that get no mail."""
        from newsletter.pipeline.suppression import SuppressionList  # noqa: PLC0415 - email-validator is slow to import

        return SuppressionList(self.store, self._suppression_key)

    def _suppression_key(self) -> bytes:
        """Return the key of the suppression list, which is made with the first address and never changes.

        Raises:
            ConfigError: it cannot be read or made, is too short, or is gone while addresses are kept under it.
        """
        path = self.config.home / _SUPPRESSION_KEY_NAME
        if not path.exists() and self.store.suppressions.any():
            raise ConfigError(f"{path} is missing, and without it no suppressed address is known; restore it")
        return made_key(path)

    @cached_property
    def desk(self) -> Desk:
        """Where subscribers sign up, choose and leave.

        Raises:
            ConfigError: a key cannot be read or made.
        """
        from newsletter.pipeline.subscribing.desk import Desk  # noqa: PLC0415 - email-validator is slow to import

        return Desk(
            store=self.store,
            suppressions=self.suppressions,
            signer=self.signer,
            limits=self.config.signup,
            defaults=self.defaults(confirmed=False),
            key=self.key,
        )

    def letter_queue(self, *, pages: str = "") -> LetterQueue:
        """Return what sends the letters that wait, with the newest templates that work.

        `pages` is where the web pages are reached, for a site without a `web_url`.

        Raises:
            ConfigError: a key's or password's file cannot be used.
            TemplateError: a template of letters is wrong, and none was good before.
        """
        from newsletter.pipeline.owner import new_owner  # noqa: PLC0415 - only sending needs it
        from newsletter.pipeline.subscribing.posting import LetterQueue  # noqa: PLC0415 - same

        return LetterQueue(
            store=self.store,
            press=self._letters_leading_to(pages) if pages and not self.config.site.web_url else self.letters,
            departure=self.departure,
            mailer=self.mailers(),
            settings=self.config.deliver,
            owner=new_owner(),
        )

    def _letters_leading_to(self, pages: str) -> LetterPress:
        from newsletter.pipeline.letters import LetterPress  # noqa: PLC0415 - premailer is slow to import
        from newsletter.render.letters import LetterRenderer  # noqa: PLC0415 - same

        site = self.config.site.model_copy(update={"web_url": pages})
        renderer = LetterRenderer(site, template_folders=self.template_folders, topics=self.config.topics)
        return LetterPress(renderer=renderer, site=site, key=self.key, signer=self.signer)

    def bounce_ledger(self, clock: Callable[[], datetime]) -> Ledger:
        """Return what bounces are read and recorded with; `clock` returns the present instant, aware."""
        from newsletter.deliver.bounces import NoticeReader  # noqa: PLC0415 - only reading bounces needs it
        from newsletter.pipeline.bounces import Ledger  # noqa: PLC0415 - same

        settings = self.config.bounces
        domain = self.config.site.from_address.rpartition("@")[2]
        reader = NoticeReader(settings=settings, domain=domain, secrets=self.keys, signer=self.signer)
        return Ledger(store=self.store, settings=settings, reader=reader, seal=self.suppressions.hashed, clock=clock)

    def inbox(self) -> Inbox:
        """Return the inbox that the settings name.

        Raises:
            ConfigError: they name none, or its password file cannot be read.
        """
        from newsletter.deliver.inbox import inbox_from  # noqa: PLC0415 - only reading bounces needs it

        return inbox_from(self.config.bounces, home=self.config.home)

    def mailers(self) -> Callable[[], Mailer]:
        """Return what makes mailers of the kind that the settings name, one for each sender.

        Raises:
            ConfigError: a password's file cannot be read.
        """
        settings = self.config.deliver
        if settings.mailer == "smtp":
            return self._relayed(settings.relays or (settings.smtp,))
        if settings.mailer == "maildir":
            from newsletter.deliver.maildir import MaildirMailer  # noqa: PLC0415 - only a send needs it

            return partial(MaildirMailer, self.config.path(settings.maildir.path))
        if settings.mailer == "log":
            from newsletter.deliver.log import LogMailer  # noqa: PLC0415 - same

            return LogMailer
        from newsletter.deliver.folder import FolderMailer  # noqa: PLC0415 - same

        return partial(FolderMailer, self.config.path(settings.folder.path))

    def _relayed(self, relays: Sequence[SmtpSettings]) -> Callable[[], Mailer]:
        from newsletter.deliver.relays import RelayedMailer, Roster  # noqa: PLC0415 - only a send needs it
        from newsletter.deliver.smtp import smtp_from  # noqa: PLC0415 - same

        makers = [smtp_from(one, home=self.config.home) for one in relays]
        return partial(RelayedMailer, makers, Roster([one.weight for one in relays]))

    def defaults(self, *, confirmed: bool) -> Defaults:
        """Return what a new subscriber gets where nothing else is said."""
        from newsletter.model import SubscriberStatus  # noqa: PLC0415 - beside its one use
        from newsletter.pipeline.audience import Defaults  # noqa: PLC0415 - email-validator is slow to import

        return Defaults(
            settings=self.config.subscribers,
            status=SubscriberStatus.CONFIRMED if confirmed else SubscriberStatus.PENDING,
            topics=[topic.name for topic in self.config.topics],
        )
