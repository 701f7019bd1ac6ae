import gc
from collections.abc import Iterator

import pytest

from infra.imports import LAST, others_run


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_no_garbage_is_collected_while_all_is_imported() -> None:
    with others_run({}):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_imported_is_not_looked_at_again() -> None:
    gc.unfreeze()
    with others_run({}):
        pass
    assert gc.get_freeze_count() > 10_000


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with others_run({}):
        pass
    assert not gc.isenabled()


def test_a_failing_import_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), others_run({}):
        raise ImportError
    assert gc.isenabled()


def test_nothing_is_done_where_all_is_imported_already() -> None:
    gc.unfreeze()
    with others_run({LAST}):
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0
