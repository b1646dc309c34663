"""What the sealer finds to record: the events of a run from the script that appends them, and notes about the rest."""

import json
from datetime import UTC, datetime

from agents.requests import DeliveryId, PersonId, RequestId, RunId
from agents.requests.proof import ByKey
from bot.audit.log import AuditLog
from bot.store import Commit, Keys, Store, scripts
from bot.store.journal import outbox_entry
from bot.store.outbox_entry import PlaceCard, shown_in
from channels import Card, Line
from tests.bot.store.stores import ATTEMPT, OUT, RUN, append, finished, orphaned, paused, started, tool_started
from tests.kit.guards import guards


async def new_facts(store: Store, shard: int = 0) -> list[dict[str, str]]:
    entries = await store.client.do("XRANGE", Keys(shard).audit_new, "-", "+")
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]


async def test_what_happens_to_a_run_is_noted_by_the_change_that_appends_it_and_nothing_where_it_is_refused(
    store: Store,
) -> None:
    await append(store, started(), expect=0)
    await append(store, paused(), expect=1)
    await append(store, paused(), expect=7)
    assert await new_facts(store) == [{"run": RUN, "first": "2", "count": "1"}]

    await store.start_tool(RUN, 2, ATTEMPT, tool_started(), None)
    await store.renew(RUN, ATTEMPT, 0)
    await store.orphan(RUN, ATTEMPT, orphaned())

    await store.finish_tool(RUN, ATTEMPT, finished())

    noted = [(fact["first"], fact["count"]) for fact in await new_facts(store)]
    assert noted == [("2", "1"), ("3", "1"), ("4", "1"), ("5", "1")]


async def test_the_cards_that_people_get_are_noted_once_and_what_differs_in_those_of_others(store: Store) -> None:
    def placed(person: str, title: str) -> tuple[str, bytes]:
        card = {"title": title, "summary": "now", "receipt": "secret"}
        entry = {"kind": "place", "person": person, "place": "", "card": card}
        return f"{OUT}{person}", json.dumps(entry, separators=(",", ":")).encode()

    outgoing = [placed("bo", "Deploy?"), placed("cy", "Deploy?"), placed("dee", "Ausliefern?")]
    await store.commit(Commit(run_id=RUN, events=[paused()], outgoing=outgoing))

    shown = shown_in(json.loads((await new_facts(store))[0]["cards"]))
    assert shown == [
        {"for": ["bo", "cy"], "card": {"title": "Deploy?", "summary": "now", "receipt": ""}},
        {"for": ["dee"], "card": {"title": "Ausliefern?"}},
    ]


async def test_what_the_card_of_another_one_does_not_have_is_noted_as_what_differs(store: Store) -> None:
    def placed(person: str, card: Card) -> tuple[str, bytes]:
        entry = PlaceCard(
            id=f"{OUT}{person}", run_id=RunId(RUN), person=PersonId(person), reach=("email",), card=card, thread="",
            request_id=RequestId("s0q-aaaaaaaaaaaaa"), delivery_id=DeliveryId("s0d-aaaaaaaaaaaaa"), revision=1,
        )  # fmt: skip
        return outbox_entry(entry)

    at = datetime(2026, 11, 27, tzinfo=UTC)
    whole = Card(title="Deploy?", quoted="My reason", quoted_as="Anna", facts=(Line(label="To", text="prod"),), at=at)
    silent = Card(title="Deploy?", facts=whole.facts, at=at)
    await store.commit(Commit(run_id=RUN, events=[paused()], outgoing=[placed("bo", whole), placed("cy", silent)]))

    first, other = shown_in(json.loads((await new_facts(store))[0]["cards"]))
    assert (first["for"], other) == (["bo"], {"for": ["cy"], "card": {"quoted": "", "quoted_as": ""}})


async def test_a_fact_outside_runs_is_noted_with_who_and_how_that_was_known_in_the_log_of_its_shard(
    store: Store,
) -> None:
    await AuditLog(store).note("refused", who=PersonId("bo"), run_id="s1r-aaaaaaaaaaaaa", proof=None)
    assert (await new_facts(store), len(await new_facts(store, 1))) == ([], 1)

    await AuditLog(store).note(
        "frozen", who=PersonId("bo"), proof=ByKey(channel="cli", key="ab", made_by="operator"), words="incident"
    )

    fact = json.loads((await new_facts(store))[0]["note"])
    assert (fact["kind"], fact["who"], fact["words"]) == ("frozen", "bo", "incident")
    assert (fact["channel"], fact["proof"]["key"], fact["proof"]["made_by"]) == ("cli", "ab", "operator")


@guards("planted:note_of_the_log_is_new")
async def test_a_note_that_is_written_again_because_its_answer_was_lost_stands_there_once(store: Store) -> None:
    for _ in range(2):
        await store.client.run(scripts.note_audit(Keys(0), "n1", "{}"))

    assert len(await new_facts(store)) == 1
