"""One file on its way through the model: windows out, words back, what stayed silent heard again."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from core.coverage import WORD_REACH_S, gaps, holes
from core.retries import Place, filled, retries
from core.scheduler import CHECK_S, Line
from core.stitch import Heard, Stitch
from core.transcript import Gap, Word
from core.windows import Span, Window

Words = Future[list[Word]]


class Hearing:
    """Takes the windows of one file in order, and holds those that the model has not answered yet.

    A window is let go once its neighbour behind is heard too: only then is it known which of its sounds have
    no word.
    """

    def __init__(self, line: Line, check_s: float = CHECK_S) -> None:
        self._line = line
        self._check_s = check_s
        self._waiting: deque[tuple[Window, Words]] = deque()
        self._stitch = Stitch()
        self._last: Window | None = None
        self._holes: list[Span] = []
        self._again: list[tuple[Place, Words]] = []
        self._broken: list[Span] = []

    def take(self, window: Window) -> None:
        """Send a window to the model. Raises what the model raised for an earlier one."""
        self._waiting.append((window, self._line.submit(window.samples)))
        while self._waiting and self._waiting[0][1].done():
            self._collect()

    def finish(self) -> tuple[tuple[Word, ...], tuple[Gap, ...], float]:
        """The words, what is missing between them, and the length of the audio in seconds, once all is heard.

        Raises:
            EngineFailed, EngineRestarting: as the model said of any window.
        """
        while self._waiting:
            self._collect()
        self._cover()
        if self._last is None:
            return (), (), 0.0
        end_s = self._last.end_s
        words = filled(self._stitch.finished(), self._heard_again(), end_s)
        return words, gaps(words, self._holes, self._broken, end_s), end_s

    def _collect(self) -> None:
        window, words = self._waiting.popleft()
        self._stitch.add(_placed(window, self._answer(words)))
        self._cover()
        self._last = window
        self._broken += window.holes

    def _cover(self) -> None:
        """Look for sound without words in the window before, now that both its neighbours are heard."""
        window = self._last
        if window is None:
            return
        found = holes(window, self._stitch.since(window.start_s - WORD_REACH_S))
        self._holes += found
        self._again += (
            (stretch.place, self._line.submit(stretch.samples)) for stretch in retries(window, found)
        )

    def _heard_again(self) -> list[tuple[Place, Sequence[Word]]]:
        return [(place, self._answer(words)) for place, words in self._again]

    def _answer(self, words: Words) -> list[Word]:
        while True:
            try:
                return words.result(self._check_s)
            except TimeoutError:
                if words.done():
                    raise
                self._line.check()


def _placed(window: Window, words: Sequence[Word]) -> Heard:
    shifted = tuple(word.shifted(window.start_s) for word in words)
    return Heard(window.start_s, window.end_s, shifted, window.cut_s)
