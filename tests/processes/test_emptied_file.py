"""`sayso.toml` is emptied under real processes: a full disk, or a signal between open and write."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.events import RequestDecided, RequestOpened, RunEnded
from tests.kit.installation import Installation, installed
from tests.kit.tables import without
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as emptied:
        yield emptied


def count(emptied: Installation, kind: type[RequestOpened | RequestDecided | RunEnded]) -> int:
    return len(emptied.events(kind))


def test_attack_a_file_that_is_empty_for_a_while_closes_no_request_and_fails_no_run(emptied: Installation) -> None:
    with emptied.running("mail", "worker") as (mail, worker):
        emptied.post.write("anna", "deploy v1.1.0 to production")
        card = emptied.post.next_mail("bo", "v1.1.0")
        emptied.post.next_mail("cy", "v1.1.0")

        emptied.file.write_text("")
        for program in (mail, worker):
            program.wait_for('"event":"the file is only half taken"')
        told = emptied.post.next_mail("anna", "sayso people confirm")

        assert "sayso.toml" in told.text
        assert (count(emptied, RequestOpened), count(emptied, RequestDecided), count(emptied, RunEnded)) == (1, 0, 0)
        emptied.file.write_text(emptied.toml)
        worker.wait_for('"event":"people, policies and groups were read anew"')
        mail.wait_for('"event":"people, policies and groups were read anew"')
        emptied.post.reply("bo", card, "approve")
        wait_until(lambda: count(emptied, RunEnded) == 1, what="the deploy")
        assert count(emptied, RequestOpened) == 1


@pytest.mark.parametrize("word", ["worker", "mail", "web --port 0"])
def test_attack_no_process_starts_on_an_empty_file(emptied: Installation, word: str) -> None:
    emptied.file.write_text("")

    code, said = emptied.told(*word.split())

    assert code == 1
    assert "nobody stands in [people]" in said.replace("\n", " ")


def test_a_file_that_takes_all_deciders_away_holds_once_an_operator_confirms_it(emptied: Installation) -> None:
    with emptied.running("mail", "worker") as (_, worker):
        emptied.post.write("anna", "deploy v1.1.0 to production")
        emptied.post.next_mail("bo", "v1.1.0")

        emptied.file.write_text(without(without(emptied.toml, "bo"), "cy").replace("group:release", "person:anna"))
        worker.wait_for('"event":"the file is only half taken"')
        [digest] = set(re.findall(r"sayso people confirm ([0-9a-f]{16})", emptied.told("doctor")[1]))
        assert count(emptied, RunEnded) == 0
        assert emptied.told("people", "confirm", "0" * 16)[0] != 0
        assert emptied.told("people", "confirm", digest)[0] == 0

        wait_until(lambda: count(emptied, RunEnded) == 1, what="the end of the run that nobody can approve")
