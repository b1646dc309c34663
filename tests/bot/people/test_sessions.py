"""Links and sessions are known by their hashes, each works for one person, and for no longer than it should."""

import asyncio

import pytest

from agents.requests import PersonId
from agents.requests.proof import LinkBy
from bot.people.sessions import LINK_S, SESSION_S, Login, Session, Sessions, brought_by
from bot.store import Store
from bot.store.client import Client
from tests.bot.examples import PEOPLE
from tests.bot.store.stores import RUN, move_time
from tests.servers.redis_proxy import Proxy

ANNA, BO = PersonId("anna"), PersonId("bo")


@pytest.fixture
def logins(store: Store) -> Sessions:
    return Sessions(store, PEOPLE)


async def opened(logins: Sessions, *, by: LinkBy = "operator", is_demo: bool = False) -> tuple[str, Session]:
    """The text of a session of Anna's, and the session."""
    text = await logins.spend(await logins.link(ANNA, by=by, is_demo=is_demo))
    assert text
    session = await logins.find(text)
    assert session
    return text, session


async def test_a_link_is_spent_once_however_many_try(logins: Sessions) -> None:
    token = await logins.link(ANNA, by="operator")

    texts = await asyncio.gather(*(logins.spend(token) for _ in range(64)))

    [text] = [text for text in texts if text]
    session = await logins.find(text)
    assert session
    assert (session.person, session.is_demo) == (ANNA, False)


async def test_a_link_whose_answer_was_lost_on_the_way_is_not_spent_for_nothing(
    store: Store, redis: str, logins: Sessions
) -> None:
    await opened(logins)  # Redis knows the script from now on
    proxy = Proxy(redis)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1")
    client = Client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    proxy.traps.control({"do": "arm", "name": "spend", "nth": 1, "when": "after", "act": "drop"})

    text = await Sessions(Store(client, store.shards), PEOPLE).spend(await logins.link(ANNA, by="operator"))
    await client.close()
    server.close()

    assert proxy.traps.control({"do": "seen"}) == {"seen": ["spend", "spend"], "sprung": 1}
    assert text
    assert await logins.find(text)


async def test_redis_keeps_no_text_that_opens_anything_and_each_for_its_time(
    store: Store, redis: str, logins: Sessions
) -> None:
    token = await logins.link(ANNA, by="operator")
    text, session = await opened(logins)
    client = Client(redis)

    names = [name async for name in client.scan("*") if ":login:" in name or ":session:" in name]
    bodies = [await client.do("GET", name) for name in names]
    lives_s = sorted([round(await client.do("PTTL", name) / 1000, -1) for name in names])
    await client.close()

    assert lives_s == [LINK_S, SESSION_S] == [900, 43_200]
    for secret in (token.encode(), text.encode(), session.secret, session.secret.hex().encode()):
        assert all(secret not in name.encode() + body for name, body in zip(names, bodies, strict=True))


async def test_what_was_never_given_out_or_is_closed_opens_nothing_and_a_link_is_no_session(logins: Sessions) -> None:
    token = await logins.link(ANNA, by="operator")
    (text, _), (other, _) = await opened(logins), await opened(logins)
    for never in ("", "x", "a" * 40, "\udcff\x00", "*", "x" * 10_000):
        assert (await logins.spend(never), await logins.find(never)) == (None, None)
        await logins.end(never)
        await logins.turn(never, BO)
    assert (await logins.find(token), await logins.spend(text)) == (None, None)

    await logins.end(text)

    assert await logins.find(text) is None
    assert await logins.find(other)


async def test_a_session_ends_at_its_time_even_if_redis_still_has_it(
    store: Store, redis: str, logins: Sessions
) -> None:
    text, _ = await opened(logins)

    await move_time(store, SESSION_S + 1)
    await store.now(RUN)

    assert await logins.find(text) is None


async def test_only_a_demo_session_turns_and_it_lives_no_longer_for_it(logins: Sessions) -> None:
    demo, before = await opened(logins, is_demo=True)
    own, _ = await opened(logins)

    await logins.turn(demo, BO)
    await logins.turn(own, BO)

    turned, kept = await logins.find(demo), await logins.find(own)
    assert turned
    assert kept
    assert (turned.person, turned.is_demo, turned.expires_at) == (BO, True, before.expires_at)
    assert (kept.person, kept.is_demo) == (ANNA, False)


@pytest.mark.parametrize("by", ["slack", "email"])
async def test_a_session_knows_how_its_link_came(logins: Sessions, by: LinkBy) -> None:
    token = await logins.link(ANNA, by=by)
    demo, _ = await opened(logins, by=by, is_demo=True)

    link, (_, session) = await logins.peek(token), await opened(logins, by=by)
    await logins.turn(demo, BO)

    turned = await logins.find(demo)
    assert link
    assert turned
    assert [one.by for one in (link, session, turned)] == [by] * 3


async def test_what_a_release_before_kept_counts_as_having_come_by_mail(
    store: Store, redis: str, logins: Sessions
) -> None:
    token = await logins.link(ANNA, by="operator")
    text, session = await opened(logins)
    client = Client(redis)
    for name in [name async for name in client.scan("*") if ":login:" in name or ":session:" in name]:
        body = await client.do("GET", name)
        assert body.count(b',"by":"operator"') == 1
        await client.do("SET", name, body.replace(b',"by":"operator"', b""), "KEEPTTL")
    await client.close()

    link, found, spent = await logins.peek(token), await logins.find(text), await logins.spend(token)

    later = await logins.find(spent or "")
    assert link
    assert found
    assert later
    assert [one.by for one in (link, found, later)] == ["email"] * 3
    assert found == session.model_copy(update={"by": "email"})


@pytest.mark.parametrize(
    ("has", "gets", "is_enough"),
    [
        ("slack", "slack", True),
        ("slack", "email", True),
        ("operator", "email", True),
        ("email", "email", True),
        ("email", "slack", False),
        ("email", "operator", False),
    ],
)
def test_whoever_has_a_session_needs_another_one_only_if_it_gives_more(
    *, has: LinkBy, gets: LinkBy, is_enough: bool
) -> None:
    link = Login(person=ANNA, by=gets)

    assert Login(person=ANNA, by=has).is_as_good_as(link) is is_enough
    assert not Login(person=BO, by=has).is_as_good_as(link)
    assert not Login(person=ANNA, by=has, is_demo=True).is_as_good_as(link)


@pytest.mark.parametrize(("channel", "by"), [("slack", "slack"), ("email", "email"), ("carrier pigeon", "email")])
def test_a_channel_that_is_not_known_counts_no_more_than_a_mail(channel: str, by: LinkBy) -> None:
    assert brought_by(channel) == by


async def test_a_stamp_is_of_one_session_for_one_purpose(logins: Sessions) -> None:
    (_, one), (_, other) = await opened(logins), await opened(logins)
    stamp = one.stamp("form of anna")

    assert one.bears(stamp, "form of anna")
    assert not one.bears(stamp, "form of bo")
    assert not other.bears(stamp, "form of anna")
    assert not one.bears("é", "form of anna")
    assert not one.bears("", "form of anna")
