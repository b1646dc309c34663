"""Who may do what is said in one place."""

import ast
import re
from pathlib import Path

import pytest

from bot.policy.approvers import who

ROOT = Path(who.__file__).parents[3]
SAYS_WHO = {
    "requester_may_approve": {
        "agents/moves.py",  # another rule may let them
        "agents/requests/asked.py",
        "bot/people/directory.py",  # as the settings have it
        "bot/policy/approvers/steps.py",  # the policy of a question about it says the same
        "bot/policy/approvers/who.py",
        "bot/requests/reassignment/__init__.py",  # nobody new is kept from it for a part that keeps nobody
        "bot/requests/reassignment/departures.py",  # the operators' rule in place of a policy's
        "bot/requests/standing/uses.py",  # what a session does is a program's doing
    },
    "editor_may_approve": {
        "agents/requests/asked.py",
        "bot/people/directory.py",
        "bot/policy/approvers/who.py",
    },
    "break_glass": {
        "agents/requests/concern.py",  # whom an event names; it is no record
        "bot/people/directory.py",  # as the settings have it
        "bot/policy/answers.py",  # whether it has a glass at all
        "bot/policy/approvers/who.py",
        "bot/queries/explain_words.py",  # an explanation's own field
        "bot/requests/gathering.py",  # whether it has a glass at all
    },
    "rule": {
        "agents/moves.py",
        "agents/requests/asked.py",
        "agents/requests/concern.py",  # whom an event names; it is no record
        "bot/outbound/calls.py",  # names of groups
        "bot/people/directory.py",  # whether it is the same but for people
        "bot/policy/approvers/delegation.py",  # which seats go along
        "bot/policy/approvers/steps.py",
        "bot/policy/approvers/who.py",
        "bot/render/request_card.py",  # words of each part
        "bot/render/words.py",
        "bot/requests/reassignment/departures.py",  # a rule in place of another
    },
    "steps": {
        "agents/budgets.py",  # a run's own
        "agents/moves.py",
        "agents/requests/asked.py",
        "agents/requests/concern.py",  # whom an event names; it is no record
        "bot/people/directory.py",  # as the settings have it
        "bot/people/recognition.py",  # a record as it counts now
        "bot/policy/approvers/delegation.py",  # which seats go along
        "bot/policy/approvers/quorum.py",
        "bot/policy/approvers/steps.py",
        "bot/policy/approvers/who.py",
        "bot/policy/sessions.py",  # whether there are any
        "bot/queries/explain.py",  # words
        "bot/queries/explain_words.py",
        "bot/render/due.py",  # words
        "bot/render/status_line.py",
        "bot/render/views.py",
        "bot/render/words.py",
        "bot/requests/opening.py",  # which one too few could fill
    },
    "stand_ins": {"bot/people/directory.py", "bot/policy/approvers/who.py"},
    "editors": {"bot/policy/approvers/who.py"},
    "may_deny": {
        "agents/moves.py",
        "bot/people/recognition.py",  # a record as it counts now
        "bot/policy/approvers/who.py",
    },
    "handed_on": {
        "agents/moves.py",
        "agents/requests/asked.py",
        "bot/audit/facts.py",  # kept for ever without the reasons
        "bot/people/recognition.py",  # from whom somebody has a seat
        "bot/policy/approvers/delegation.py",  # the same, as a chain
        "bot/policy/judge.py",  # whether somebody wrote a reason beside it
        "bot/queries/explain.py",  # words
        "bot/render/due.py",
        "bot/render/views.py",
        "bot/render/words.py",
    },
    "givers": {"bot/policy/approvers/steps.py", "bot/policy/approvers/who.py"},
    "takers": {"agents/requests/asked.py", "bot/policy/approvers/who.py"},
}
"""Who reads what a policy, and who is asked under it, say of who may decide: whoever else needs it asks `who`."""


def reads(code: str, name: str) -> bool:
    """Whether `code` reads `.name` of what it calls a policy or what is asked, or of itself."""
    if f".{name}" not in code:
        return False
    read = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Attribute) and one.attr == name]
    whose = {ast.unparse(one.value) for one in read if isinstance(one.ctx, ast.Load)}
    return any("polic" in one or "asked" in one or one in {"self", "found"} for one in whose)


@pytest.mark.parametrize("name", SAYS_WHO)
def test_nothing_else_reads_of_a_policy_who_may_decide(name: str) -> None:
    files = [file for room in ("agents", "bot", "channels") for file in (ROOT / room).rglob("*.py")]
    files = [file for file in files if not file.is_relative_to(ROOT / "bot/config")]  # what the settings say is no set
    readers = {str(one.relative_to(ROOT)) for one in files if reads(one.read_text(), name)}

    assert readers == SAYS_WHO[name]


_KNOWN_NOW = {
    "agents/requests/record.py",  # of itself, as whoever asks it has it
    "bot/policy/judge.py",
    "bot/render/page_card.py",
    "bot/requests/standing/uses.py",  # which of two words is said
    "bot/web/api/answering.py",
}
"""Who looks somebody up among those who asked in a record as it is known now; others ask `People.by_now` first."""


def test_nothing_else_looks_somebody_up_among_those_who_asked_by_the_id_that_they_had_then() -> None:
    """An operator may have said since then that it is another one."""

    def looks(code: str) -> bool:
        found = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Compare)]
        sets = [each for one in found for each in one.comparators if isinstance(one.ops[0], ast.In | ast.NotIn)]
        return any(isinstance(one, ast.Attribute) and one.attr == "askers" for one in sets)

    files = [file for room in ("agents", "bot", "channels") for file in (ROOT / room).rglob("*.py")]

    assert {str(file.relative_to(ROOT)) for file in files if looks(file.read_text())} == _KNOWN_NOW


_COMPARES = {
    "bot/people/humans.py",  # who in the directory is whom it knew, the surest first
    "bot/people/marks.py",  # `surely_same` and `maybe_same`
    "bot/wiring/slack_import.py",  # whom Slack lists and the file has already
    "channels/slack/members.py",  # whom Slack lists, by its own ids
}
"""What compares a part of somebody's mark; others ask `Humans` who somebody is."""


def test_nothing_else_compares_people_by_their_addresses() -> None:
    def compares(code: str) -> bool:
        found = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Compare)]
        equal = [one for one in found if isinstance(one.ops[0], ast.Eq | ast.NotEq)]
        sides = [each for one in equal for each in (one.left, *one.comparators)]
        return any(isinstance(one, ast.Attribute) and one.attr in {"uid", "slack", "email", "github"} for one in sides)

    files = [file for room in ("agents", "bot", "channels") for file in (ROOT / room).rglob("*.py")]

    assert {str(file.relative_to(ROOT)) for file in files if compares(file.read_text())} == _COMPARES


def test_nothing_else_asks_whether_two_marks_are_of_one_human() -> None:
    files = [file for room in ("agents", "bot", "channels") for file in (ROOT / room).rglob("*.py")]
    asking = {
        str(one.relative_to(ROOT)) for one in files if {*re.findall(r"\b(surely_same|maybe_same)\(", one.read_text())}
    }

    assert asking == {"bot/people/marks.py", "bot/people/humans.py"}
