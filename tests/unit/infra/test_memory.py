import threading
from pathlib import Path

import pytest

from core.ports import ObjectNotFound, PreconditionFailed
from infra.local.memory import MemoryPublisher, MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.world import COMPLETED, world


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(FakeClock())


def test_an_object_is_what_was_written(store: MemoryStore) -> None:
    written = store.write("b", "n", b"data", content_type="text/csv", metadata={"a": "1"})
    assert store.stat("b", "n") == store.stat("b", "n", written.generation) == written
    assert (written.size_bytes, written.content_type, written.metadata) == (4, "text/csv", {"a": "1"})
    assert store.read("b", "n") == store.read("b", "n", written.generation) == b"data"


def test_every_write_makes_a_greater_generation_and_the_old_one_is_gone(store: MemoryStore) -> None:
    first, second = store.write("b", "n", b"1"), store.write("b", "n", b"2")
    assert second.generation > first.generation
    assert store.stat("b", "n", first.generation) is None
    for look in (store.read, store.open):
        with pytest.raises(ObjectNotFound, match=f"gs://b/n with generation {first.generation}"):
            look("b", "n", first.generation)


def test_what_is_not_there_is_none_or_not_found(store: MemoryStore) -> None:
    assert store.stat("b", "n") is None
    with pytest.raises(ObjectNotFound, match=r"gs://b/n$"):
        store.read("b", "n")


def test_a_write_on_a_condition_needs_the_live_generation(store: MemoryStore) -> None:
    first = store.write("b", "n", b"1", if_generation_match=0)
    with pytest.raises(PreconditionFailed, match=f"gs://b/n has generation {first.generation}, expected 0"):
        store.write("b", "n", b"2", if_generation_match=0)
    second = store.write("b", "n", b"2", if_generation_match=first.generation)
    with pytest.raises(PreconditionFailed):
        store.write("b", "n", b"3", if_generation_match=first.generation)
    assert (store.read("b", "n"), store.stat("b", "n")) == (b"2", second)


def test_a_deleted_object_can_be_created_anew(store: MemoryStore) -> None:
    first = store.write("b", "n", b"1")
    store.delete("b", "n")
    store.delete("b", "n")
    with pytest.raises(PreconditionFailed, match="has generation 0"):
        store.write("b", "n", b"2", if_generation_match=first.generation)
    assert store.write("b", "n", b"2", if_generation_match=0).generation > first.generation


def test_a_list_is_of_one_bucket_and_prefix_and_sorted(store: MemoryStore) -> None:
    for bucket, name in (("b", "x/2"), ("b", "x/1"), ("b", "y"), ("c", "x/3")):
        store.write(bucket, name, b"")
    assert [found.name for found in store.list("b", "x/")] == ["x/1", "x/2"]
    assert [found.name for found in store.list("b")] == ["x/1", "x/2", "y"]
    assert list(store.list("d")) == []


def test_a_stream_can_be_read_in_parts_from_any_place(store: MemoryStore) -> None:
    about = store.write("b", "n", b"0123456789")
    with store.open("b", "n", about.generation) as stream:
        stream.seek(-3, 2)
        assert stream.read(2) == b"78"
        assert stream.seekable()


def test_metadata_belongs_to_the_object_and_not_to_its_writer(store: MemoryStore) -> None:
    labels = {"a": "1"}
    about = store.write("b", "n", b"", metadata=labels)
    labels["a"] = "2"
    assert about.metadata == {"a": "1"}


def test_a_file_on_disk_becomes_an_object_without_being_read(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"sound")
    about = store.link("b", "a.mp3", path, {"video_id": "7"})
    assert (about.size_bytes, about.metadata) == (5, {"video_id": "7"})
    with store.open("b", "a.mp3", about.generation) as stream:
        assert stream.read() == b"sound"
    path.unlink()
    with pytest.raises(ObjectNotFound, match="is gone"):
        store.read("b", "a.mp3")


def test_there_is_no_url_to_memory(store: MemoryStore) -> None:
    assert store.signed_url("b", "n", 1, expires_s=60) is None


def test_of_many_threads_that_create_one_object_one_wins(store: MemoryStore) -> None:
    won: list[int] = []
    start = threading.Barrier(8)

    def create(index: int) -> None:
        start.wait()
        try:
            store.write("b", "n", bytes([index]), if_generation_match=0)
        except PreconditionFailed:
            return
        won.append(index)

    threads = [threading.Thread(target=create, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("b", "n") == bytes(won)


def test_a_publisher_keeps_what_was_published_by_topic() -> None:
    place = world()
    place.transcription().run(place.job())
    publisher = place.broker
    assert [event.type for event in publisher.on(COMPLETED)] == ["com.klipstream.transcription.completed.v1"]
    assert MemoryPublisher().on(COMPLETED) == []
