"""A Pub/Sub emulator that speaks the real protocol to the real clients. State lives in memory."""

from infra.local.pubsub.emulator import PubSubEmulator
from infra.local.pubsub.model import Counters

__all__ = ["Counters", "PubSubEmulator"]
