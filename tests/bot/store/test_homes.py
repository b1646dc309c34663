"""Who looks at their App Home."""

from datetime import UTC, datetime, timedelta

from bot.store import Store
from bot.store.indexes import HOME_KEEP_S, has_opened_home, note_home

NOW = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)


async def test_who_looked_is_known_for_a_month(store: Store) -> None:
    client, long_ago = store.client, NOW - timedelta(days=60)
    await note_home(client, "anna", NOW - timedelta(seconds=HOME_KEEP_S + 1))
    await note_home(client, "bo", NOW - timedelta(days=2))
    assert [await has_opened_home(client, one, long_ago) for one in ("anna", "bo", "cy")] == [True, True, False]

    await note_home(client, "cy", NOW)

    assert not await has_opened_home(client, "anna", long_ago), "what is too old is not kept"
    assert [await has_opened_home(client, one, NOW - timedelta(days=1)) for one in ("bo", "cy")] == [False, True]
