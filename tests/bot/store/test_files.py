"""Files stand beside the events that list them: written with them or not at all, and kept for a while."""

import hashlib

import pytest

from bot.errors import NotFound
from bot.store import Commit, Store
from bot.store.attachments import content_of
from bot.store.commit import FILES_S
from tests.bot.store.stores import ATTEMPT, ITEM, RUN, append, finished, paused, started, tool_started

CONTENT = bytes(range(256)) * 8_000
HASH = hashlib.sha256(CONTENT).hexdigest()


async def test_a_file_is_written_with_the_change_or_the_result_it_came_with_once_and_kept_for_a_month(
    store: Store,
) -> None:
    empty, late = "1" * 64, "2" * 64
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, files=[(HASH, CONTENT)]))
    await store.start_tool(RUN, 1, ATTEMPT, tool_started(), None)
    assert await store.finish_tool(RUN, ATTEMPT, finished(), [(empty, b"")])
    assert await store.finish_tool(RUN, ATTEMPT, finished(), [(late, b"late")])

    assert [await content_of(store.client, RUN, one) for one in (HASH, empty, late)] == [CONTENT, b"", None]
    for one in (HASH, empty):
        assert FILES_S - 60 < await store.client.do("TTL", f"{{s0}}:file:{RUN}:{one}") <= FILES_S


async def test_a_change_that_is_not_written_leaves_no_file(store: Store) -> None:
    await append(store, started(), expect=0)

    late = await store.commit(Commit(run_id=RUN, events=[paused()], expect=0, files=[(HASH, CONTENT)]))
    gone = await store.commit(Commit(run_id=RUN, events=[paused()], inbound=ITEM, files=[(HASH, CONTENT)]))

    assert (late.state, gone.state) == ("conflict", "gone")
    assert await content_of(store.client, RUN, HASH) is None


async def test_only_a_hash_names_a_file_and_only_in_its_own_run(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], files=[(HASH, CONTENT)]))

    assert await content_of(store.client, "s0r-bbbbbbbbbbbbb", HASH) is None
    assert await content_of(store.client, RUN, f"{HASH}*") is None
    with pytest.raises(NotFound):
        await content_of(store.client, "no run", HASH)
