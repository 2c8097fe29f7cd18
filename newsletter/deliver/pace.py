"""How fast mails may leave: so many in a second in all, and to one recipient domain; slower where a server asks for it.

Sliding windows over the moments of the last mails. It reads no clock and waits for nothing: `now` is an argument, in
seconds of any clock that only goes forward. Not safe for threads by itself.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil

_RECOVERS = 60.0  # seconds without another complaint, after which a domain's rate doubles
_SAME_COMPLAINT = 5.0  # seconds
_SLOWEST = 1 / 30  # mails in a second
_FREE = 1000.0  # a domain that has recovered to this rate has no limit of its own any more
_OBSERVED = 10.0  # seconds over which a domain's own rate is taken when it complains for the first time
_REMEMBERED = 10_000  # domains, and more only while they matter


@dataclass(slots=True)
class Window:
    """The last moments at which something happened, and how often in a second it may; a rate of 0 means as it likes."""

    rate: float
    moments: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Return for how many seconds nothing more may happen."""
        if self.rate <= 0:
            return 0.0
        most = ceil(self.rate)  # in a second, or for a rate that is no whole number in a little longer
        if len(self.moments) < most:
            return 0.0
        return max(0.0, self.moments[-most] + most / self.rate - now)

    def take(self, now: float) -> None:
        """Note that it happens now."""
        self.moments.append(now)
        while self.moments[0] < now - _OBSERVED and len(self.moments) > max(1, ceil(self.rate)):
            self.moments.popleft()

    def observed(self, now: float) -> float:
        """Return how often in a second it happened lately."""
        return sum(moment > now - _OBSERVED for moment in self.moments) / _OBSERVED

    def matters(self, now: float) -> bool:
        """Return whether what happened can still make anything wait or be observed."""
        return bool(self.moments) and (self.moments[-1] > now - _OBSERVED or self.wait(now) > 0)


@dataclass(slots=True)
class _Slowed:
    rate: float
    since: float


class Pace:
    """The limits of one process: `per_second` mails in all, `per_domain` to one recipient domain; 0 means none."""

    def __init__(self, *, per_second: float = 0, per_domain: float = 0) -> None:
        self._all = Window(per_second)
        self._per_domain = per_domain
        self._domains: dict[str, Window] = {}
        self._most_domains = _REMEMBERED
        self._slowed: dict[str, _Slowed] = {}

    def wait(self, domain: str, now: float) -> float:
        """Return in how many seconds the next mail to `domain` may leave; 0 for at once."""
        window = self._domains.get(domain)
        if window is None:
            return self._all.wait(now)
        window.rate = self._rate(domain, now)
        return max(self._all.wait(now), window.wait(now))

    def take(self, domain: str, now: float) -> None:
        """Note that a mail to `domain` leaves now."""
        self._all.take(now)
        if domain not in self._domains:
            if len(self._domains) >= self._most_domains:
                self._forget(now)
            self._domains[domain] = Window(self._per_domain)
        self._domains[domain].take(now)

    def slow_down(self, domain: str, now: float) -> None:
        """Halve the rate of a domain whose server said that mails come too fast (421 or 451).

        What comes within some seconds of the last complaint was said to mails that were under way by then.
        """
        last = self._slowed.get(domain)
        if last and now - last.since < _SAME_COMPLAINT:
            return
        window = self._domains.setdefault(domain, Window(self._per_domain))
        rate = self._rate(domain, now) or max(1.0, window.observed(now))
        self._slowed[domain] = _Slowed(max(_SLOWEST, rate / 2), now)

    def _forget(self, now: float) -> None:
        self._domains = {name: one for name, one in self._domains.items() if name in self._slowed or one.matters(now)}
        self._most_domains = max(_REMEMBERED, 2 * len(self._domains))  # else every new one would look at all of them

    def _rate(self, domain: str, now: float) -> float:
        """Return a domain's rate now: doubled for every minute since it last complained, up to the common one."""
        slowed = self._slowed.get(domain)
        if slowed is None:
            return self._per_domain
        recovered: float = slowed.rate * 2 ** min(60, int((now - slowed.since) / _RECOVERS))
        if recovered >= (self._per_domain or _FREE):
            del self._slowed[domain]
            return self._per_domain
        return recovered
