from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.pubsub.backoff import PushBackoff
from infra.local.pubsub.filters import parse_filter
from infra.local.pubsub.model import DeadLetterPolicy, Delivery, Message, RetryPolicy, SubscriptionConfig
from infra.local.pubsub.subscription import Subscription


def queue(*bodies: str, key: str = "", **settings: Any) -> Subscription:
    subscription = Subscription(SubscriptionConfig("sub", "topic", **settings))
    for body in bodies:
        subscription.publish(Message(body.encode(), ordering_key=key))
    return subscription


def bodies(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.data.decode() for delivery in deliveries]


def test_messages_are_leased_oldest_first_and_once() -> None:
    subscription = queue("a", "b", "c")
    assert bodies(subscription.pull(0, 2)) == ["a", "b"]
    assert bodies(subscription.pull(0, 2)) == ["c"]
    assert subscription.pull(9.9, 2) == []


def test_a_lease_ends_at_its_deadline_and_not_before() -> None:
    subscription = queue("a")
    [first] = subscription.pull(0, 1)
    assert subscription.next_change() == 10
    assert subscription.pull(9.99, 1) == []
    [second] = subscription.pull(10, 1)
    assert second.ack_id != first.ack_id
    assert not subscription.acknowledge(first.ack_id, 10)
    assert subscription.acknowledge(second.ack_id, 10)
    assert subscription.next_change() is None


def test_an_acknowledgement_at_the_deadline_is_too_late() -> None:
    subscription = queue("a")
    [delivery] = subscription.pull(0, 1)
    assert not subscription.acknowledge(delivery.ack_id, 10)


def test_a_lease_can_be_made_longer_and_shorter() -> None:
    subscription = queue("long", "short")
    long, short = subscription.pull(0, 2)
    assert subscription.modify_deadline(long.ack_id, 600, 5)
    assert subscription.modify_deadline(short.ack_id, 1, 5)
    assert bodies(subscription.pull(6, 2)) == ["short"]
    assert subscription.acknowledge(long.ack_id, 604)
    assert not subscription.modify_deadline(long.ack_id, 10, 605)


def test_a_deadline_of_zero_is_a_nack() -> None:
    subscription = queue("a")
    [delivery] = subscription.pull(0, 1)
    assert subscription.modify_deadline(delivery.ack_id, 0, 1)
    assert bodies(subscription.pull(1, 1)) == ["a"]
    assert subscription.counters.nacked == 1


def test_a_retry_policy_doubles_the_delay_up_to_its_maximum() -> None:
    assert [RetryPolicy(10, 60).delay_s(failures) for failures in (1, 2, 3, 4, 5000)] == [10, 20, 40, 60, 60]
    assert RetryPolicy(0, 600).delay_s(9) == 0


def test_a_failed_message_waits_while_others_go_on() -> None:
    subscription = queue("a", "b", retry=RetryPolicy(10, 60))
    [first] = subscription.pull(0, 1)
    subscription.nack(first.ack_id, 0)
    assert bodies(subscription.pull(1, 5)) == ["b"]
    assert subscription.pull(9.99, 5) == []
    assert bodies(subscription.pull(10, 5))[0] == "a"


def test_the_delay_after_an_expiry_counts_from_the_deadline() -> None:
    subscription = queue("a", retry=RetryPolicy(10, 60))
    subscription.pull(0, 1)
    subscription.advance(15)
    assert subscription.next_change() == 20


@pytest.mark.parametrize("failing", ["nack", "expiry"])
def test_a_message_is_given_up_after_its_attempts(failing: str) -> None:
    subscription = queue("poison", dead_letter=DeadLetterPolicy("dead", 5))
    attempts = []
    for now in range(0, 100, 20):
        [delivery] = subscription.pull(now, 1)
        attempts.append(delivery.attempt)
        if failing == "nack":
            subscription.nack(delivery.ack_id, now)
    subscription.advance(120)
    [letter] = subscription.take_dead_letters()
    assert attempts == [1, 2, 3, 4, 5]
    assert (letter.message.data, letter.attempts) == (b"poison", 5)
    assert subscription.pull(200, 1) == []
    assert subscription.take_dead_letters() == []
    assert (subscription.counters.dead_lettered, subscription.counters.backlog) == (1, 0)


def test_a_message_is_tried_on_while_its_dead_letter_topic_is_missing() -> None:
    subscription = queue("poison", dead_letter=DeadLetterPolicy("dead", 5))
    subscription.can_dead_letter = False
    for now in range(6):
        [delivery] = subscription.pull(now, 1)
        subscription.nack(delivery.ack_id, now)
    subscription.can_dead_letter = True
    [delivery] = subscription.pull(7, 1)
    subscription.nack(delivery.ack_id, 7)
    assert [letter.attempts for letter in subscription.take_dead_letters()] == [7]


def test_the_attempt_stays_hidden_without_a_dead_letter_policy() -> None:
    [delivery] = queue("a").pull(0, 1)
    assert delivery.attempt == 0


def test_a_filtered_message_is_counted_and_dropped() -> None:
    subscription = queue("a", matches=parse_filter("attributes:wanted"))
    subscription.publish(Message(b"b", {"wanted": ""}))
    assert bodies(subscription.pull(0, 9)) == ["b"]
    assert subscription.counters.filtered == 1


def test_a_batch_is_bounded_in_bytes_but_never_empty() -> None:
    subscription = queue("x" * 9_000_000, "y" * 9_000_000)
    assert [len(body) for body in bodies(subscription.pull(0, 5))] == [9_000_000]
    assert [len(body) for body in bodies(subscription.pull(0, 5))] == [9_000_000]


def test_one_receiver_at_a_time_gets_the_messages_of_a_key() -> None:
    subscription = queue("1", "2", "3", key="k", ordered=True)
    [first] = subscription.pull(0, 1, holder="me")
    assert subscription.pull(0, 9, holder="you") == []
    assert subscription.pull(0, 9) == []
    assert bodies(subscription.pull(0, 9, holder="me")) == ["2", "3"]
    subscription.acknowledge(first.ack_id, 1)
    assert subscription.pull(1, 9, holder="you") == []


def test_other_keys_and_no_key_pass_a_blocked_key() -> None:
    subscription = queue("1", "2", key="k", ordered=True)
    subscription.publish(Message(b"other", ordering_key="o"))
    subscription.publish(Message(b"free"))
    subscription.pull(0, 1, holder="me")
    assert bodies(subscription.pull(0, 9, holder="you")) == ["other", "free"]


def test_a_key_means_nothing_to_a_subscription_without_ordering() -> None:
    subscription = queue("1", "2", key="k")
    subscription.pull(0, 1, holder="me")
    assert bodies(subscription.pull(0, 1, holder="you")) == ["2"]


def test_a_failure_brings_back_all_later_messages_of_its_key() -> None:
    subscription = queue("1", "2", "3", "4", key="k", ordered=True, retry=RetryPolicy(10, 10))
    one, two, three = subscription.pull(0, 3, holder="me")
    subscription.acknowledge(two.ack_id, 1)
    subscription.nack(one.ack_id, 1)
    assert not subscription.acknowledge(three.ack_id, 1), "its lease ended with the failure"
    assert subscription.pull(10.9, 9) == [], "the whole key waits for the failed message"
    assert bodies(subscription.pull(11, 9)) == ["1", "2", "3", "4"]


def test_a_settled_message_of_a_key_never_comes_back() -> None:
    subscription = queue("1", "2", key="k", ordered=True)
    one, two = subscription.pull(0, 2)
    subscription.acknowledge(one.ack_id, 1)
    subscription.nack(two.ack_id, 1)
    assert bodies(subscription.pull(1, 9)) == ["2"]


def test_a_message_that_was_given_up_frees_its_key() -> None:
    subscription = queue("1", "2", key="k", ordered=True, dead_letter=DeadLetterPolicy("dead", 5))
    for now in range(5):
        [first] = subscription.pull(now, 1)
        subscription.nack(first.ack_id, now)
    assert bodies(subscription.pull(9, 9)) == ["2"]
    assert len(subscription.take_dead_letters()) == 1


def test_what_a_receiver_holds_is_known() -> None:
    subscription = queue("aa", "bbb")
    deliveries = subscription.pull(0, 2, holder="me")
    assert subscription.outstanding("me") == (2, 5)
    subscription.acknowledge(deliveries[0].ack_id, 0)
    assert subscription.outstanding("me") == (1, 3)
    assert subscription.outstanding("you") == (0, 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["pull", "ack", "nack", "extend", "wait"]), st.integers(0, 9)), max_size=60
)


@given(STEPS, st.booleans())
def test_every_message_is_settled_in_the_end_whatever_receivers_do(
    steps: list[tuple[str, int]], ordered: bool
) -> None:
    """And the first deliveries of a key come in the order of publishing."""
    sent = [str(number) for number in range(6)]
    subscription = queue(*sent, key="k", ordered=ordered, retry=RetryPolicy(1, 4))
    now, held, seen = 0.0, list[Delivery](), list[str]()
    for action, number in [*steps, *[("wait", 10), ("pull", 9), *[("ack", 0)] * 20] * 12]:
        if action == "pull":
            taken = subscription.pull(now, number)
            held += taken
            seen += [body for body in bodies(taken) if body not in seen]
        elif action == "wait":
            now += number
        elif held:
            delivery = held.pop(number % len(held))
            if action == "ack":
                subscription.acknowledge(delivery.ack_id, now)
            else:
                subscription.modify_deadline(delivery.ack_id, 0 if action == "nack" else 10 + number, now)
    assert subscription.counters.backlog == 0
    assert subscription.next_change() is None
    assert sorted(seen) == sent
    if ordered:
        assert seen == sent


def test_a_pause_doubles_with_failures_and_shrinks_with_successes() -> None:
    backoff = PushBackoff()
    pauses = []
    for now in range(0, 1200, 100):
        backoff.failed(now)
        pauses.append(backoff.resume_at - now)
    assert pauses[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert pauses[-1] == 60
    backoff.succeeded()
    backoff.failed(2000)
    assert backoff.resume_at == 2060
    for _ in range(20):
        backoff.succeeded()
    backoff.failed(3000)
    assert backoff.resume_at == pytest.approx(3000.1)


def test_failures_during_a_pause_count_once() -> None:
    backoff = PushBackoff()
    for _ in range(20):
        backoff.failed(0)
    assert backoff.resume_at == pytest.approx(0.1)
