"""Whose request it is: the client's address where proxies stand in between, and whether a page of ours sent it.

Pure functions of what a request says. What nobody but a trusted proxy could know is believed only from one.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from starlette.requests import Request

    from newsletter.settings import WebSettings

_OURS = frozenset({"same-origin", "none"})  # `none`: the person typed the address or opened a bookmark


def client_of(request: Request, settings: WebSettings) -> str:
    """Return the address of whoever sent a request, behind the proxies that the settings trust; "" where none is."""
    peer = request.client.host if request.client else ""
    return client_address(peer, request.headers.getlist("X-Forwarded-For"), settings.trusted_proxies)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[str]) -> str:
    """Return the address of the client, as it is known: the rightmost hop that is no trusted proxy.

    `peer` is who opened the connection, `forwarded` the X-Forwarded-For headers in their order, `trusted` the
    networks of proxies. Each proxy adds at the right whom it got the request from, so whatever stands further to the
    left is hearsay. A hop that is no address ends the walk at the last one that was. "" where even the peer is none.
    """
    networks = [ip_network(one) for one in trusted]
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    known = ""
    for hop in (peer, *reversed(hops)):
        address = _address(hop)
        if address is None:
            break
        known = str(address)
        if not any(address in network for network in networks):
            break
    return known


def _address(hop: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a hop: bare, `192.0.2.1:4711` or `[2001:db8::1]:4711`; an IPv4 one is never mapped."""
    bare = hop.partition("]")[0].removeprefix("[") if hop.startswith("[") else hop
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def same_origin(headers: Mapping[str, str], base: str) -> bool:
    """Return whether a POST came from a page of the site at `base`, or from no page at all.

    A browser says so itself in Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/); one that is too old for it names
    the page's origin. Who sends neither is no browser, and so cannot be led by another site.
    """
    if site := headers.get("sec-fetch-site"):
        return site in _OURS
    origin = headers.get("origin")
    return origin is None or (_origin(origin) is not None and _origin(origin) == _origin(base))


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return (parts.scheme.lower(), parts.netloc.lower()) if parts.netloc else None
