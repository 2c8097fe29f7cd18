"""premailer and cssutils reach nothing: no connection, no file, not a word on standard error."""

from __future__ import annotations

import socket
import sys
import urllib.request
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from newsletter.render.inliner import check_css, inline_css

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = "<!DOCTYPE html><html><head><style>{css}</style></head><body><p class='a'>x</p></body></html>"


class Listener:
    """A socket on loopback that counts who comes and answers every one with a style sheet."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.visits = 0
        self.thread = Thread(target=self._serve)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/style.css"

    def _serve(self) -> None:
        while True:
            visitor, _ = self.socket.accept()
            with visitor:
                request = visitor.recv(65536)
                if request.startswith(b"GET /stop"):
                    return
                self.visits += 1
                visitor.sendall(
                    b"HTTP/1.0 200 OK\r\nContent-Type: text/css\r\nContent-Length: 23\r\n\r\n.a { color: #fedcba; }\n"
                )

    def close(self) -> None:
        with socket.create_connection(self.socket.getsockname()) as last:
            last.sendall(b"GET /stop")
        self.thread.join()
        self.socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


def test_no_style_sheet_is_fetched_from_the_network(listener: Listener) -> None:
    for css in (
        f"@import url({listener.url});",
        f'@import "{listener.url}";',
        f".a {{ background: url({listener.url}) }}",
    ):
        page = PAGE.format(css=css).replace("<style>", f'<link rel="stylesheet" href="{listener.url}"><style>')
        assert "#fedcba" not in inline_css(page)
    assert listener.visits == 0
    with urllib.request.urlopen(listener.url) as answer:  # noqa: S310 - our own listener: it does hear a visit
        assert b"#fedcba" in answer.read()
    assert listener.visits == 1


def test_no_style_sheet_is_read_from_the_disk(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.css"
    sheet.write_text(".a { color: #fedcba; }", "utf-8")
    for target in (sheet.as_uri(), str(sheet)):
        page = PAGE.format(css=f"@import url({target});").replace(
            "<style>", f'<link rel="stylesheet" href="{target}"><style>'
        )
        assert "#fedcba" not in inline_css(page)
    assert "#fedcba" in inline_css(PAGE.format(css=sheet.read_text("utf-8")))


class Watch:
    """Writes down what Python opens or calls while it is watched (PEP 578); an audit hook cannot be taken out again."""

    def __init__(self) -> None:
        self.watching = False
        self.seen: list[tuple[str, str]] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.watching and event.partition(".")[0] in {"open", "socket", "urllib", "subprocess"}:
            self.seen.append((event, str(arguments[:1])))


def test_nothing_is_opened_and_nobody_is_called_whatever_a_page_names(listener: Listener, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.css"
    sheet.write_text(".a { color: #fedcba; }", "utf-8")
    inline_css(PAGE.format(css=".a { color: #123456 }"))  # modules are imported by now
    watch = Watch()
    for target in (listener.url, sheet.as_uri(), str(sheet)):
        page = (
            f'<!DOCTYPE html SYSTEM "{target}" [<!ENTITY x SYSTEM "{target}">]>'
            f'<?xml-stylesheet href="{target}"?><html manifest="{target}"><head><base href="{target}">'
            f'<link rel="stylesheet" href="{target}"><link rel="import" href="{target}">'
            f"<style>@import url({target}); @font-face {{ font-family: x; src: url({target}) }}"
            f".a {{ background: url({target}) }}</style></head>"
            f'<body background="{target}"><p class="a" style="background: url({target})">&x;</p><img src="{target}">'
            f'<object data="{target}"></object><iframe src="{target}"></iframe></body></html>'
        )
        watch.watching = True
        made = inline_css(page)
        watch.watching = False
        assert "#fedcba" not in made
    assert listener.visits == 0
    assert watch.seen == []
    watch.watching = True
    sheet.read_text("utf-8")
    watch.watching = False
    assert [event for event, _ in watch.seen] == ["open"]  # it does hear one


def test_strange_css_is_met_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    made = inline_css(
        PAGE.format(css=".a { mso-hide: all; overflow-wrap: anywhere; -webkit-x: y; color: #12; zoom: 1 }")
    )
    assert "mso-hide:all" in made
    assert capfd.readouterr() == ("", "")


def test_important_rules_stay_important() -> None:
    assert "color:#123456 !important" in inline_css(PAGE.format(css=".a { color: #123456 !important }"))


@pytest.mark.parametrize("css", [".a { color red }", ".a { color: ) }", "{}", ".a { x: y } }"])
def test_a_css_mistake_is_told(css: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_css(css)
    check_css(".a { color: #123456; mso-hide: all; }")  # a failed check leaves nothing behind
    assert "color:#123456" in inline_css(PAGE.format(css=".a { color: #123456; nonsense }"))
