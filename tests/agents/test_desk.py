"""The desk agent: what it drafts by plain rules, whom it may write to, and what is sent."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import Agent, Mailed, Outcome, Pending, ToolRefused
from agents.desk import Desk, Draft, Knowledge, Mail, desk_agent
from agents.desk.knowledge import article_for, facts_of
from agents.desk.mail import context_of, mail_of
from agents.desk.tools import SEND_REPLY
from agents.requests import Effect, Fact, FromDesk, FromPerson, FromTrigger, Origin, PersonId, RunId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from tests.agents.deploy.repos import PlainHands
from tests.agents.worlds import NOON, started

MAIL = Mail(sender="eve@shop.example", subject="Refund?", text="How do I get a refund?", at=NOON, message_id="<1@x>")
BY_MAIL = FromDesk(address=MAIL.sender)
REFUNDS = Fact(label="knowledge: refunds.md", text="---\nanswers: refund, money back\n---\nWithin 14 days.\n")
HOURS = Fact(label="knowledge: hours.md", text="---\nanswers: opening hours\n---\nFrom 9 to 5.\n")


def rendered(draft: Draft, mail: Mail, run_id: RunId) -> bytes:
    return f"{run_id} {mail.sender}\n{draft.subject}\n{draft.text}".encode()


AGENT: Agent = desk_agent(Desk("help@corp.example", "support", rendered, signature="Corp"))
[TOOL] = AGENT.tools


def run_about(
    mail: Mail = MAIL,
    *results: Result,
    facts: tuple[Fact, ...] = (REFUNDS, HOURS),
    origin: Origin = BY_MAIL,
) -> Run:
    began = started("Answer it", agent="desk", context=context_of(mail), origin=origin)
    return Run(id=RunId("r1"), started=began, facts=facts, results=results)


def reply(to: str = MAIL.sender, subject: str = "Re: Refund?", text: str = "Hello") -> CallTool:
    return CallTool(tool=SEND_REPLY, arguments={"to": to, "subject": subject, "text": text})


def denied(reason: str = "make it shorter") -> Result:
    return Result(reply(), "denied", reason, (PersonId("bo"),))


def answered(text: str) -> Result:
    return Result(RequestHumanInput(question="?"), "answered", text, (PersonId("anna"),))


async def prepared(step: Step, run: Run) -> Effect:
    assert isinstance(step, CallTool)
    assert TOOL.prepare_for is not None
    return await TOOL.prepare_for(TOOL.args.model_validate(step.arguments), run)


def drafted(step: Step) -> str:
    assert isinstance(step, CallTool)
    return str(step.arguments["text"])


def test_a_mail_that_one_file_answers_gets_its_text_with_a_greeting() -> None:
    assert AGENT.fallback(run_about()) == reply(text="Hello,\n\nWithin 14 days.")


@pytest.mark.parametrize(
    "text",
    [
        "Do you sell tea?",
        "A refund, please, and what are your opening hours?",
        "> How do I get a refund?\nYou did not answer this.",
        "Is it refundable?",
    ],
    ids=["no file", "two files", "only in a quote", "only a part of a word"],
)
def test_in_all_other_cases_the_owner_is_asked(text: str) -> None:
    step = AGENT.fallback(run_about(replaced(text)))

    assert isinstance(step, RequestHumanInput)
    assert text.splitlines()[0] in step.question


def replaced(text: str) -> Mail:
    return MAIL.model_copy(update={"subject": "Hello", "text": text})


def test_the_owners_words_are_the_draft_and_after_a_denial_they_hear_its_reason() -> None:
    assert drafted(AGENT.fallback(run_about(MAIL, answered("Not today.")))) == "Hello,\n\nNot today."

    question = AGENT.fallback(run_about(MAIL, denied()))

    assert isinstance(question, RequestHumanInput)
    assert "bo said no to the draft, and why: make it shorter" in question.question
    assert drafted(AGENT.fallback(run_about(MAIL, denied(), answered("Soon.")))) == "Hello,\n\nSoon."


def test_three_denied_drafts_are_the_end() -> None:
    results = (denied(), answered("a"), denied(), answered("b"), denied("no!"))

    assert AGENT.fallback(run_about(MAIL, *results)) == Done(
        outcome="failed",
        summary="eve@shop.example (“Refund?”) got no reply: 3 drafts were denied, the last one with: no!",
    )


async def test_a_model_may_not_go_on_drafting_after_three_denials_before_the_owner_was_asked() -> None:
    with pytest.raises(ToolRefused, match="Ask the owner"):
        await prepared(reply(), run_about(MAIL, denied(), denied(), denied()))

    assert await prepared(reply(), run_about(MAIL, denied(), denied(), denied(), answered("Say yes")))


@pytest.mark.parametrize("to", ["eve@shop.example, mallory@evil.example", "everyone", "eve@shop.example\r\nBcc: x@y"])
async def test_a_reply_goes_to_whoever_wrote_and_to_nobody_else(to: str) -> None:
    with pytest.raises(ToolRefused, match="who wrote the mail, and to nobody else"):
        await prepared(reply(to=to), run_about())


async def test_one_mail_is_answered_once_and_a_run_that_no_mail_began_sends_nothing() -> None:
    with pytest.raises(ToolRefused, match="answered once"):
        await prepared(reply(), run_about(MAIL, Result(reply(), "ok", "sent")))
    with pytest.raises(ToolRefused, match="Only a run that a mail"):
        await prepared(reply(), run_about(origin=FromTrigger(name="webhooks")))

    assert isinstance(AGENT.fallback(run_about(origin=FromPerson())), Done)
    hidden = await prepared(reply(subject="Re:\r\nBcc: all@corp.example", text="a\u202eb\u200b"), run_about())
    assert hidden.argv[2:] == ("Re: Bcc: all@corp.example", "ab\n\nCorp\n"), "what nobody sees is not sent"


async def test_the_card_shows_all_that_is_sent_and_an_approval_is_bound_to_its_bytes() -> None:
    effect = await prepared(reply(text="Within 14 days."), run_about())

    assert effect.argv == ("mail", MAIL.sender, "Re: Refund?", "Within 14 days.\n\nCorp\n")
    raw = rendered(Draft("Re: Refund?", "Within 14 days.\n\nCorp\n"), MAIL, RunId("r1"))
    assert effect.artifacts == {"SHA-256 of the mail": hashlib.sha256(raw).hexdigest(), "in reply to": "<1@x>"}
    assert {fact.label: fact.text for fact in effect.facts}["They wrote"] == "How do I get a refund?"


@dataclass
class PostingHands(PlainHands):
    """Hands that remember what was to be sent."""

    posted: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    state: Mailed | None = None

    async def mail(self, raw: bytes, to: str) -> None:
        self.posted.append((raw, to))

    async def mailed(self) -> Mailed | None:
        return self.state


async def test_exactly_the_approved_bytes_are_handed_over_and_others_are_not() -> None:
    run, args = run_about(), TOOL.args.model_validate(reply().arguments)
    effect = await prepared(reply(), run)
    hands = PostingHands(run=run)

    assert isinstance(await TOOL.execute(args, effect, hands), Pending)
    [(raw, to)] = hands.posted
    assert (hashlib.sha256(raw).hexdigest(), to) == (effect.artifacts["SHA-256 of the mail"], MAIL.sender)

    other = PostingHands(run=replace(run, id=RunId("r2")))
    ended = await TOOL.execute(args, effect, other)
    assert isinstance(ended, Outcome)
    assert "not the one that was approved" in ended.error
    assert other.posted == []


async def test_how_it_went_is_looked_for_until_it_is_known() -> None:
    args = TOOL.args.model_validate(reply().arguments)
    assert TOOL.check is not None

    assert isinstance(await TOOL.check(args, "mail key", PostingHands()), Pending)
    for state, outcome in (
        (Mailed(), Outcome("sent to eve@shop.example")),
        (Mailed("550 no"), Outcome("", error="550 no")),
        (Mailed("no word", is_unknown=True), Outcome("", error="no word", unknown=True)),
    ):
        assert await TOOL.check(args, "mail key", PostingHands(state=state)) == outcome


async def test_knowledge_is_read_bounded_from_its_folder_and_from_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("secret")
    folder = tmp_path / "corp"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "knowledge" / "a.md").write_text("short")
    (folder / "knowledge" / "b.md").write_text("b" * 9_000)
    (folder / "knowledge" / "link.md").symlink_to(tmp_path / "outside.md")

    facts = await facts_of(Knowledge(folder, ("knowledge/*.md",)))

    labels = [fact.label for fact in facts]
    assert labels == ["knowledge: knowledge/a.md", "knowledge, cut: knowledge/b.md", "knowledge is missing"]
    assert len(facts[1].text) == 4_000
    assert "secret" not in "".join(fact.text for fact in facts)
    nothing = Fact(label="knowledge is missing", text="no file matches *.txt")
    assert await facts_of(Knowledge(folder, ("*.txt",))) == (nothing,)


@pytest.mark.parametrize(
    "last",
    [
        Result(RequestHumanInput(question="Anything else?"), "expired", ""),
        answered("no, thanks"),
        Result(reply(), "refused", "A reply was sent already"),
    ],
    ids=["unanswered", "answered", "refused"],
)
def test_whoever_was_sent_a_reply_before_the_rules_went_on_is_not_said_to_have_got_none(last: Result) -> None:
    sent = Result(reply(), "ok", f"sent to {MAIL.sender}")

    assert AGENT.fallback(run_about(MAIL, sent, last)) == AGENT.fallback(run_about(MAIL, sent))


@given(text=st.text(), subject=st.text(), fact=st.text(), results=st.lists(st.sampled_from([denied(), answered("x")])))
def test_the_rules_find_a_step_whatever_anybody_wrote(
    text: str, subject: str, fact: str, results: list[Result]
) -> None:
    mail = MAIL.model_copy(update={"text": text, "subject": subject})
    facts = (REFUNDS, Fact(label="knowledge: x.md", text=fact))

    assert AGENT.fallback(run_about(mail, *results, facts=facts))
    assert mail_of(run_about()) == MAIL
    assert article_for(facts, "nothing of it: 0") is None or fact
