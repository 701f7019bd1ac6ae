from datetime import UTC, datetime

from infra.clock import SystemClock


def test_the_wall_clock_is_in_utc_and_in_step_with_the_machine() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_the_steady_clock_passes_while_somebody_sleeps() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() - before >= 0.001
