"""People who agreed elsewhere, as a batch: the good rows come in confirmed, in one transaction; the bad are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from newsletter.errors import UsageError
from newsletter.life import Happening
from newsletter.pipeline.audience import subscriber_from
from newsletter.pipeline.consent import consent
from newsletter.store.subscribers import address_key
from newsletter.web.api.asked import Batch, Row
from newsletter.web.api.shapes import Imported, LeftOut

if TYPE_CHECKING:
    from newsletter.model import Subscriber
    from newsletter.pipeline.audience import Defaults
    from newsletter.web.parts import Parts

_LONGEST_REASON = 300


class ImportOperations:
    """The import."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.app.store
        self._suppressions = parts.app.suppressions
        self._defaults = parts.app.defaults(confirmed=True)
        self._clock = parts.clock

    def import_subscribers(self, body: Batch) -> Imported:
        """Import people who agreed to be mailed, at most 10,000 at once.

        Who waits to be confirmed becomes so; nobody who left, bounced or complained comes back. A suppressed address
        is left out.
        """
        now = self._clock()
        agreed = consent(
            Happening.IMPORTED, confirmed=True, reason=body.reason, day=body.agreed_on.isoformat(), now=now
        )
        good, left_out = read_rows(body.rows, self._defaults)
        admitted, _ = self._suppressions.admitted(good.values())
        allowed = {one.address for one in admitted}
        left_out += [
            LeftOut(index=index, reason="the address is suppressed")
            for index, one in good.items()
            if one.address not in allowed
        ]
        outcome = self._store.subscribers.add(admitted, now=now, settle_known=True, event=agreed)
        return Imported(
            added=len(outcome.added),
            confirmed=len(outcome.confirmed),
            known=len(outcome.known),
            left_out=sorted(left_out, key=lambda one: one.index),
        )


def read_rows(rows: list[object], defaults: Defaults) -> tuple[dict[int, Subscriber], list[LeftOut]]:
    """Return the good rows by their places, and why each other one is none; of an address the first row counts."""
    good: dict[int, Subscriber] = {}
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    for index, given in enumerate(rows):
        try:
            one = _subscriber(given, defaults)
        except UsageError as error:
            left_out.append(LeftOut(index=index, reason=str(error)[:_LONGEST_REASON]))
            continue
        key = address_key(one.address)
        if key in seen:
            left_out.append(LeftOut(index=index, reason="the address stands there twice; the first row counts"))
            continue
        seen.add(key)
        good[index] = one
    return good, left_out


def _subscriber(given: object, defaults: Defaults) -> Subscriber:
    try:
        row = Row.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the row"
        raise UsageError(f"{ascii(place)[1:-1]}: {first['msg']}") from None
    return subscriber_from({"address": row.address, **row.cells()}, defaults)
