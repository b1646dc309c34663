"""The agreement that several processes need about one mailbox."""

from datetime import date

from bot.store import Store
from bot.store.locks import MailboxStore
from channels.email.servers.bookmark import Cursor
from tests.kit.guards import guards
from tests.kit.waiting import until

TODAY = date(2026, 3, 2)


def box(store: Store, name: str = "agent@mail.example") -> MailboxStore:
    return MailboxStore(store.client, name)


@guards("bookmark.lua:back")
async def test_a_bookmark_goes_on_and_never_back_but_where_new_uids_begin_anew_and_mails_are_known_all_the_same(
    store: Store,
) -> None:
    assert (await box(store).read(), await box(store).state()) == (None, None)
    for validity, uid, mail in ((7, 2, None), (7, 10, "a-mail"), (7, 9, None)):
        await box(store).move(Cursor(validity, uid, TODAY), mail)
    assert await box(store).read() == Cursor(7, 10, TODAY)

    await box(store).move(Cursor(8, 1, TODAY), None)

    assert await box(store).read() == Cursor(8, 1, TODAY)
    assert [await box(store).knows(mail) for mail in ("a-mail", "another")] == [True, False]
    assert not await box(store, "other@mail.example").knows("a-mail")


async def test_the_oldest_mails_are_forgotten_first(store: Store) -> None:
    forgetful = MailboxStore(store.client, "agent@mail.example", remembers=2)
    for number in range(3):
        await forgetful.move(Cursor(7, number, TODAY), f"mail-{number}")

    assert [await forgetful.knows(f"mail-{number}") for number in range(3)] == [False, True, True]


@guards("hold_mailbox.lua:holder")
async def test_one_process_at_a_time_holds_a_mailbox(store: Store) -> None:
    first, second = box(store), box(store)

    assert await first.hold(60)
    assert await first.hold(60)
    assert not await second.hold(60)

    await second.let_go()
    assert not await second.hold(60)

    await first.let_go()
    assert await second.hold(60)


async def test_a_process_that_died_holds_it_for_so_long(store: Store) -> None:
    await box(store).hold(0.2)

    assert await until(lambda: box(store).hold(60), what="it is free")


async def test_trouble_is_told_with_when_it_was_last_reached(store: Store) -> None:
    await box(store).note_reached()
    await box(store).note_trouble("the server is away")

    state = await box(store).state()
    assert state is not None
    assert state.trouble == "the server is away"
    assert state.reached_at is not None
    await box(store).note_reached()
    reached = await box(store).state()
    assert reached is not None
    assert reached.trouble == ""
