"""The one way out for the sources: a GET that retries patiently, waits when asked to and never reads too much.

It asks only URLs that the operator configured (and where those redirect to), over httpx; it parses no answer.
Messages name host and path only: user names, passwords, query values and headers never stand in a message, a repr
or a log.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from newsletter import __version__
from newsletter.collect.body import read_body
from newsletter.collect.ratelimit import asked_wait, spent_for
from newsletter.errors import BadAnswerError, SourceRefusedError, SourceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

_MOST_REDIRECTS = 5
_IN_SECONDS = 120  # longer waits are told in minutes
_AGAIN = frozenset({408, 425, 429})  # worth another attempt, as every 5xx is
_HINTS = {
    400: "check the date and the address",
    401: "check the token",
    403: "check the token and what it may read",
    404: "check the address",
    410: "it is gone for good: check the address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: status 200, or 304 for a conditional GET; `headers` do not mind the case of names.

    `url` is where it came from in the end, after redirects; it may hold secrets, so no repr shows it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)


class _TryAgainError(Exception):
    """An attempt that failed in a way that may pass; `wait` is what the server asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class HttpClient:
    """Asks servers, one call at a time; a context manager that keeps connections open until it is left.

    Times in seconds, sizes in bytes. `attempts` counts all calls of one `get`; `max_wait_seconds` bounds each pause
    between them; `max_answer_bytes` bounds a body as sent and unpacked. `sleep` and `clock` (monotonic, for quotas
    that outlive a call) are replaced in tests, `transport` where the network is not wanted.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        attempts: int,
        max_wait_seconds: float,
        max_answer_bytes: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._attempts = attempts
        self._max_wait = max_wait_seconds
        self._max_bytes = max_answer_bytes
        self._sleep = sleep
        self._clock = clock
        self._quota_back: dict[str, float] = {}  # host -> the clock's reading when its spent quota is good again
        self._backoff = wait_exponential_jitter(max=max_wait_seconds)  # about 1, 2, 4, 8 ... seconds
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs whole URLs, with their secrets
        self._client = httpx.Client(
            timeout=timeout_seconds,
            transport=transport,
            headers={"User-Agent": f"newsletter/{__version__}", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        about: str = "",
        attempts: int | None = None,
    ) -> Answer:
        """Ask for `url` until it answers 200 or 304, at most `attempts` times (the client's own number if None).

        Redirects are followed, five at most; httpx takes an Authorization header off when one leads to another
        origin. `about` is added to messages ("2026-07-14").

        Raises:
            SourceUnreachableError: no answer or only 408/425/429/5xx, or the server asks to wait for too long.
            SourceRefusedError: any other 4xx, or a URL that cannot be asked.
            BadAnswerError: another status, too many redirects, a broken or too large body.
        """
        where = shown_url(url) + (f" ({about})" if about else "")
        most = attempts or self._attempts
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgainError),
            stop=stop_after_attempt(most),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        self._wait_for_quota(url)
        try:
            return retrying(self._once, url, params, headers, where)
        except _TryAgainError as fault:
            times = "at the first attempt" if most == 1 else f"after {most} attempts"
            raise SourceUnreachableError(f"{where}: {fault} {times}; try again later") from None

    def _once(
        self, url: str, params: Mapping[str, str | int] | None, headers: Mapping[str, str] | None, where: str
    ) -> Answer:
        try:
            request = self._client.build_request("GET", url, params=params, headers=headers)
            with self._followed(request, where) as response:
                self._note_quota(url, response)
                self._check(response, where)
                return Answer(
                    status=response.status_code,
                    headers=response.headers,
                    body=self._body(response, where),
                    url=str(response.url),
                )
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError) as fault:
            raise _TryAgainError(_fault(fault)) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            # their texts can quote a header or the URL
            raise SourceRefusedError(f"{where}: cannot be asked; check the address: http or https") from None

    @contextmanager
    def _followed(self, request: httpx.Request, where: str) -> Iterator[httpx.Response]:
        """Open the answer at the end of the redirects; httpx would read each redirect's own body, unbounded."""
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                request = response.next_request
            finally:
                response.close()
        raise BadAnswerError(f"{where}: redirects more than {_MOST_REDIRECTS} times; check the address")

    def _check(self, response: httpx.Response, where: str) -> None:
        status = response.status_code
        if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
            return
        said = f"answered {status} {httpx.codes.get_reason_phrase(status)}".rstrip()
        if status in _AGAIN or response.is_server_error:
            wait = asked_wait(response.headers)
            if wait is not None and wait > self._max_wait:
                raise SourceUnreachableError(f"{where}: {said} and asks to wait; come back in {_duration(wait)}")
            raise _TryAgainError(said, wait)
        if response.is_client_error:
            raise SourceRefusedError(f"{where}: {said}; {_HINTS.get(status, 'it will not serve this request')}")
        raise BadAnswerError(f"{where}: {said}, which is no answer to a GET; check the address")

    def _body(self, response: httpx.Response, where: str) -> bytes:
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return b""
        encoding = response.headers.get("Content-Encoding", "")
        return read_body(response.iter_raw(), encoding=encoding, limit=self._max_bytes, where=where)

    def _note_quota(self, url: str, response: httpx.Response) -> None:
        wait = spent_for(response.headers) if response.is_success else None
        if wait is not None:
            self._quota_back[_host(url)] = self._clock() + wait

    def _wait_for_quota(self, url: str) -> None:
        back = self._quota_back.pop(_host(url), None)
        wait = back - self._clock() if back is not None else 0.0
        if wait > 0:
            self._sleep(min(wait, self._max_wait))

    def _pause(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.wait if isinstance(fault, _TryAgainError) else None
        return asked or self._backoff(state)


def shown_url(url: str) -> str:
    """Return host and path: what of a URL may be shown."""
    try:
        parts = urlsplit(url)
        shown = parts.netloc.rpartition("@")[2] + parts.path
    except ValueError:
        return "a configured address"
    return "".join(character for character in shown if character.isprintable())[:200]


def _host(url: str) -> str:
    return shown_url(url).partition("/")[0]


def _fault(fault: httpx.TransportError) -> str:
    if isinstance(fault, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(fault, httpx.ConnectError | httpx.ProxyError):
        return f"cannot be reached ({' '.join(str(fault).split())[:120]})"
    return "the answer broke off, or is not HTTP"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < _IN_SECONDS else f"{-(-seconds // 60):.0f} minutes"
