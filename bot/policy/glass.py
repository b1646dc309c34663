"""Breaking the glass: one person decides for everybody in an emergency, with a reason. Pure.

It is a vote of a kind of its own and never counts as an approval. All that binds an approval binds it as well: what was
seen, the way it came, the expiry, and a denial.
"""

from collections.abc import Collection, Iterable

from agents.requests import Decision, PersonId, PolicySnapshot, Request, Vote, people_of
from bot.policy.approvers.quorum import may_break_glass
from bot.policy.judgements import Answer, NotEntitled
from bot.policy.record import RequestRecord


def breakers(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return who may break the glass: nobody who asked, steered it, changed an argument or handed it on."""
    return may_break(record.request, record.requesters)


def may_break(request: Request, requesters: Iterable[PersonId]) -> tuple[PersonId, ...]:
    """Return the same, with `requesters` as those who count as such."""
    out = {*requesters, *request.editors, *request.policy.givers}
    is_gate = request.format == "approval"
    return tuple(one for one in may_break_glass(request.policy) if one not in out) if is_gate else ()


def objection(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None = None) -> NotEntitled | None:
    """Return why this person may not break the glass; `here` is everyone in the directory, where that is known."""
    may = tuple(one for one in breakers(record) if here is None or one in here)
    if answer.person in may:
        return None
    if answer.person in record.requesters:
        return NotEntitled(why="requester", approvers=may)
    is_editor = answer.person in record.request.editors
    return NotEntitled(why="editor" if is_editor else "break_glass", approvers=may)


def broken(record: RequestRecord) -> Vote | None:
    """Return what broke the glass; it did, whatever became of the request since."""
    return next((vote for vote in record.votes if vote.breaks_glass), None)


def decision_by(vote: Vote) -> Decision:
    """Return the decision that a broken glass makes."""
    return Decision(
        state="approved",
        by=(vote.person,),
        way=vote.channel,
        reason=vote.reason,
        operators_keys=(vote.person,) if vote.is_by_operators_key else (),
        broke_glass=True,
        at=vote.at,
    )


def reviewers(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return the approvers, of whichever step, who neither broke the glass nor took part in what was asked."""
    vote = broken(record)
    out = {*record.requesters, *record.request.editors, *([vote.person] if vote else ())}
    return tuple(one for one in approvers(record.request.policy) if one not in out)


def approvers(policy: PolicySnapshot) -> tuple[PersonId, ...]:
    """Return everybody whom the rule of a policy or of one of its steps names, each once."""
    rules = (policy.rule, *(step.rule for step in policy.steps))
    return tuple(dict.fromkeys(person for rule in rules for person in people_of(rule)))
