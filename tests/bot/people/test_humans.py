"""Who is who: what a mark says of two people, and which id is whose for ever."""

import pytest

from agents.requests import PersonId
from bot.config.tables import PersonConfig
from bot.people.directory import People
from bot.people.humans import Humans
from bot.people.marks import Mark, mark_of, maybe_same, surely_same
from bot.people.tables import Tables
from tests.channels.email.work import calls_of

UID, OTHER_UID, SLACK, OTHER_SLACK, MAIL, OTHER_MAIL = "uid", "uid2", "slack", "slack2", "mail", "mail2"
BEFORE_AND_NOW = {
    "nothing changed": (Mark(slack=SLACK, email=MAIL), Mark(slack=SLACK, email=MAIL), True, True),
    "a first Slack id": (Mark(email=MAIL), Mark(slack=SLACK, email=MAIL), True, True),
    "a first uid": (Mark(email=MAIL), Mark(uid=UID, email=MAIL), True, True),
    "another address": (Mark(slack=SLACK, email=MAIL), Mark(slack=SLACK, email=OTHER_MAIL), False, True),
    "another Slack id": (Mark(slack=SLACK, email=MAIL), Mark(slack=OTHER_SLACK, email=MAIL), False, True),
    "an address less": (Mark(slack=SLACK, email=MAIL), Mark(slack=SLACK), False, True),
    "all addresses, and the same uid": (Mark(uid=UID, email=MAIL), Mark(uid=UID, email=OTHER_MAIL), True, True),
    "the same addresses, and another uid": (Mark(uid=UID, email=MAIL), Mark(uid=OTHER_UID, email=MAIL), False, True),
    "a uid alone, and none": (Mark(uid=UID), Mark(email=MAIL), False, False),
    "nothing shared": (Mark(slack=SLACK, email=MAIL), Mark(slack=OTHER_SLACK, email=OTHER_MAIL), False, False),
    "nothing known before": (Mark(), Mark(email=MAIL), False, False),
    "nothing known at all": (Mark(), Mark(), False, False),
}


@pytest.mark.parametrize("change", BEFORE_AND_NOW)
def test_what_changed_says_whether_it_is_the_same_human(change: str) -> None:
    before, now, surely, maybe = BEFORE_AND_NOW[change]

    assert surely_same(before, now) is surely
    assert maybe_same([before], [now]) is maybe
    assert maybe_same([now], [before]) is maybe


def test_a_mark_holds_no_address() -> None:
    bo = PersonConfig(name="Bo Berg", email="Bo+work@Corp.example", slack="U01BO", uid="4711")

    assert mark_of(bo) == mark_of(bo.model_copy(update={"email": "bo@corp.example"}))
    assert not {"4711", "u01bo", "bo@corp.example"} & {*mark_of(bo).model_dump().values()}


def ids(humans: Humans, **directory: Mark) -> tuple[Humans, dict[str, str]]:
    who = humans.who_is(directory)
    return humans.with_those(who.values()), {name: human.id for name, human in who.items()}


def test_whoever_comes_second_to_an_id_has_a_number() -> None:
    humans, first = ids(Humans(), cy=Mark(email="a"))
    humans, second = ids(humans, cy=Mark(email="b"))
    humans, third = ids(humans, cy=Mark(email="c"), cyril=Mark(email="a"))

    assert (first, second, third) == ({"cy": "cy"}, {"cy": "cy~2"}, {"cy": "cy~3", "cyril": "cy"})
    assert ids(humans, cy=Mark(email="b"))[1] == {"cy": "cy~2"}


def test_the_uid_finds_somebody_before_an_address_does() -> None:
    humans, _ = ids(Humans(), bo=Mark(uid="1", email="a"), cy=Mark(email="b"))

    _, found = ids(humans, one=Mark(email="a"), two=Mark(uid="1", email="b"))

    assert found == {"two": "bo", "one": "one"}


def test_whoever_may_be_one_of_two_is_neither() -> None:
    humans, _ = ids(Humans(), bo=Mark(email="a"), cy=Mark(slack="b"))

    humans, found = ids(humans, dee=Mark(slack="b", email="a"))

    assert found == {"dee": "dee"}
    assert {*humans.maybe([PersonId("dee")])} == {"bo", "cy"}


def test_nobody_is_known_by_nothing() -> None:
    humans, first = ids(Humans(), bo=Mark())

    assert ids(humans, bo=Mark())[1] != first


def test_what_the_file_says_of_somebody_is_said_of_whoever_it_means() -> None:
    people = People({"cy": PersonConfig(name="Cy Cole", email="cy@corp.example")}, {})
    people.change(people.as_written)
    another = PersonConfig(name="Zoe Zahn", email="zoe@corp.example")
    people.change(type(people.as_written)({"cy": another}, {}, alerts=("person:cy",)))

    assert people.tables.alerts == ("person:cy~2",)
    assert people.refs(("person:cy", "group:ops")) == ("person:cy~2", "group:ops")
    assert (people.of_file("cy"), people.id_in_file("cy~2"), people.named("cy~2")) == ("cy~2", "cy", "cy~2")
    assert (people.is_here("cy"), people.name_of("cy")) == (False, "Cy Cole (has left)")


def test_a_large_directory_is_compared_with_itself_as_fast_as_a_small_one() -> None:
    """With each save of the file, while nothing else runs: in the square of their number that took seconds."""

    def work(count: int) -> int:
        everybody = {f"p{number}": Mark(email=f"mail{number}") for number in range(count)}
        humans, _ = ids(Humans(), **everybody)
        return calls_of(lambda: humans.who_is(everybody))

    assert work(400) < 15 * work(40)


def test_a_large_file_is_compared_with_the_one_before_as_fast_as_a_small_one() -> None:
    """In the square of their number it took more than a minute, with each save of a policy."""

    def work(count: int) -> int:
        def read() -> Tables:
            return Tables({f"p{n}": PersonConfig(name=f"P {n}", email=f"p{n}@corp.example") for n in range(count)}, {})

        people = People({}, {})
        people.change(read())
        return calls_of(lambda: people.change(read()))

    assert work(400) < 15 * work(40)
