"""What stands in the chain instead of people, and that nobody's words are taken for it."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents.requests import PersonId
from agents.requests.proof import ByChat, ByKey, ByMail, BySession, Proof
from bot.audit.privacy import Everybody, Pseudonyms, Row, joined, restored, split, wrong_parts
from bot.audit.records import AuditRecord
from tests.bot.audit.parts import NAMES, Names

LIKE_ONE, ANOTHER = f"p-{'a' * 20}", f"p-{'b' * 20}"

PIECES = st.sampled_from(
    ["⟦", "⟧", "\\", "p-", "a" * 20, LIKE_ONE, "person:", "people.", "Anna Ames", "anna", "bo", " "]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)


def pseudonyms() -> Pseudonyms:
    return Pseudonyms({}, Everybody(NAMES), Names().name_of)


@given(TEXTS)
@example(LIKE_ONE)
@example(f"people.{LIKE_ONE}")
@example(f"Anna Ames ⟦{LIKE_ONE}⟧ ⟦\\{LIKE_ONE}⟧")
def test_attack_whatever_somebody_writes_is_read_as_they_wrote_it(text: str) -> None:
    ours = pseudonyms()

    hidden = ours.hide({text: [text]})

    assert restored(hidden, ours.fresh) == {text: [text]}


@given(TEXTS)
def test_no_name_is_left_where_it_stands_alone(text: str) -> None:
    assert "Anna Ames" not in str(pseudonyms().hide(f"{text} Anna Ames"))


def test_attack_nothing_that_looks_like_a_pseudonym_is_said_to_be_forgotten() -> None:
    ours = pseudonyms()
    detail: dict[str, JsonValue] = {"exact": ["press", LIKE_ONE], LIKE_ONE: "drop the tables", ANOTHER: "kept"}
    record = AuditRecord(
        kind="vote",
        at=datetime.now(UTC),
        who=PersonId("bo"),
        environment=ANOTHER,
        words=f"ask ⟦{LIKE_ONE}⟧ or Anna Ames",
        policy_name=LIKE_ONE,
        policy={"name": LIKE_ONE},
        detail=detail,
    )

    body, kept = split(record, ours)
    shown = joined(body, kept, ours.fresh)

    assert wrong_parts(body, kept, ours.fresh, frozenset()) == []
    assert (shown["who"], shown["words"]) == ("bo", f"ask ⟦{LIKE_ONE}⟧ or Anna Ames")
    assert (shown["policy_name"], shown["policy"], shown["environment"]) == (LIKE_ONE, {"name": LIKE_ONE}, ANOTHER)
    assert shown["detail"] == detail


def test_two_who_were_forgotten_are_still_two() -> None:
    ours = pseudonyms()

    hidden = ours.hide({"anna": 1, "bo": 2})

    assert restored(hidden, {}) == {"forgotten": 1, "forgotten (2)": 2}


PROOFS = (
    ByChat(user="U01BO", team="T01", what="Approve"),
    ByMail(server="mx.corp.example", of="corp.example"),
    BySession(link_by="operator", mark="m1"),
    ByKey(key="abcdefgh", made_by="operator", link_by="email"),
)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.by)
def test_attack_somebody_has_a_word_of_ours_as_their_id_and_is_forgotten(proof: Proof) -> None:
    """What others did is read as before: none of these words names anybody."""
    words = {str(word): f"Person {word}" for word in proof.model_dump().values() if word} | NAMES
    ours = Pseudonyms({}, Everybody(words), lambda person: words.get(person, person))
    body, kept = split(AuditRecord(kind="vote", at=datetime.now(UTC), who=PersonId("bo"), proof=proof), ours)

    known, forgotten = joined(body, kept, ours.fresh), joined(body, kept, {})

    assert (known["proof"], known["evidence"]) == (proof.model_dump(mode="json"), proof.words)
    assert forgotten["evidence"]


@pytest.mark.parametrize(
    ("hidden", "shown", "forgotten"),
    [
        (LIKE_ONE, "anna", "forgotten"),
        (f"person:{LIKE_ONE}", "person:anna", "person:forgotten"),
        (f"ask ⟦{LIKE_ONE}⟧", "ask Anna Ames", "ask forgotten"),
    ],
)
def test_what_an_earlier_release_hid_is_still_read(hidden: str, shown: str, forgotten: str) -> None:
    rows = {LIKE_ONE: Row(id="anna", name="Anna Ames", salt="")}

    assert restored([hidden, {hidden: 1}], rows) == [shown, {shown: 1}]
    assert restored([hidden, {hidden: 1}], {}) == [forgotten, {forgotten: 1}]
