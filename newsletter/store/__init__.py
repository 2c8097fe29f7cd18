"""The second room and the only one with SQL: dataclasses in, dataclasses out, every statement bound."""

from newsletter.store.bounces import BounceStore, Recorded
from newsletter.store.deliveries import DeliveryStore, Frozen
from newsletter.store.freezing import Selection
from newsletter.store.issues import IssueStore
from newsletter.store.papers import Added, PaperStore
from newsletter.store.store import Store, check_store, open_store
from newsletter.store.subscribers import AddOutcome, SubscriberStore
from newsletter.store.suppressions import SuppressionStore

__all__ = [
    "AddOutcome",
    "Added",
    "BounceStore",
    "DeliveryStore",
    "Frozen",
    "IssueStore",
    "PaperStore",
    "Recorded",
    "Selection",
    "Store",
    "SubscriberStore",
    "SuppressionStore",
    "check_store",
    "open_store",
]
