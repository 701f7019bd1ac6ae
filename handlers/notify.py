"""On an event that the database of videos should know."""

import logging

from core.errors import MalformedMessage
from core.events import COMPLETED, FAILED, PROGRESS, STARTED
from core.notification import Notification
from handlers.envelope import Delivery

log = logging.getLogger("klipscribe.notify")


def handle(notification: Notification | None, delivery: Delivery) -> None:
    """Write the event into the video's record."""
    known = (STARTED, PROGRESS, COMPLETED, FAILED)
    if delivery.type not in known:
        raise MalformedMessage(f"unknown message type {delivery.type!r}, expected one of {', '.join(known)}")
    if notification is None:
        log.warning("CONVEX_URL is not set: the event is not written to any record")
        return
    noted = notification.run(delivery.type, delivery.data)
    level = logging.WARNING if noted == "unknown_video" else logging.INFO
    log.log(level, "record: %s", noted, extra={"event_type": delivery.type, "outcome": noted})
