import pytest

from agents.requests.proof import ByChat, ByMail, BySession, Proof, as_by
from bot.inbound.proving import SaidElsewhere, proof_of
from channels import ByServer, ByUser, Reply, Trigger

PRESSED = ByUser(user="U0BO", team="T0TEAM", did="pressed", what="Approve")
LOGGED_IN = ByServer(how="login", server="mx.corp.example", of="bo@corp.example")
MAILED = BySession(link_by="email", mark="abcdefgh")


@pytest.mark.parametrize(
    ("channel", "said", "proof"),
    [
        (
            "slack",
            Reply(person="bo", token="t", said="approve", text="approve", known=PRESSED),
            ByChat(user="U0BO", team="T0TEAM", did="pressed", what="Approve"),
        ),
        (
            "email",
            Trigger(person="bo", text="stop", known=LOGGED_IN),
            ByMail(how="login", server="mx.corp.example", of="bo@corp.example"),
        ),
        ("hallway", Trigger(person="bo", text="stop"), as_by("hallway")),
        ("console", SaidElsewhere(person="bo", text="stop", proof=MAILED), MAILED),
        ("console", SaidElsewhere(person="bo", text="stop", proof=MAILED).model_copy(update={"text": "no"}), MAILED),
    ],
)
def test_what_somebody_said_has_the_proof_of_its_channel_or_of_the_page_it_was_said_on(
    channel: str, said: Reply | Trigger, proof: Proof
) -> None:
    assert proof_of(channel, said) == proof
