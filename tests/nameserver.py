"""A real DNS server on loopback, for tests of what is looked up: UDP, its records given, or silent."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 4096


@dataclass
class NameServer:
    """Where it is, what it answers, and what it was asked. `records` maps (name, kind) to records as zone files do."""

    address: str = ""
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    silent: bool = False
    failing: bool = False

    def txt(self, name: str, *values: str) -> None:
        """Publish TXT records, each in strings of 255 octets."""
        self.records[name, "TXT"] = [
            " ".join(f'"{value[start : start + 255]}"' for start in range(0, len(value), 255)) for value in values
        ]

    def answer(self, query: bytes) -> bytes:
        """Return the answer to a question."""
        asked = dns.message.from_wire(query)
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append((name, kind))
        response = dns.message.make_response(asked, recursion_available=True)
        if self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get((name, kind)):
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65535)


@contextmanager
def name_server() -> Iterator[NameServer]:
    """Run a server as long as the block lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        host, port = wire.getsockname()
        server = NameServer(address=f"{host}:{port}")
        thread = threading.Thread(target=_serve, args=(wire, server), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (host, port))  # an empty datagram ends it
            thread.join()


def _serve(wire: socket.socket, server: NameServer) -> None:
    while True:
        query, sender = wire.recvfrom(_LONGEST)
        if not query:
            return
        if not server.silent:
            wire.sendto(server.answer(query), sender)
