"""The rule that the HTML is valid, as the Nu Html Checker (vnu) sees it, but for what mail clients cannot do without.

Outlook for Windows lays mails out with Word, which takes sizes, alignment and colours of tables from attributes that
HTML calls obsolete; and a few CSS properties are known to mail clients alone. These messages are passed over, each one
exactly as vnu writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.checklist.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.render.checklist.evidence import Complaint, Evidence, Missing

_WIDTH = "Word gives a cell or table the width of its attribute; it passes over max-width and most of width"
_ALIGN = "Word centres a table and aligns a cell's content by the attribute only"
_SPACE = "Word puts two pixels around and into every cell unless the attribute says 0; CSS does not reach them all"
_GROUND = "Word and old web mailers colour a table by the attribute where they drop the style"
_ATTRIBUTES: Mapping[tuple[str, str], str] = {
    **{("width", element): _WIDTH for element in ("table", "td")},
    ("height", "td"): "Word keeps a row's height by the attribute only",
    **{("align", element): _ALIGN for element in ("table", "td", "div", "p", "tr", "img")},
    **{("valign", element): "Word aligns a row by the attribute only" for element in ("td", "tr")},
    **{(name, "table"): _SPACE for name in ("cellpadding", "cellspacing")},
    **{("bgcolor", element): _GROUND for element in ("body", "table", "td", "tr")},
}
_CSS: Mapping[str, str] = {
    "mso-hide": "hides the preheader from Outlook, which does not know display: none everywhere",
    "mso-table-lspace": "takes away the gap that Word leaves left of a table",
    "mso-table-rspace": "takes away the gap that Word leaves right of a table",
    "mso-line-height-rule": "makes Word keep a line height",
    "mso-padding-alt": "is the padding of a link that Word does keep",
    "mso-text-raise": "is how Word centres the text of a link made like a button",
    "mso-color-alt": "is the colour that Outlook's dark mode starts from",
    "supported-color-schemes": "is what Apple Mail called color-scheme before that was a standard",
}
PASSED_OVER: Mapping[str, str] = {
    **{
        f"The “{name}” attribute on the “{element}” element is obsolete. Use CSS instead.": reason
        for (name, element), reason in _ATTRIBUTES.items()
    },
    "The “border” attribute on the “table” element is obsolete. "
    "Consider specifying “img { border: 0; }” in CSS instead.": "Word draws a border unless the attribute says 0",
    **{f"CSS: “{name}”: Property “{name}” doesn't exist.": reason for name, reason in _CSS.items()},
}


def _complaints_of(evidence: Evidence) -> tuple[Complaint, ...] | Missing:
    return evidence.complaints


def _invalid(complaints: tuple[Complaint, ...]) -> Iterator[Finding]:
    for one in complaints:
        if one.message not in PASSED_OVER:
            yield Finding(where=f"line {one.line}", what=one.message)


RULES = (Rule(name="valid-html", demand="the HTML is valid (vnu)", part=_complaints_of, look=_invalid),)
