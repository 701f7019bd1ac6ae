"""Where a file is divided between two engines that work at the same time."""

LEAST_S = 60.0
"""A shorter part is not worth a second engine: the time goes into asking, and into what both parts share."""


def head_s(
    audio_s: float, *, wait_s: float, head_rtfx: float, tail_rtfx: float, wanted_s: float | None = None
) -> float:
    """Seconds of audio, from the start, that the first engine hears; the second one hears what is left.

    Both finish together at the h for which wait_s + h / head_rtfx = (audio_s - h) / tail_rtfx.

    Args:
        audio_s: length of the file.
        wait_s: seconds until the first engine begins; the second one begins at once.
        head_rtfx: audio seconds per second of the first engine; infinity is allowed.
        tail_rtfx: the same of the second one.
        wanted_s: a split that was asked for; None for the one at which both finish together.

    Returns:
        0 where the second engine shall hear all of it, audio_s where the first one shall; else both parts
        are LEAST_S long at least.
    """
    if wanted_s is None:
        wanted_s = (audio_s / tail_rtfx - wait_s) / (1 / head_rtfx + 1 / tail_rtfx)
    if wanted_s <= 0:
        return 0.0
    if audio_s - wanted_s < LEAST_S:
        return audio_s
    return wanted_s if wanted_s >= LEAST_S else 0.0
