import json

import pytest

from infra.local.pubsub.model import Delivery, Message, PushTarget
from infra.local.pubsub.push import render

MESSAGE = Message(b"hi", {"ce-type": "done", "Content-Length": "9"}, "video-7", "42", 1_614_370_435.749)
SUBSCRIPTION = "projects/klip/subscriptions/notifier"
BARE = PushTarget("http://example.test/", wrapped=False)


def test_a_wrapped_push_names_id_and_time_twice() -> None:
    request = render(Delivery("a", MESSAGE, 3), SUBSCRIPTION, PushTarget("http://example.test/"))
    assert json.loads(request.body) == {
        "message": {
            "attributes": {"ce-type": "done", "Content-Length": "9"},
            "data": "aGk=",
            "messageId": "42",
            "message_id": "42",
            "orderingKey": "video-7",
            "publishTime": "2021-02-26T20:13:55.749Z",
            "publish_time": "2021-02-26T20:13:55.749Z",
        },
        "subscription": SUBSCRIPTION,
        "deliveryAttempt": 3,
    }


def test_a_whole_second_is_written_like_any_other() -> None:
    request = render(Delivery("a", Message(b"x")), SUBSCRIPTION, PushTarget("http://example.test/"))
    assert json.loads(request.body)["message"]["publishTime"] == "1970-01-01T00:00:00.000Z"


def test_metadata_becomes_headers_but_never_those_of_the_request_itself() -> None:
    request = render(
        Delivery("a", MESSAGE, 3),
        SUBSCRIPTION,
        PushTarget("http://example.test/", wrapped=False, write_metadata=True),
    )
    assert request.body == b"hi"
    assert dict(request.headers) == {
        b"ce-type": b"done",
        b"x-goog-pubsub-subscription-name": SUBSCRIPTION.encode(),
        b"x-goog-pubsub-message-id": b"42",
        b"x-goog-pubsub-publish-time": b"2021-02-26T20:13:55.749Z",
        b"x-goog-pubsub-ordering-key": b"video-7",
    }


@pytest.mark.parametrize("delivery", [Delivery("a", MESSAGE), Delivery("a", MESSAGE, 5)])
def test_bare_data_has_no_headers(delivery: Delivery) -> None:
    request = render(delivery, SUBSCRIPTION, BARE)
    assert (request.body, request.headers) == (b"hi", [])
