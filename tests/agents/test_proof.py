"""How it is known who said something: what it rests on, what it says, and how it is kept."""

import json

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.events import PersonSaid, RunPaused, VoteCast, read_event, write_event
from agents.requests import Vote
from agents.requests.proof import ByChat, ByKey, ByMail, BySession, Proof, as_by, proofs, rests_on
from bot.testing.events import BO, NOON, decided, paused, said, vote

PROOFS: st.SearchStrategy[Proof] = st.one_of(
    st.builds(ByChat), st.builds(ByMail), st.builds(BySession), st.builds(ByKey)
)

ROWS: list[tuple[Proof, set[str], bool, str]] = [
    # the proof, what it rests on, whether somebody else made its key, what is shown
    (
        ByChat(user="U0BO", team="T0TEAM", what="Approve"),
        {"slack"}, False, "Slack user U0BO of team T0TEAM pressed Approve",
    ),
    (
        ByChat(user="U0BO", team="T0TEAM", did="sent", what="Deny"),
        {"slack"}, False, "Slack user U0BO of team T0TEAM sent the window Deny",
    ),
    (
        ByChat(user="U0BO", team="T0TEAM", did="wrote"),
        {"slack"}, False, "Slack user U0BO of team T0TEAM wrote it",
    ),
    (
        ByChat(user="U0BO", team="T0TEAM", did="wrote", what="/sayso"),
        {"slack"}, False, "Slack user U0BO of team T0TEAM wrote /sayso",
    ),
    (
        ByChat(user="U0BO", team="T0TEAM", did="chose", what="U0CY"),
        {"slack"}, False, "Slack user U0BO of team T0TEAM chose the shortcut on a message of Slack user U0CY",
    ),
    (
        ByChat(channel="teams", user="bo", team="Ops", did="wrote"),
        {"teams"}, False, "Teams user bo of team Ops wrote it",
    ),
    (
        ByMail(server="mx.corp.example", of="corp.example"),
        {"email"}, False, "mx.corp.example: dmarc=pass header.from=corp.example",
    ),
    (
        ByMail(how="login", server="mx.corp.example", of="bo@corp.example"),
        {"email"}, False, "mx.corp.example: auth=pass smtp.auth=bo@corp.example",
    ),
    (
        ByMail(how="internal", server="Microsoft 365", of="bo@corp.example"),
        {"email"}, False, "Microsoft 365: AuthAs Internal for bo@corp.example",
    ),
    (
        BySession(link_by="slack", mark="abcdefgh"),
        {"console"}, False, "console session, opened by a link in Slack (abcdefgh)",
    ),
    (
        BySession(link_by="email", mark="abcdefgh"),
        {"console", "email"}, False, "console session, opened by a link in a mail (abcdefgh)",
    ),
    (
        BySession(link_by="operator", mark="abcdefgh"),
        {"console"}, False, "console session, opened by a link from an operator's terminal (abcdefgh)",
    ),
    (ByKey(key="k7m2", made_by="operator"), {"api"}, True, "API key sayso_k7m2, which an operator made"),
    (ByKey(key="k7m2", link_by="slack"), {"api"}, False, "API key sayso_k7m2"),
    (
        ByKey(key="k7m2", link_by="email"),
        {"api", "email"}, False, "API key sayso_k7m2, made after a log-in by a link in a mail",
    ),
    (ByKey(channel="cli", key="k7m2", made_by="dev"), {"cli"}, False, "API key sayso_k7m2, lent by sayso dev"),
]  # fmt: skip


@pytest.mark.parametrize(("proof", "ways", "is_anothers", "words"), ROWS)
def test_each_proof_rests_on_its_ways_and_says_what_it_is(
    proof: Proof, ways: set[str], words: str, *, is_anothers: bool
) -> None:
    cast = VoteCast(
        at=NOON,
        request_id=vote().request_id,
        vote=vote().vote.model_copy(update={"proof": proof}),
    )

    assert rests_on(proof) == ways
    assert proof.words == words
    assert (cast.vote.channel, cast.vote.evidence) == (proof.channel, words)
    assert cast.vote.is_by_operators_key is is_anothers


@any_of_them(PROOFS)
def test_a_proof_rests_on_the_channel_that_it_came_through_and_at_most_on_a_mailbox(proof: Proof) -> None:
    assert proof.channel in rests_on(proof)
    assert rests_on(proof) <= {proof.channel, "email"}
    assert proofs.validate_json(proofs.dump_json(proof)) == proof


@any_of_them(PROOFS)
def test_what_is_kept_has_no_sentence_and_what_is_told_has_and_can_be_read_again(proof: Proof) -> None:
    for event in (
        VoteCast(at=NOON, request_id=vote().request_id, vote=vote().vote.model_copy(update={"proof": proof})),
        said().model_copy(update={"proof": proof}),
        decided("answered"),
        decided("approved"),
        paused(),
    ):
        kept, told = json.loads(write_event(event)), json.loads(event.model_dump_json())
        inner, shown = (each.get("vote") or each.get("decision") or each for each in (kept, told))

        assert inner.keys().isdisjoint({"channel", "evidence"})
        assert {"channel", "evidence"} <= shown.keys()
        assert read_event(json.dumps(kept)) == read_event(json.dumps(told)) == event


@pytest.mark.parametrize("channel", ["slack", "email", "console", "cli", "api", "carrier pigeon"])
def test_an_answer_of_whom_no_more_is_told_came_by_its_channel_and_says_nothing(channel: str) -> None:
    assert rests_on(as_by(channel)) == {channel}
    assert as_by(channel).words == ""
    assert ("email" in rests_on(as_by(channel, "email"))) is (channel not in {"slack", "carrier pigeon"})


def test_nothing_is_known_by_a_sentence_alone() -> None:
    told = vote().vote.model_dump(mode="json", exclude={"proof"})

    with pytest.raises(ValidationError):
        Vote.model_validate(told)
    with pytest.raises(ValidationError):
        PersonSaid.model_validate({"at": NOON, "said_id": "i1", "person": BO, "text": "", "channel": "slack"})
    assert (RunPaused(at=NOON).channel, RunPaused(at=NOON).evidence) == ("", "")
