"""Outbox entries and schedule members as the release before this one left them in Redis.

`stored/outbox.jsonl` holds one entry per line, with every kind and every set of fields that it came with. Never edit
it: what waits in an outbox while a new release starts is still sent, and means the same.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.store import Commit, Keys, Store, Wake, WorkItem
from bot.store.outbox_entry import read_entry
from tests.bot.store.stores import ITEM, OUT, REQUEST, RUN, woken

ENTRIES = (Path(__file__).parent / "stored" / "outbox.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("body", ENTRIES, ids=lambda body: json.loads(body)["kind"])
def test_an_entry_of_the_release_before_says_all_that_it_said(body: bytes) -> None:
    said = json.loads(body)

    entry = json.loads(read_entry(body).model_dump_json())

    if "card" in entry:
        assert _said(entry["card"]) == _said(said["card"])
        entry["card"] = said["card"]
    assert entry == {name: said[name] for name in entry}
    assert not any(value for name, value in said.items() if name not in entry)


@pytest.mark.parametrize("body", ENTRIES, ids=lambda body: json.loads(body)["kind"])
def test_an_entry_that_says_more_than_its_kind_can_is_refused(body: bytes) -> None:
    for more in ({"raw": "eA==", "again": True}, {"new": ""}):
        with pytest.raises(ValidationError):
            read_entry(json.dumps(json.loads(body) | more).encode())


def test_there_is_one_of_every_kind() -> None:
    kinds = {json.loads(body)["kind"] for body in ENTRIES}

    assert kinds == {"place", "update", "tell", "alert", "stranger", "status", "mail"}


MEMBERS = {
    WorkItem("run", RUN): "run s0r-aaaaaaaaaaaaa",
    WorkItem("in", ITEM): "in s0i-aaaaaaaaaaaaa",
    WorkItem("out", OUT): "out s0o-aaaaaaaaaaaaa",
    WorkItem("ask", REQUEST): "ask s0q-aaaaaaaaaaaaa",
}


async def test_work_is_scheduled_under_the_names_that_the_release_before_gave_it(store: Store) -> None:
    await store.commit(Commit(run_id=RUN, wake=[Wake(item) for item in MEMBERS]))

    assert set(await woken(store)) == set(MEMBERS.values())


async def test_work_that_the_release_before_scheduled_is_swept_up_and_that_of_a_newer_one_is_left(store: Store) -> None:
    for member in (*MEMBERS.values(), "seal s0r-aaaaaaaaaaaaa"):
        await store.client.do("ZADD", Keys(0).wake, 1, member)

    assert set(await store.sweep(0)) == set(MEMBERS)
    assert "seal s0r-aaaaaaaaaaaaa" in await woken(store)


def _said(card: dict[str, Any]) -> Any:
    """What `card` says: a field that was not there when it was kept says nothing now."""
    return json.loads(json.dumps(card), object_hook=lambda found: {name: what for name, what in found.items() if what})
