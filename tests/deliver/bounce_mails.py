"""Mails as they come back, written for these tests in the forms that mail servers give them.

Each function returns one mail to the return path `to`. The newsletter's own mail, which most of them return, holds
words that no report may be judged by.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READER = "ada@reader.example"
ORIGINAL_HEADERS = """Return-Path: <digest@newsletter.example>
Message-ID: <2026-07-14.00000000000000000000000000000000@newsletter.example>
From: Daily Digest <digest@newsletter.example>
To: ada@reader.example
Subject: Mailbox full of spam: a policy for unknown users
"""
ORIGINAL = (
    ORIGINAL_HEADERS
    + """
The quota of blocked addresses does not exist. 550 5.1.1 User unknown. 4.2.2 mailbox full, policy, spam.
"""
)


def report(
    to: str,
    text: str,
    fields: str,
    *,
    sender: str = "MAILER-DAEMON@mx.reader.example (Mail Delivery System)",
    subject: str = "Undelivered Mail Returned to Sender",
    kind: str = "message/delivery-status",
) -> bytes:
    """Return a delivery report of RFC 3464: words, fields, and the mail that it returns."""
    return f"""Return-Path: <>
Delivered-To: {to}
From: {sender}
To: {to}
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="=_report"

This is a MIME-encapsulated message.

--=_report
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

{text}

--=_report
Content-Description: Delivery report
Content-Type: {kind}

{fields}

--=_report
Content-Description: Undelivered Message
Content-Type: message/rfc822

{ORIGINAL}
--=_report--
""".encode()


def plain(
    to: str, text: str, *, sender: str = "MAILER-DAEMON@mx.reader.example", subject: str, more: str = ""
) -> bytes:
    """Return a bounce that is one text."""
    return f"Return-Path: <>\nDelivered-To: {to}\nFrom: {sender}\nTo: {to}\n{more}Subject: {subject}\n\n{text}".encode()


def fields(status: str, said: str = "", *, action: str = "failed", recipient: str = READER) -> str:
    """Return the fields of a report on one recipient."""
    diagnostic = f"\nDiagnostic-Code: {said}" if said else ""
    return f"""Reporting-MTA: dns; mx.reader.example
Arrival-Date: Tue, 14 Jul 2026 07:00:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}{diagnostic}"""


def postfix_unknown(to: str) -> bytes:
    said = (
        "smtp; 550 5.1.1 <ada@reader.example>: Recipient address rejected: User unknown\n    in local recipient table"
    )
    return report(to, "This is the mail system at host mx.relay.example.\n\nI'm sorry.", fields("5.1.1", said))


def postfix_no_domain(to: str) -> bytes:
    said = "X-Postfix; Host or domain name not found.\n    Name service error for reader.example: Host not found"
    return report(to, "This is the mail system at host mx.relay.example.", fields("5.4.4", said))


def postfix_full(to: str) -> bytes:
    said = "smtp; 552 5.2.2 <ada@reader.example>: user is over quota"
    return report(to, "This is the mail system.", fields("5.2.2", said))


def postfix_gave_up(to: str) -> bytes:
    said = "X-Postfix; connect to mx.reader.example[192.0.2.7]:25: Connection timed out"
    return report(to, "This is the mail system.", fields("4.4.1", said))


def postfix_delayed(to: str) -> bytes:
    said = "smtp; 450 4.2.0 <ada@reader.example>: Greylisted"
    text = "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE."
    return report(to, text, fields("4.2.0", said, action="delayed"), subject="Delayed Mail (still being retried)")


def postfix_success(to: str) -> bytes:
    said = "smtp; 250 2.0.0 Ok"
    return report(to, "Your message was successfully delivered.", fields("2.0.0", said, action="delivered"))


def sendmail_unknown(to: str) -> bytes:
    text = """The original message was received at Tue, 14 Jul 2026 07:00:00 GMT
from relay.example [192.0.2.1]

   ----- The following addresses had permanent fatal errors -----
<ada@reader.example>
    (reason: 550 5.1.1 <ada@reader.example>... User unknown)"""
    said = "SMTP; 550 5.1.1 <ada@reader.example>... User unknown"
    return report(to, text, fields("5.1.1", said), subject="Returned mail: see transcript for details")


def exim_local(to: str) -> bytes:
    """Today's Exim: a report whose code says nothing, without a diagnostic; the words stand in the text."""
    text = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ada@reader.example
    Unrouteable address"""
    return report(to, text, fields("5.0.0"), subject="Mail delivery failed: returning message to sender")


def exim_remote(to: str) -> bytes:
    said = "smtp; 550-5.2.1 The email account that you tried to reach is\n 550 5.2.1 disabled."
    return report(to, "This message was created automatically.", fields("5.0.0", said))


def exim_old(to: str) -> bytes:
    text = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. The following address(es) failed:

  ada@reader.example
    SMTP error from remote mail server after RCPT TO:<ada@reader.example>:
    host mx.reader.example [192.0.2.7]: 550 No such user here

------ This is a copy of the message, including all the headers. ------

"""
    more = "X-Failed-Recipients: ada@reader.example\n"
    return plain(to, text + ORIGINAL, subject="Mail delivery failed", more=more)


def exim_warning(to: str) -> bytes:
    text = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.relay.example.

The address to which the message has not yet been delivered is:

  ada@reader.example

No action is required on your part. Delivery attempts will continue for
some time.
"""
    return plain(to, text, subject="Warning: message 1abcde delayed 24 hours")


def qmail(to: str, why: str = "Sorry, no mailbox here by that name. (#5.1.1)") -> bytes:
    text = f"""Hi. This is the qmail-send program at reader.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ada@reader.example>:
{why}

--- Below this line is a copy of the message.

"""
    return plain(to, text + ORIGINAL, subject="failure notice")


def qmail_full(to: str) -> bytes:
    return qmail(to, "User's mailbox is over quota.")


def exchange_online(to: str) -> bytes:
    """Microsoft 365: a long HTML before the fields."""
    html = "<html><style>p{color:red}</style><p>Your message to <b>ada</b> couldn't be delivered.</p></html>" * 200
    said = "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    sender = "postmaster@reader.example"
    mail = report(to, html, fields("5.1.10", said), sender=sender, subject="Undeliverable: your digest")
    return mail.replace(b"text/plain; charset=us-ascii", b"text/html; charset=us-ascii", 1)


def exchange_online_no_such_user(to: str) -> bytes:
    said = "smtp;550 5.4.1 Recipient address rejected: Access denied. [AS1.prod.example 2026-07-14T07:00:00Z]"
    return report(to, "Delivery has failed to these recipients.", fields("5.4.1", said))


def exchange_old(to: str) -> bytes:
    text = """Your message

  To:      ada@reader.example
  Subject: digest
  Sent:    Tue, 14 Jul 2026 09:00:00 +0200

did not reach the following recipient(s):

c=US;a= ;p=reader;o=HQ;dda:SMTP=ada@reader.example; on Tue, 14 Jul 2026 09:00:02 +0200
    The recipient name is not recognized
    MSEXCH:IMS:Reader:HQ:MAIL 0 (000C05A6) Unknown Recipient
"""
    return plain(to, text, subject="Undeliverable: digest", sender="System Administrator <postmaster@reader.example>")


def gmail_unknown(to: str) -> bytes:
    said = (
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
        " 550-5.1.1 double-checking the recipient's email address for typos.\n 550 5.1.1 gsmtp"
    )
    sender = "Mail Delivery Subsystem <mailer-daemon@mail.example>"
    subject = "Delivery Status Notification (Failure)"
    return report(to, "** Address not found **", fields("5.1.1", said), sender=sender, subject=subject)


def gmail_blocked(to: str) -> bytes:
    said = "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n 550 5.7.26 gsmtp"
    return report(to, "** Message blocked **", fields("5.7.26", said))


def gmail_full(to: str) -> bytes:
    said = "smtp; 452-4.2.2 The recipient's inbox is out of storage space.\n 452 4.2.2 gsmtp"
    return report(to, "** Inbox full **", fields("4.2.2", said))


def too_big(to: str) -> bytes:
    return report(to, "Too big.", fields("5.3.4", "smtp; 552 5.3.4 Message size exceeds fixed limit"))


def opensmtpd(to: str) -> bytes:
    return report(to, "Hi!", fields("5.0.0", "smtp; 550 Invalid recipient <ada@reader.example>", action="error"))


def internationalized(to: str) -> bytes:
    """RFC 6533: the report on an address outside ASCII."""
    said = "smtp; 550 5.1.1 no such user"
    told = fields("5.1.1", said, recipient="åda@reader.example").replace("rfc822;", "utf-8;")
    return report(to, "Not delivered.", told, kind="message/global-delivery-status")


def encoded_report(to: str) -> bytes:
    """A report whose fields are in base64, as RFC 3464 forbids and some gateways do."""
    told = base64.encodebytes(fields("5.1.1", "smtp; 550 5.1.1 User unknown").encode()).decode()
    kind = "message/delivery-status\nContent-Transfer-Encoding: base64"
    return report(to, "Not delivered.", told, kind=kind)


def unknown_form(to: str) -> bytes:
    """A text of no server that anybody knows, but from one."""
    text = "Cher expediteur,\n\nnous regrettons: ada@reader.example, 550 5.1.1 destinataire inconnu.\n"
    return plain(to, text, subject="Delivery Status: failure", sender="Postmaster <postmaster@reader.example>")


def vacation(to: str) -> bytes:
    text = "I am on holiday until August; my mailbox is full of sand, and user unknown jokes."
    return plain(to, text, subject="Out of office: Daily Digest", sender="Ada <ada@reader.example>")


@dataclass(frozen=True)
class Form:
    """A mail's maker, and what it is to be taken for: its kind, its status, and a word of its diagnostic."""

    make: Callable[[str], bytes]
    kind: str
    status: str = ""
    said: str = ""

    @property
    def name(self) -> str:
        return self.make.__name__


FORMS = (
    Form(postfix_unknown, "hard", "5.1.1", "User unknown in local recipient table"),
    Form(postfix_no_domain, "hard", "5.4.4", "Host not found"),
    Form(postfix_full, "soft", "5.2.2", "over quota"),
    Form(postfix_gave_up, "soft", "4.4.1", "timed out"),
    Form(postfix_delayed, "delayed", "4.2.0"),
    Form(postfix_success, "junk"),
    Form(sendmail_unknown, "hard", "5.1.1", "User unknown"),
    Form(exim_local, "hard", "5.0.0", "Unrouteable address"),
    Form(exim_remote, "hard", "5.0.0", "disabled"),
    Form(exim_old, "hard", "", "No such user here"),
    Form(exim_warning, "delayed"),
    Form(qmail, "hard", "5.1.1", "no mailbox here"),
    Form(qmail_full, "soft", "", "over quota"),
    Form(exchange_online, "hard", "5.1.10", "RecipientNotFound"),
    Form(exchange_online_no_such_user, "hard", "5.4.1", "Access denied"),
    Form(exchange_old, "hard", "", "not recognized"),
    Form(gmail_unknown, "hard", "5.1.1", "does not exist"),
    Form(gmail_blocked, "policy", "5.7.26", "unauthenticated"),
    Form(gmail_full, "soft", "4.2.2", "out of storage"),
    Form(too_big, "policy", "5.3.4", "size exceeds"),
    Form(opensmtpd, "hard", "5.0.0", "Invalid recipient"),
    Form(internationalized, "hard", "5.1.1", "no such user"),
    Form(encoded_report, "hard", "5.1.1", "User unknown"),
    Form(unknown_form, "hard", "5.1.1", "inconnu"),
    Form(vacation, "junk"),
)
