"""The second room and the only one with SQL: dataclasses in, dataclasses out, every statement bound."""

from newsletter.store.deliveries import DeliveryStore, Frozen
from newsletter.store.freezing import Selection
from newsletter.store.issues import IssueStore
from newsletter.store.papers import Added, PaperStore
from newsletter.store.store import Store, check_store, open_store
from newsletter.store.subscribers import AddOutcome, SubscriberStore

__all__ = [
    "AddOutcome",
    "Added",
    "DeliveryStore",
    "Frozen",
    "IssueStore",
    "PaperStore",
    "Selection",
    "Store",
    "SubscriberStore",
    "check_store",
    "open_store",
]
