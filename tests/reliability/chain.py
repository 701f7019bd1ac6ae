"""The whole way of a file: every published message is delivered to its subscriber until it is acked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.audio import AudioObject
from core.errors import AlreadyInProgress, EngineFailed, Retryable
from core.events import Event, job_of
from infra.ledger import LEASE_S
from tests.fakes.process import Crash, Process
from tests.fakes.world import COMPLETED, TOPICS, World

Message = tuple[str, AudioObject | Event]

DELIVERIES = 12


@dataclass
class Chain:
    """Delivers messages one by one; a crash or a nack brings the message again, later.

    Args:
        world: the outside.
        processes: one after the other, the next one starts when the one before has died.
        twice: deliver every message once more after its ack.
    """

    world: World
    processes: Iterator[Process] = field(default_factory=lambda: iter(()))
    twice: bool = False
    delivered: int = 0

    def run(self, *uploads: AudioObject) -> None:
        """Deliver the events of the uploads and all that follows from them."""
        process = next(self.processes, Process())
        for audio in uploads:
            process = self._until_acked(("uploaded", audio), process)
        while self.delivered < len(self.world.broker.published):
            message = self.world.broker.published[self.delivered]
            self.delivered += 1
            process = self._until_acked(message, process)

    def _until_acked(self, message: Message, process: Process) -> Process:
        acks = 0
        for _ in range(DELIVERIES):
            try:
                handle(seen_by(process, self.world), message)
                acks += 1
            except Crash:
                process = next(self.processes, Process())
                self.world.clock.advance(LEASE_S + 1)
            except (Retryable, AlreadyInProgress, EngineFailed):
                self.world.clock.advance(LEASE_S + 1)
            if acks > self.twice:
                return process
        raise AssertionError(f"a message to {message[0]} was delivered {DELIVERIES} times without an ack")


def seen_by(process: Process, world: World) -> World:
    """The world, as a process reaches it."""
    return world.but(store=process.store(world.store), publisher=process.publisher(world.publisher))


def handle(world: World, message: Message) -> None:
    """What the subscriber of a topic does with one message."""
    topic, content = message
    if isinstance(content, AudioObject):
        world.reception().run(content)
        return
    subscribers: dict[str, Callable[[Event], object]] = {
        TOPICS.requested: lambda event: world.transcription().run(job_of(event.data)),
        TOPICS.fallback: lambda event: world.fallback().run(job_of(event.data)),
        TOPICS.progress: lambda event: world.notification().run(event.type, event.data),
        COMPLETED: lambda event: world.notification().run(event.type, event.data),
    }
    subscribers[topic](content)
