"""The cards that are changed: each once, wherever it may stand."""

from datetime import timedelta

from agents.events import CardDelivered
from agents.requests import DeliveryId, Holder, PersonId
from agents.run import Run, fold
from bot.requests.card_updates import changed, updates_for, updates_of
from channels import Card
from tests.agents.worlds import NOON, started
from tests.bot.examples import APPROVAL, BO, CY, REQUEST, approval, policy

CARD = changed("Deploy?", NOON)
BOS, CYS, ALL = (DeliveryId(f"s0d-{letter * 13}") for letter in "abc")
HOLDERS = (Holder(delivery_id=BOS, person=BO), Holder(delivery_id=CYS, person=CY))
POSTED = Holder(delivery_id=ALL, person=PersonId(""), place="slack:#release")


def card(person: PersonId) -> Card:
    return CARD


def delivered(delivery_id: DeliveryId, person: str, channel: str, **more: object) -> CardDelivered:
    card = CardDelivered(
        at=NOON, request_id=REQUEST, delivery_id=delivery_id, revision=1, person=PersonId(person), channel=channel
    )
    return card.model_copy(update=more)


def run(*cards: CardDelivered) -> Run:
    return fold([started().model_copy(update={"run_id": APPROVAL.run_id}), *cards])


def test_every_holder_whose_card_may_stand_where_it_can_be_changed_has_one_entry() -> None:
    request = approval(policy=policy(reach=("slack", "email")))

    entries = updates_for(request, HOLDERS, {"slack"}, card, [CYS])

    assert [(entry.delivery_id, entry.card.closes, entry.kind) for entry in entries] == [
        (BOS, False, "update"),
        (CYS, True, "update"),
    ]
    assert len({entry.id for entry in entries}) == 2


def test_where_no_card_can_be_changed_only_those_hear_of_it_to_whom_it_is_news() -> None:
    assert [entry.delivery_id for entry in updates_for(APPROVAL, HOLDERS, {"slack"}, card, [CYS])] == [CYS]


def test_a_card_in_a_place_of_many_is_changed_whatever_the_policy_reaches() -> None:
    assert [entry.delivery_id for entry in updates_for(APPROVAL, (*HOLDERS, POSTED), {"slack"}, card)] == [ALL]


def test_each_card_of_a_run_that_can_be_changed_has_one_entry_though_it_went_two_ways() -> None:
    cards = delivered(BOS, "bo", "email"), delivered(BOS, "bo", "slack"), delivered(CYS, "cy", "slack")

    entries = updates_of(run(*cards), {"slack"}, card)

    assert [(entry.delivery_id, entry.reach, entry.card.closes) for entry in entries] == [
        (CYS, ("slack",), False),
        (BOS, ("slack",), False),
    ]


def test_a_card_that_stands_for_several_has_one_entry() -> None:
    cards = delivered(BOS, "bo", "slack", is_shared=True), delivered(CYS, "cy", "slack", is_shared=True, shares=BOS)

    assert [entry.delivery_id for entry in updates_of(run(*cards), {"slack"}, card)] == [BOS]


def test_only_the_cards_of_the_requests_that_it_is_about() -> None:
    assert updates_of(run(delivered(BOS, "bo", "slack")), {"slack"}, card, about=()) == []


def test_news_goes_once_to_whoever_has_cards_that_can_not_be_changed() -> None:
    cards = delivered(BOS, "bo", "email"), delivered(ALL, "bo", "email", at=NOON + timedelta(minutes=1))

    entries = updates_of(run(*cards, delivered(CYS, "cy", "email")), {"slack"}, card, news={BO})

    assert [(entry.person, entry.delivery_id, entry.card.closes) for entry in entries] == [("bo", ALL, True)]
