"""Outbox entries and schedule members as the release before this one left them in Redis.

`stored/outbox.jsonl` holds one entry per line, with every kind and every set of fields that it came with. Never edit
it: what waits in an outbox while a new release starts is still sent, and means the same.
"""

import json
from pathlib import Path

import pytest

from bot.store.outbox_entry import OutboxEntry

ENTRIES = (Path(__file__).parent / "stored" / "outbox.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("body", ENTRIES, ids=lambda body: json.loads(body)["kind"])
def test_an_entry_of_the_release_before_says_all_that_it_said(body: bytes) -> None:
    said = json.loads(body)

    entry = OutboxEntry.model_validate_json(body)

    assert json.loads(entry.model_dump_json()) == said


def test_there_is_one_of_every_kind() -> None:
    kinds = {json.loads(body)["kind"] for body in ENTRIES}

    assert kinds == {"place", "update", "tell", "alert", "stranger", "status", "mail"}
