"""How a push subscription slows down when its endpoint fails."""

MINIMUM_S = 0.1
MAXIMUM_S = 60.0


class PushBackoff:
    """A pause of the whole subscription, doubled by failures and halved by successes.

    Bounds from Google's page on push subscriptions: between 100 milliseconds and 60 seconds. How it grows in
    between is not published. Failures of deliveries that began before a pause count once, so that twenty
    parallel failures do not jump to the maximum.
    """

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._resume_at = float("-inf")

    @property
    def resume_at(self) -> float:
        """No delivery may begin before this time."""
        return self._resume_at

    def failed(self, now: float) -> None:
        """A delivery was refused, broke or timed out."""
        if now < self._resume_at:
            return
        self._pause_s = min(MAXIMUM_S, max(MINIMUM_S, self._pause_s * 2))
        self._resume_at = now + self._pause_s

    def succeeded(self) -> None:
        """A delivery was acknowledged."""
        self._pause_s = self._pause_s / 2 if self._pause_s > MINIMUM_S else 0.0
