"""The life of a subscriber, one act a file: sign up, confirm, choose, pause, move, judge papers, leave, be forgotten.

Each act is decided by a pure function and stored in one transaction; mails are only queued, so that no act waits for
a mail server or a name server. Who calls has read the token (`readers`) or speaks for the operator.
"""
