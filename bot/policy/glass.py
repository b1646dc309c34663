"""Breaking the glass: one person decides for everybody in an emergency, with a reason. Pure.

It is a vote of a kind of its own and never counts as an approval. All that binds an approval binds it as well: what was
seen, the way it came, the expiry, and a denial.
"""

from agents.requests import Decision, Vote
from agents.requests.record import RequestRecord


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
