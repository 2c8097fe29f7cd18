"""What a relay may do at each step of a mail, and what that makes of the mail."""

from __future__ import annotations

from newsletter.model import DeliveryState

ACCEPTED, DEFERRED = DeliveryState.ACCEPTED, DeliveryState.DEFERRED
FAILED, UNCERTAIN = DeliveryState.FAILED, DeliveryState.UNCERTAIN

# the relay's word on this one mail: it stands
REFUSALS = [
    ("450 4.2.1 busy", DEFERRED),
    ("451 4.7.1 slow down", DEFERRED),
    ("452 4.3.1 full", DEFERRED),
    ("550 5.1.1 unknown", FAILED),
    ("552 5.3.4 too big", FAILED),
    ("554-5.7.1 no\r\n554 5.7.1 and no again", FAILED),
]
# words that make no sense: what comes after them can mean anything
NONSENSE = [
    ("650 what is this", DEFERRED),
    ("gibberish", DEFERRED),
    ("gibberish\r\n250 that answers what was never asked", DEFERRED),
    ("221 leaving", DEFERRED),
]
# the relay goes, which on a used connection need not be the mail's doing
GOODBYES = [("421 4.3.2 closing", DEFERRED), ("drop", DEFERRED), ("half", DEFERRED)]

BEFORE_THE_DOT = [
    (step, order, state)
    for step in ("MAIL", "RCPT", "DATA")
    for order, state in (*REFUSALS, *NONSENSE, *GOODBYES)
    if (step, order) not in {("MAIL", "221 leaving"), ("RCPT", "221 leaving")}  # there any 2xx says yes
]
AFTER_THE_DOT = [
    *REFUSALS,
    ("421 4.3.2 closing", DEFERRED),
    ("drop", UNCERTAIN),
    ("half", UNCERTAIN),
    ("354 still going on", UNCERTAIN),
    ("gibberish", UNCERTAIN),
]
