"""Google's own emulator, where it is installed, and where it is known to differ from the service."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

JAR_VARIABLE = "KLIPSCRIBE_PUBSUB_EMULATOR_JAR"

DIFFERENCES: dict[str, str] = {
    "test_a_setting_out_of_its_range_is_refused[deadline-low]": "takes ack deadlines below 10 s",
    "test_a_setting_out_of_its_range_is_refused[filter]": "never reads filters",
    "test_a_filter_lets_only_matching_messages_through": "delivers what a filter should drop",
    "test_delivery_attempts_out_of_their_range_are_refused[4]": "takes any number of attempts",
    "test_delivery_attempts_out_of_their_range_are_refused[101]": "takes any number of attempts",
    "test_a_message_of_more_than_ten_megabytes_is_refused": "takes messages above 10 MB",
    "test_attributes_against_the_rules_are_refused[key]": "takes keys of any length",
    "test_attributes_against_the_rules_are_refused[value]": "takes values of any length",
    "test_attributes_against_the_rules_are_refused[reserved]": "takes reserved keys",
    "test_attributes_against_the_rules_are_refused[number]": "takes any number of attributes",
    "test_many_big_messages_come_in_parts_that_a_client_can_receive": "answers with more than 4 MiB",
    "test_a_wrapped_push_leaves_out_what_the_message_does_not_have": "writes empty fields",
    "test_a_success_acknowledges_a_push[202]": "takes 202 for a refusal",
    "test_any_other_answer_brings_the_push_back[203]": "takes 203 for an acknowledgement",
    "test_a_push_says_its_attempt_when_there_is_a_dead_letter_policy": "leaves deliveryAttempt out",
    "test_a_subscription_whose_endpoint_fails_is_slowed_down_more_and_more": "retries at a steady pace",
    "test_a_retry_policy_delays_the_redelivery_more_each_time": "retries the first time at once",
    "test_a_nack_brings_back_the_later_messages_of_its_key_in_order": "loses the order after a nack",
}
"""By test: where Google's emulator is not like the service. A row whose test passes there must go."""


def find_jar() -> Path | None:
    """The emulator's jar: named by a variable, or a component of the Cloud SDK."""
    if named := os.environ.get(JAR_VARIABLE):
        return Path(named)
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    folder = Path(gcloud).resolve().parent.parent / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(folder.glob("cloud-pubsub-emulator-*.jar"))), None)


@contextmanager
def google_emulator(jar: Path) -> Iterator[str]:
    """Its HOST:PORT while the context is open."""
    java = shutil.which("java")
    assert java is not None, "the jar needs a Java runtime"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [java, "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        started = any("listening on" in line for line in process.stdout)
        assert started, f"{jar} did not start"
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)
