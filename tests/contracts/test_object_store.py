"""core.ports.ObjectStore, over memory and over Google's client against a real server."""

import io
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from core.ports import ObjectNotFound, ObjectStore, PreconditionFailed, StoredObject
from infra.gcs import RANGE_BYTES, GcsStore
from infra.local.memory import MemoryStore
from tests.contracts.storage import BUCKET
from tests.fakes.clock import FakeClock

NAMES = [
    "plain.mp3",
    "1/audio/audio_1.mp3",
    "Grüße, 世界 🎧.mp3",
    "a b#c?d=e&f+g.mp3",
    "a%2Fb.mp3",
    "a//b.mp3",
]
AUDIO = bytes(range(256)) * 8


@dataclass
class Bucket:
    """A store, seen through one bucket and a folder that no other test uses."""

    store: ObjectStore
    folder: str

    def name(self, name: str = "object") -> str:
        return f"{self.folder}/{name}"

    def write(self, data: bytes = AUDIO, name: str = "object", *, over: int | None = None) -> StoredObject:
        return self.store.write(BUCKET, self.name(name), data, if_generation_match=over)

    def read(self, name: str = "object", generation: int | None = None) -> bytes:
        return self.store.read(BUCKET, self.name(name), generation)

    def stat(self, name: str = "object", generation: int | None = None) -> StoredObject | None:
        return self.store.stat(BUCKET, self.name(name), generation)

    def listed(self, prefix: str = "") -> list[StoredObject]:
        return list(self.store.list(BUCKET, self.name(prefix)))


@pytest.fixture(params=["memory", pytest.param("gcs", marks=pytest.mark.local_cloud)])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    if request.param == "memory":
        store: ObjectStore = MemoryStore(FakeClock())
    else:
        store = GcsStore(request.getfixturevalue("gcs_client"))
    return Bucket(store, uuid.uuid4().hex)


def test_what_is_written_is_read(bucket: Bucket) -> None:
    written = bucket.write()
    assert bucket.read() == AUDIO
    assert bucket.read(generation=written.generation) == AUDIO
    assert bucket.stat() == written
    assert bucket.stat(generation=written.generation) == written
    assert (written.size_bytes, written.name) == (len(AUDIO), bucket.name())
    assert written.updated.utcoffset() == datetime.now(UTC).utcoffset()


def test_an_empty_object_is_an_object(bucket: Bucket) -> None:
    written = bucket.write(b"")
    assert written.size_bytes == 0
    assert bucket.read() == b""
    assert bucket.store.open(BUCKET, written.name, written.generation).read() == b""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_characters_is_kept(bucket: Bucket, name: str) -> None:
    written = bucket.write(name=name)
    assert written.name == bucket.name(name)
    assert bucket.stat(name) == written
    assert bucket.read(name) == AUDIO
    assert bucket.store.open(BUCKET, written.name, written.generation).read() == AUDIO
    assert [found.name for found in bucket.listed()] == [bucket.name(name)]
    bucket.store.delete(BUCKET, written.name)
    assert bucket.stat(name) is None


def test_metadata_and_the_kind_of_content_come_back(bucket: Bucket) -> None:
    metadata = {"video_id": "7", "title": "Grüße 🎧", "empty": "", "with space": "a=b&c"}
    name = bucket.name()
    bucket.store.write(BUCKET, name, AUDIO, content_type="audio/mpeg", metadata=metadata)
    stat = bucket.stat()
    assert stat is not None
    assert (stat.content_type, stat.metadata) == ("audio/mpeg", metadata)
    assert bucket.listed() == [stat]


def test_metadata_of_the_object_before_is_forgotten(bucket: Bucket) -> None:
    bucket.store.write(BUCKET, bucket.name(), AUDIO, metadata={"video_id": "7"})
    assert bucket.write().metadata == {}


def test_an_object_is_created_once(bucket: Bucket) -> None:
    first = bucket.write(b"first", over=0)
    with pytest.raises(PreconditionFailed):
        bucket.write(b"second", over=0)
    assert bucket.stat() == first
    assert bucket.read() == b"first"


def test_a_write_over_the_live_generation_makes_a_newer_one(bucket: Bucket) -> None:
    first = bucket.write(b"first")
    second = bucket.write(b"second", over=first.generation)
    assert second.generation > first.generation
    assert bucket.read() == b"second"


def test_a_write_over_a_stale_generation_is_refused(bucket: Bucket) -> None:
    first = bucket.write(b"first")
    bucket.write(b"second")
    with pytest.raises(PreconditionFailed):
        bucket.write(b"third", over=first.generation)
    assert bucket.read() == b"second"


def test_a_write_over_an_object_that_is_gone_is_refused(bucket: Bucket) -> None:
    first = bucket.write()
    bucket.store.delete(BUCKET, first.name)
    with pytest.raises(PreconditionFailed):
        bucket.write(over=first.generation)
    assert bucket.stat() is None


def test_a_replaced_generation_is_gone(bucket: Bucket) -> None:
    first = bucket.write(b"first")
    bucket.write(b"second")
    assert bucket.stat(generation=first.generation) is None
    with pytest.raises(ObjectNotFound):
        bucket.read(generation=first.generation)
    with pytest.raises(ObjectNotFound):
        bucket.store.open(BUCKET, first.name, first.generation)


def test_what_was_never_there_is_not_found(bucket: Bucket) -> None:
    assert bucket.stat() is None
    assert bucket.stat(generation=7) is None
    with pytest.raises(ObjectNotFound, match=bucket.name()):
        bucket.read()
    with pytest.raises(ObjectNotFound, match=bucket.name()):
        bucket.store.open(BUCKET, bucket.name(), 7)


def test_deleting_twice_is_harmless(bucket: Bucket) -> None:
    written = bucket.write()
    bucket.store.delete(BUCKET, written.name)
    bucket.store.delete(BUCKET, written.name)
    assert bucket.stat() is None
    assert bucket.listed() == []


def test_a_name_that_is_free_again_can_be_created(bucket: Bucket) -> None:
    first = bucket.write(over=0)
    bucket.store.delete(BUCKET, first.name)
    assert bucket.write(over=0).generation > first.generation


def test_a_list_holds_what_starts_with_the_prefix_by_name(bucket: Bucket) -> None:
    for name in ("b/2", "a/1", "b/1", "bb"):
        bucket.write(name=name)
    assert [found.name for found in bucket.listed("b/")] == [bucket.name("b/1"), bucket.name("b/2")]
    assert [found.name for found in bucket.listed()] == [bucket.name(n) for n in ("a/1", "b/1", "b/2", "bb")]
    assert bucket.listed("none") == []


def test_a_stream_reads_and_seeks_as_a_file_does(bucket: Bucket) -> None:
    written = bucket.write()
    model = io.BytesIO(AUDIO)
    with bucket.store.open(BUCKET, written.name, written.generation) as stream:
        assert stream.seekable()
        for offset, whence, length in [
            (0, io.SEEK_SET, 10),
            (100, io.SEEK_CUR, 300),
            (-20, io.SEEK_END, 100),
            (0, io.SEEK_END, 5),
            (len(AUDIO) + 50, io.SEEK_SET, 5),
            (1, io.SEEK_SET, 0),
            (-1, io.SEEK_CUR, -1),
        ]:
            assert stream.seek(offset, whence) == model.seek(offset, whence)
            assert stream.read(length) == model.read(length)
            assert stream.tell() == model.tell()


@pytest.mark.parametrize("begun", [True, False])
def test_a_stream_never_shows_what_replaced_its_object(bucket: Bucket, begun: bool) -> None:
    written = bucket.write(b"first" * RANGE_BYTES)
    with bucket.store.open(BUCKET, written.name, written.generation) as stream:
        if begun:
            assert stream.read(5) == b"first"
        bucket.write(b"later" * RANGE_BYTES)
        stream.seek(-5, io.SEEK_END)
        try:
            assert stream.read() == b"first"
        except ObjectNotFound:
            return
