"""The format of the store: whoever uses an empty one notes its number, and whoever meets another one stops."""

import asyncio
import json

import pytest

from agents.events import read_event, write_event
from agents.requests.record import RequestRecord
from bot.store import Keys, Store
from bot.store.client.durability import SHARDS, Closed, WrongShards
from bot.store.format import FORMAT, OtherFormat, check_format, look_at_format
from tests.kit.guards import guards

NUMBER = Keys(0).format
OURS = str(FORMAT).encode()
AT = '"at":"2026-03-02T12:00:00Z"'
HELD = {
    20: (
        (
            f'{{{AT},"type":"run_started","schema_version":1,"run_id":"r1","agent":"deploy","channel":"console",'
            '"requester":"anna","text":"deploy v1","max_steps":10,"proof":{"by":"session","link_by":"email",'
            '"mark":"abcdefgh"},"parent":{"run_id":"r0","step_id":"p0","by_mail":true},"inherits":["bo"],"only_read":["bo"],"ways":["api"]}'
        ),
        (
            f'{{{AT},"type":"step_chosen","schema_version":1,"step_id":"p1","step":{{"type":"done","outcome":"done",'
            '"summary":"over"},"call":{"model":"rules","rehearsal":false},"read_by":[{"person":"anna","part":"asked"},'
            '{"person":"bo","part":"objected","no_to":"abcdef"}]}'
        ),
        (
            f'{{{AT},"type":"outside_reported","schema_version":1,"report_id":"r2","handle":"r2","by":[{{"person":"bo",'
            '"part":"wrote"}],"text":"done","ways":["slack"],"ended_at":"2026-03-02T12:00:00Z"}'
        ),
        (
            f'{{{AT},"type":"request_opened","schema_version":1,"request":{{"id":"q1","run_id":"r1","step_id":"p1",'
            '"purpose":"go_on","nonce":"n","title":"Go on?","format":"choice",'
            '"changes":[{"text":"Bo denied it","by":[{"person":"bo","part":"objected"}]}],'
            '"options":["go on","stop the run"],'
            '"option_keys":["agent.go-on","agent.stop-the-run"],"requesters":["anna"],"digest":"d","opened_at":'
            '"2026-03-02T12:00:00Z","expires_at":"2026-03-02T13:00:00Z","policy":{"name":"question","rule":{"type":'
            '"anyone","source":"person:anna","people":["anna"]},"quorum":1,"reach":["email"],"also_post":[],'
            '"answer_from":["email"],"approve_by_email":false,"requester_may_approve":true,"expires_after_s":3600.0,'
            '"execute_within_s":900.0}}}'
        ),
        (
            f'{{{AT},"type":"vote_cast","schema_version":1,"request_id":"q1","vote":{{"proof":{{"by":"key","channel":"cli",'
            f'"key":"abcdefgh","made_by":"dev"}},"reply_id":"m1","person":"bo","approve":true,"reason":"","binding":{{"by":"card",'
            f'"revision":1,"digest":"d","card":"s0d-1","addressee":"bo"}},{AT}}}}}'
        ),
        (
            f'{{{AT},"type":"request_decided","schema_version":1,"request_id":"q1","decision":{{"state":"approved",'
            f'"by":["bo"],"way":"cli","reason":"","given":null,"operators_keys":[],"in_thread":true,{AT}}}}}'
        ),
        (
            f'{{{AT},"type":"person_said","schema_version":1,"proof":{{"by":"chat","user":"U01ANNA","team":"T01",'
            '"did":"wrote"},"said_id":"m1","person":"anna","text":"to staging"}'
        ),
        (
            f'{{{AT},"type":"run_ended","schema_version":1,"outcome":"done","summary":"v1 is live in production.",'
            '"change":"changed","says_live":{"production":"v1"}}'
        ),
        (
            f'{{{AT},"type":"request_frozen","schema_version":1,"request_id":"q1","freeze":{{"environment":"production",'
            '"by":"bo","reason":"incident","window":"","since":"2026-03-02T12:00:00Z","until":null,'
            '"was_listed":true}}'
        ),
        f'{{{AT},"type":"step_refused","schema_version":1,"step_id":"p1","error":"Nobody may","unapproved":true}}',
        (
            f'{{{AT},"type":"run_cancelled","schema_version":1,"proof":{{"by":"mail","server":"mx.corp.example",'
            '"of":"corp.example"},"by":"anna"}'
        ),
        (
            f'{{{AT},"type":"request_reassigned","schema_version":1,"proof":{{"by":"session","link_by":"email",'
            '"mark":"abcdefgh"},"request_id":"q1","why":"delegated","moves":[{"type":"seats_passed","out":"bo","into":"cy",'
            '"seats":["0.0"]},{"type":"step_began","number":1,"filled":["bo"]},{"type":"seats_filled","seats":{"0.0":["cy"]}'
            ',"escalates":true}],"by":"bo","person":"bo","to":["cy"]}'
        ),
    ),
}
"""What stores of a format hold: where this changes, nothing that waits in one is read, and FORMAT goes up."""

RECORD = (
    '{"request":{"id":"q1","run_id":"r1","step_id":"p1","purpose":"gate","nonce":"n","title":"Deploy?","format":'
    '"approval","requesters":["anna"],"digest":"d","opened_at":"2026-03-02T12:00:00Z","expires_at":'
    '"2026-03-02T16:00:00Z","policy":{"name":"production","rule":{"type":"anyone","source":"group:release","people":'
    '["bo"]},"quorum":1,"reach":["email"],"also_post":[],"answer_from":["cli"],"approve_by_email":false,'
    '"requester_may_approve":false,"expires_after_s":14400.0,"execute_within_s":900.0}},"asked":{"rule":{"type":'
    '"anyone","source":"group:release","people":["cy"]},"quorum":1,"requester_may_approve":false,"may_deny":["bo"],'
    '"handed_on":[{"person":"bo","to":"cy","why":"delegated"}]},"is_paused":true}'
)


async def test_whoever_uses_an_empty_store_first_notes_the_number_and_who_only_looks_writes_nothing(
    store: Store,
) -> None:
    assert (await look_at_format(store.client), await store.client.do("DBSIZE")) == (None, 0)
    await asyncio.gather(*(check_format(store.client) for _ in range(8)))

    assert await store.client.do("GET", NUMBER) == OURS
    await store.client.do("SET", SHARDS, 8)
    await check_format(store.client)
    assert await look_at_format(store.client) == FORMAT


def test_what_stores_of_this_format_hold_is_read_and_written_as_it_stands_there() -> None:
    for body in HELD[FORMAT]:
        assert json.loads(write_event(read_event(body))) == json.loads(body)
    record = json.loads(RequestRecord.model_validate_json(RECORD).model_dump_json())
    assert {**record, **json.loads(RECORD)} == record


@guards("note_format.lua:known")
async def test_attack_another_number_is_refused_in_one_sentence_and_stays(store: Store) -> None:
    says = rf"reads format {FORMAT}\. Start the release of sayso that wrote it, or"
    for number in (str(FORMAT + 1), str(FORMAT - 1), "", "1.0", " 1", "\u0661", "one", "\x1b[2J" * 9):
        await store.client.do("SET", NUMBER, number)

        for looks in (check_format, look_at_format):
            with pytest.raises(OtherFormat, match=says):
                await looks(store.client)
        assert await store.client.do("GET", NUMBER) == number.encode()


async def test_attack_what_waits_approved_under_a_name_that_nobody_reads_is_not_passed_over(
    store: Store,
) -> None:
    await store.client.read(("SET", NUMBER, 2), ("SET", SHARDS, 2), ("SADD", "{s0}:frozen:waits", "s0q-aaaaaaaaaaaaa"))

    with pytest.raises(OtherFormat, match="This store has format 2, and this release of sayso reads"):
        await check_format(store.client)


@guards("note_format.lua:used")
@pytest.mark.parametrize(
    ("key", "command"),
    [
        (SHARDS, ("SET", SHARDS, 8)),
        (Keys(0).api_keys, ("HSET", Keys(0).api_keys, "a", "b")),
        (Keys(0).wake, ("ZADD", Keys(0).wake, 1, "run s0r-aaaaaaaaaaaaa")),
        (Keys(0).runs, ("ZADD", Keys(0).runs, 1, "s0r-aaaaaaaaaaaaa")),
        (Keys(0).audit_new, ("RPUSH", Keys(0).audit_new, "x")),
    ],
)
async def test_attack_data_without_a_number_is_refused_and_gets_none(
    store: Store, key: str, command: tuple[str | int, ...]
) -> None:
    await store.client.do(*command)

    for looks in (check_format, look_at_format):
        with pytest.raises(OtherFormat, match="has data and no format number"):
            await looks(store.client)
    assert await store.client.do("EXISTS", NUMBER) == 0
    assert await store.client.do("EXISTS", key) == 1


async def test_a_store_that_is_being_restored_is_said_to_be_that(store: Store) -> None:
    closed = Closed(kind="held", why="sayso restore --loaded holds what is unfinished")
    await store.client.do("SET", SHARDS, closed.model_dump_json())

    with pytest.raises(WrongShards, match=r"not whole.*Wait until `sayso restore --loaded` has ended"):
        await check_format(store.client)
