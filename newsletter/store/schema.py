"""Every table, as the newest migration leaves them; the full-text index alone is in `search`.

Only shapes: nothing here opens a database. A change here needs a new file in `migrations/versions/` and a new
`SCHEMA_VERSION`; a test compares the two on both databases. Ids, keys, names and states are compared byte by byte:
SQLite does so by itself, on PostgreSQL the migrations give these columns the collation "C".
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint

from newsletter.store.columns import BigKey, CleanText, JsonText, UtcTime

SCHEMA_VERSION = "0004"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A paper's `number` never changes, its `id` does when an arXiv id becomes known; so all else refers to the number.
# `title_key` is the digest of the normalised title (NULL without a letter or digit), so that no title is too long for
# an index. `seen_at` dates the texts (see `identity`): an older file imported later must not put older texts back.
papers = Table(
    "papers",
    metadata,
    Column("number", BigKey, primary_key=True),
    Column("id", CleanText, nullable=False, unique=True),
    Column("source", CleanText, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("title_key", CleanText, index=True),
    Column("abstract", CleanText, nullable=False),
    Column("authors", JsonText, nullable=False),
    Column("author_count", Integer, nullable=False),
    Column("organisation", CleanText, nullable=False),
    Column("published", Date),
    Column("keywords", JsonText, nullable=False),
    Column("summary", CleanText, nullable=False),
    Column("page", CleanText, nullable=False),
    Column("pdf", CleanText, nullable=False),
    Column("code", CleanText, nullable=False),
    Column("stars", Integer),
    Column("project", CleanText, nullable=False),
    Column("thumbnail", CleanText, nullable=False),
    Column("raw_title", CleanText, nullable=False),
    Column("raw_abstract", CleanText, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Every id a paper was ever stored under, its present one included: a paper that was merged is found by its old id.
paper_ids = Table(
    "paper_ids",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("paper", BigKey, ForeignKey("papers.number"), nullable=False, index=True),
)

listings = Table(
    "listings",
    metadata,
    Column("paper", BigKey, ForeignKey("papers.number"), primary_key=True),
    Column("listed_on", Date, primary_key=True),
    Column("source", CleanText, primary_key=True),
    Index(None, "listed_on", "source"),
    sqlite_with_rowid=False,
)

votes = Table(
    "votes",
    metadata,
    Column("paper", BigKey, ForeignKey("papers.number"), primary_key=True),
    Column("taken_at", UtcTime, primary_key=True),
    Column("upvotes", Integer),
    Column("comments", Integer),
    sqlite_with_rowid=False,
)

# That a source was asked for a day; how many papers it listed is counted from the listings, so it cannot go stale.
collections = Table(
    "collections",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source", CleanText, primary_key=True),
    Column("collected_at", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)

feeds = Table(
    "feeds",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("etag", CleanText, nullable=False),
    Column("last_modified", CleanText, nullable=False),
)

# Numbers of people and issues are never given twice (autoincrement): a Message-ID is made of them. `link_epoch` counts
# how often somebody's links were revoked. The defaults are the database's own so that a migration can add the columns
# in place: a table made anew would forget the highest number.
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("address", CleanText, nullable=False),
    Column("address_key", CleanText, nullable=False, unique=True),
    Column("status", CleanText, nullable=False),
    Column("profile", JsonText, nullable=False),
    Column("cadence", CleanText, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("timezone", CleanText, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("weekday", Integer, nullable=False, server_default="0"),
    Column("paused_until", Date),
    Column("link_epoch", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

issues = Table(
    "issues",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("period", CleanText, nullable=False, unique=True),
    Column("subject", CleanText, nullable=False),
    Column("note", CleanText, nullable=False),
    Column("pins", JsonText, nullable=False),
    Column("hides", JsonText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("approved_hash", CleanText, nullable=False),
    Column("corpus_mark", BigKey, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("approved_at", UtcTime),
    Column("paused_at", UtcTime),
    Column("sent_at", UtcTime),
    sqlite_autoincrement=True,
)

# `payload` is the paper as it stood when the issue was drafted, its id then included; `paper` leads to what it is now.
issue_papers = Table(
    "issue_papers",
    metadata,
    Column("issue_id", BigKey, ForeignKey("issues.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("paper", BigKey, ForeignKey("papers.number"), nullable=False, index=True),
    Column("payload", JsonText, nullable=False),
)

# One row for each different selection of an issue; `key` is the digest of its content.
digests = Table(
    "digests",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("issue_id", BigKey, ForeignKey("issues.id"), nullable=False),
    Column("key", CleanText, nullable=False),
    Column("left_out", Integer, nullable=False),
    UniqueConstraint("issue_id", "key"),
)

# `issue_position` names the paper as the issue holds it; `paper` is for asking who was sent which paper.
digest_papers = Table(
    "digest_papers",
    metadata,
    Column("digest_id", BigKey, ForeignKey("digests.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("issue_position", Integer, nullable=False),
    Column("paper", BigKey, ForeignKey("papers.number"), nullable=False, index=True),
    Column("score", Float(53), nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("reasons", JsonText, nullable=False),
)

# Some hundred deliveries that one sender takes at a time, under a lease. `fence` counts the claims: what an earlier
# claimant still says is told by it. `due_at` is when something in it waits next; NULL when nothing does.
chunks = Table(
    "chunks",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("issue_id", BigKey, ForeignKey("issues.id"), nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("due_at", UtcTime),
    Column("owner", CleanText, nullable=False),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False),
)

# No index on `state`: it changes with every mail. Senders go by chunk instead. `fence` is that of the claim under which
# the mail was last attempted. Who is forgotten leaves NULL, so that the totals still balance; without a foreign key,
# since to delete one person the database would have to look through all deliveries there ever were.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("issue_id", BigKey, ForeignKey("issues.id"), nullable=False),
    Column("subscriber_id", BigKey),
    Column("digest_id", BigKey, ForeignKey("digests.id"), index=True),
    Column("chunk_id", BigKey, ForeignKey("chunks.id"), index=True),
    Column("state", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("reply", CleanText, nullable=False),
    Column("retry_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("issue_id", "subscriber_id"),
)

# What came back. `mail` is the digest of the mail that told it, so that a mail read twice counts once. `settled` ones
# have been forgiven and count no longer. They go with the subscriber; an issue is NULL for a letter.
bounces = Table(
    "bounces",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("mail", CleanText, nullable=False, unique=True),
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("issue_id", BigKey, ForeignKey("issues.id"), index=True),
    Column("kind", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("diagnostic", CleanText, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# `key` is a keyed hash of the address: it outlives the subscriber, and cannot be read back. `subscriber_id` leads to
# the address while somebody has it.
suppressions = Table(
    "suppressions",
    metadata,
    Column("key", CleanText, primary_key=True),
    Column("reason", CleanText, nullable=False),
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="SET NULL"), index=True),
    Column("since", UtcTime, nullable=False),
)

# What happened to one subscriber. No address stands in it; it goes with the subscriber.
events = Table(
    "events",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("detail", JsonText, nullable=False),
)

# What somebody asked for that a click in a mail must confirm first: to come back, or mail at another address.
requests = Table(
    "requests",
    metadata,
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", CleanText, primary_key=True),
    Column("payload", JsonText, nullable=False),
    Column("at", UtcTime, nullable=False),
)

saved_papers = Table(
    "saved_papers",
    metadata,
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("paper", BigKey, ForeignKey("papers.number"), primary_key=True, index=True),
    Column("at", UtcTime, nullable=False),
)

# Letters that wait to be sent; one that was handed over is deleted. `owner` has claimed it until `lease_until`;
# `lapses` counts the claims that ended without a word. `queued_at` tells a letter from the one that took its place.
letters = Table(
    "letters",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("subscriber_id", BigKey, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("letter", CleanText, nullable=False),
    Column("address", CleanText, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("lapses", Integer, nullable=False),
    Column("owner", CleanText, nullable=False),
    Column("lease_until", UtcTime),
    UniqueConstraint("subscriber_id", "letter"),
)

# How often something was tried within a window of time. `key` is a keyed hash, of an address or a network.
attempts = Table(
    "attempts",
    metadata,
    Column("kind", CleanText, primary_key=True),
    Column("key", CleanText, primary_key=True),
    Column("window", UtcTime, primary_key=True),
    Column("number", Integer, nullable=False),
)

# `digest` is the SHA-256 of a key, which is long and random: nobody can find it by trying.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("name", CleanText, nullable=False, unique=True),
    Column("digest", CleanText, nullable=False, unique=True),
    Column("scopes", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
)
