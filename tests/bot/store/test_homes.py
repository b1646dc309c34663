"""Who looks at their App Home."""

from datetime import UTC, datetime, timedelta

from bot.store import Store
from bot.store.indexes import HOME_KEEP_S, Homes

NOW = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)


async def test_who_looked_is_known_for_a_month(store: Store) -> None:
    homes, long_ago = Homes(store.client), NOW - timedelta(days=60)
    await homes.note_opened("anna", NOW - timedelta(seconds=HOME_KEEP_S + 1))
    await homes.note_opened("bo", NOW - timedelta(days=2))
    assert [await homes.has_opened(one, long_ago) for one in ("anna", "bo", "cy")] == [True, True, False]

    await homes.note_opened("cy", NOW)

    assert not await homes.has_opened("anna", long_ago), "what is too old is not kept"
    assert [await homes.has_opened(one, NOW - timedelta(days=1)) for one in ("bo", "cy")] == [False, True]
