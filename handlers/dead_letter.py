"""On a message that a subscription gave up."""

import logging

from core.dead_letter import DeadLetters
from handlers.envelope import Delivery

log = logging.getLogger("klipscribe.dead_letter")


def handle(dead_letters: DeadLetters, delivery: Delivery) -> None:
    """Keep the message, and end its job when it asked for work."""
    message = {"type": delivery.type, "attributes": dict(delivery.attributes), "data": dict(delivery.data)}
    manifest = dead_letters.run(delivery.type, delivery.id, message, delivery.dead_letter_deliveries)
    log.error(
        "a subscription gave a message up",
        extra={
            "subscription": delivery.dead_letter_source,
            "deliveries": delivery.dead_letter_deliveries,
            "outcome": manifest.outcome if manifest else "parked",
        },
    )
