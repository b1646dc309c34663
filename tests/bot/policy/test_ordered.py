"""Of a message that orders something by name, each sentence does what it says, or its writer is told that it didn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.policy.answers import left_named
from bot.policy.ordered import Ordered, ordered
from bot.policy.orders import may_mean_end

RUN, REQUEST, APPROVAL = "s1r-abcdefghijkl2", "s1q-abcdefghijkl3", "s1g-abcdefghijkl4"
OTHER, LATER = "s1g-abcdefghijkl5", "s1r-abcdefghijkl6"
STOPS = (
    f"stop {RUN}",
    f"Please cancel {REQUEST}, it is the wrong tag",
    f"stop {RUN} and {REQUEST}, both are wrong",
    f"stoppe {RUN}, falscher Tag",
    f"Can you stop {RUN}, please?",
)
ENDS = (f"revoke {APPROVAL}", f"widerrufe {APPROVAL}: falscher Tag")
REFUSES = ("deny this", "do not deploy this", "Please reject this request")
POLITE = ("Hi,", "Thanks!", "Danke", "Good morning!")
MORE = (
    "Who is on call?",
    "The customers must be told first",
    "Deploy v2.0.0 to staging",
    "use the blue one",
    "42",
    "Not before noon",
    "Nimm die zweite",
    "I will look at the tests",
)

orders = some.lists(some.sampled_from((*STOPS, *ENDS)), min_size=1, max_size=3, unique=True)
others = some.lists(some.sampled_from((*POLITE, *REFUSES)), max_size=2, unique=True)
glue = some.sampled_from(("\n", ". ", "\n\n"))


def joined(parts: list[str], mark: str) -> str:
    return mark.join(part if mark != ". " else part.rstrip(".,") for part in parts)


def named(found: Ordered) -> set[str]:
    return {*found.stops, *found.ends.named}


def says_more(text: str) -> bool:
    return ordered(text).has_more("Anna Berg", has_subject=False)


@given(some.data(), orders, others, glue)
def test_each_order_of_a_message_is_read_whatever_stands_beside_it(
    data: some.DataObject, said: list[str], beside: list[str], mark: str
) -> None:
    parts = data.draw(some.permutations([*said, *beside]))
    text = joined(parts, mark)

    assert named(ordered(text)) == {one for one in (RUN, REQUEST, APPROVAL) if any(one in part for part in said)}, text


@given(some.data(), orders, some.sampled_from(REFUSES), glue)
def test_a_refusal_beside_orders_is_heard_wherever_it_stands(
    data: some.DataObject, said: list[str], refusal: str, mark: str
) -> None:
    text = joined(data.draw(some.permutations([*said, refusal])), mark)

    assert ordered(text).refusal(), text


@given(some.data(), orders, others, some.sampled_from(MORE), glue)
def test_what_else_a_message_says_beside_orders_is_told_of_wherever_it_stands(
    data: some.DataObject, said: list[str], beside: list[str], more: str, mark: str
) -> None:
    text = joined(data.draw(some.permutations([*said, *beside, more])), mark)

    assert says_more(text), text


@given(some.data(), orders, some.lists(some.sampled_from(POLITE), max_size=2, unique=True))
def test_of_a_message_of_nothing_but_orders_with_their_reasons_and_courtesy_nothing_is_told(
    data: some.DataObject, said: list[str], polite: list[str]
) -> None:
    text = "\n".join(data.draw(some.permutations([*said, *polite])))

    assert not says_more(text), text


JOINTS = (
    *(
        ", ",
        "; ",
        ": ",
        ", and ",
        " - ",
        ", also ",
        ", then ",
        ", dann ",
        " (",
        " as well as ",
        ", and now ",
        "; jetzt ",
    ),
    *(", and please ", " plus ", " sowie ", "\n- ", "\u2026 ", ". ", "\n"),
)
ALONE = (
    *("deny this", "I deny this", "lehne das ab", "approve", "who is on call?", "deploy v2.0.0 to staging"),
    *(
        "freeze production",
        "please freeze everything",
        "unfreeze production: fixed",
        f"revoke {OTHER}",
        f"stop {LATER}",
    ),
    *("standing 5 times until 2027-01-01", "delegate: cy@corp.example", "break glass: checkout is down"),
    *("away until 2027-12-01: bo@corp.example", OTHER),
)


def is_done(one: str, found: Ordered) -> bool:
    freezes = found.freeze is not None and not found.freeze.ends and one.endswith(("production", "everything"))
    is_no, is_yes = one in ALONE[:3] and found.refusal(), one == "approve" and found.consent()
    return bool(freezes or is_no or is_yes or any(some_id in one for some_id in named(found)))


@given(some.sampled_from((*STOPS, *ENDS)), some.sampled_from(JOINTS), some.sampled_from(ALONE))
def test_what_would_be_an_order_alone_is_done_or_told_of_behind_an_order_by_name(
    order: str, joint: str, alone: str
) -> None:
    text = f"{order.rstrip('?')}{joint}{alone}"
    found = ordered(text)

    frozen = found.freeze if found.freeze and not found.freeze.ends else None
    is_told = found.has_more("Anna Berg", has_subject=False, freeze=frozen) or may_mean_end(text)
    assert is_done(alone, found) or is_told or left_named(text), text


@pytest.mark.parametrize(
    ("text", "done"),
    [
        (f"stop {RUN}, also deny this", "deny this"),
        (f"stop {RUN} and now deny this", "deny this"),
        (f"stop {RUN}, and please freeze everything", "please freeze everything"),
        (f"revoke {APPROVAL}, also freeze production", "freeze production"),
    ],
)
def test_a_denial_or_a_freeze_behind_an_order_counts_whatever_joins_them(text: str, done: str) -> None:
    assert is_done(done, ordered(text))


NOTHING = (["", (), None], ["", (), False])  # a freeze below other words does nothing either


@pytest.mark.parametrize("joint", ["; if it fails, ", ". If it fails, ", "\nIf it fails, ", ", wenn das nicht hilft, "])
@pytest.mark.parametrize("then", ["deny this", "freeze production", f"revoke {APPROVAL}", f"stop {LATER}"])
def test_what_is_to_be_done_only_if_an_order_fails_is_not_done_with_it_and_told_of(joint: str, then: str) -> None:
    text = f"stop {RUN}{joint}{then}"
    found = ordered(text)

    assert found.stops.keys() == {RUN}, text
    assert [found.refusal(), found.ends.named, found.freeze and found.freeze.is_first] in NOTHING, text
    assert says_more(text) or left_named(text), text


def test_a_denial_behind_a_freeze_only_if_that_fails_is_none() -> None:
    assert ordered("freeze production. If it fails, deny this").refusal() == ""


BEHIND = (
    "{order}, and who is on call?",
    "{order}, who is on call?",
    "{order} - when does it go on?",
    "{order}, und wer hat Dienst?",
    "{order}, deploy v2.0.0 to staging",
    "{order} and deploy v2.0.0 to staging",
    "{order}, deny this if it is red",
    "{order} & freeze production, do not deploy this unless Bo agrees",
    "{order}, approve if the tests are green",
)


@pytest.mark.parametrize("text", BEHIND)
@pytest.mark.parametrize("order", [f"stop {RUN}", f"revoke {APPROVAL}"], ids=["stop", "revoke"])
def test_a_question_or_a_command_behind_an_order_in_its_sentence_is_told_of(text: str, order: str) -> None:
    found = ordered(text.format(order=order))

    assert found.has_more("Anna Berg", has_subject=False) or (not named(found) and may_mean_end(found.text))


@pytest.mark.parametrize(
    "text",
    [f"Could you stop {RUN}, please?", f"can you stop {RUN} and {REQUEST}?", f"stop {RUN}, thanks!"],
)
def test_an_order_that_is_put_as_a_question_says_no_more(text: str) -> None:
    assert not says_more(text)


@pytest.mark.parametrize(
    "text",
    [f"stop {RUN} / revoke {APPROVAL}", f"please stop {RUN} and {APPROVAL}.", f"a) stop {RUN}\nb) revoke {APPROVAL}"],
)
def test_all_that_a_message_names_as_if_to_end_it_is_told_of_where_it_ends_none(text: str) -> None:
    found = ordered(text)

    assert (named(found), found.left()) == (set(), [RUN, APPROVAL])


def test_orders_may_stand_beside_each_other_with_a_sign_between() -> None:
    found = ordered(f"deny this & stop {RUN} + revoke {APPROVAL} & freeze production")

    assert (named(found), found.refusal()) == ({RUN, APPROVAL}, "deny this")
    assert found.freeze
    assert found.freeze.environment == "production"


@pytest.mark.parametrize("text", [f"Tell Anna why we had to stop {RUN}", f"Who wants {RUN} and {REQUEST} to go on?"])
def test_what_only_speaks_of_a_run_leaves_none(text: str) -> None:
    assert ordered(text).left() == []
