"""What a card offers, with the words that people see."""

from bot.policy.judgements import Act
from bot.policy.offers import Can, Offered
from bot.render.acts import card_acts
from channels import CardAct
from tests.bot.examples import ANNA, BO, CY, PEOPLE, approval

_WITH = {"edit": ("version",), "hand_on": (CY,)}


def acts(*names: Act, again: bool = False) -> tuple[CardAct, ...]:
    """Return the acts of Bo's card who can do these to what Anna asks; `again` where an approval may say so."""
    inputs = {**_WITH, **({"approve": ("again",)} if again else {})}
    can = Can({name: Offered(inputs=inputs.get(name, ())) for name in names})
    return card_acts(approval(requesters=(ANNA,)), can, PEOPLE, BO)


def vote() -> tuple[CardAct, ...]:
    """Return the acts of whoever may approve it."""
    return acts("approve", "deny")


def stop() -> tuple[CardAct, ...]:
    """Return the acts of what is approved."""
    return card_acts(approval(), Can({"deny": Offered("revoked")}), PEOPLE, BO)
