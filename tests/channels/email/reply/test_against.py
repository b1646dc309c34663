"""What stands beside a command: every refusal, wait, condition, question and placeholder is told from a reason."""

import re
import time
from collections.abc import Callable

import pytest

from channels.email.reply import DECISION_CHARS, vocabulary
from channels.email.reply.against import is_emergency, is_end, is_reason, speaks_against
from tests.channels.email.work import calls_of
from tests.kit.rows import rows

_TABLES: dict[str, dict[str, list[str]]] = rows("beside_commands.toml", beside=__file__)
_ALL_REASONS = [reason for table in _TABLES.values() for reason in table["reasons"]]


@pytest.mark.parametrize("language", _TABLES)
def test_attack_what_speaks_against_a_command_is_no_reason_for_it(language: str) -> None:
    assert [text for text in _TABLES[language]["against"] if is_reason(text)] == []


@pytest.mark.parametrize("language", _TABLES)
def test_what_tells_of_an_emergency_or_its_end_is_a_reason_whatever_it_denies(language: str) -> None:
    assert [text for text in _TABLES[language]["reasons"] if not is_reason(text)] == []


@pytest.mark.parametrize("language", ["english", "german"])
def test_attack_what_tells_of_no_emergency_breaks_no_glass_and_of_one_that_goes_on_ends_no_freeze(
    language: str,
) -> None:
    table = _TABLES[language]

    assert [text for text in table["well"] if is_emergency(text)] == []
    assert [text for text in table["goes_on"] if is_end(text)] == []
    assert [text for text in table["reasons"] if not (is_emergency(text) or is_end(text))] == []
    assert is_end("checkout is still down, the hotfix must go out")


@pytest.mark.parametrize(
    "text", ["keine Übung: Produktion steht", "kein falscher Alarm, Ausfall", "not a test incident: production is down"]
)
def test_who_says_that_it_is_no_drill_has_an_emergency(text: str) -> None:
    assert is_emergency(text)


def test_one_honest_reason_of_ten_at_most_is_asked_back() -> None:
    asked_back = [text for table in _TABLES.values() for text in table["asked_back"]]

    assert [text for text in asked_back if is_reason(text)] == []
    assert len(asked_back) * 10 <= len(_ALL_REASONS)


BEHIND = ("?", " 🛑", " 👎🏽", " ✋", ", but wait for me", ". No.", ", aber erst morgen", ", only if Cy agrees")
BEFORE = ("No, ", "Wait: ", "Nein. ", "not yet, ", "Noch nicht: ", "only if Cy agrees. ")


def test_attack_no_honest_reason_hides_what_stands_behind_or_before_it() -> None:
    for number, reason in enumerate(_ALL_REASONS):
        assert speaks_against(reason.rstrip(".") + BEHIND[number % len(BEHIND)]), reason
        assert speaks_against(BEFORE[number % len(BEFORE)] + reason), reason


def test_a_short_text_that_tells_nothing_is_no_reason_and_does_not_speak_against_anything() -> None:
    assert [is_reason("on the train"), speaks_against("on the train"), is_reason(""), speaks_against(" ")] == [
        False, False, False, False,
    ]  # fmt: skip


def test_what_is_too_long_to_be_read_speaks_against_it_and_takes_no_time() -> None:
    hostile = ("a-" * DECISION_CHARS, "if " * DECISION_CHARS, "wenn a " * 280, "(" * 1_999, "no, " * 499, "<a" * 999)

    began = time.process_time()
    found = [speaks_against(text) for text in hostile]

    assert found[:2] == [True, True]
    assert time.process_time() - began < 2


@pytest.mark.parametrize("read", [speaks_against, is_reason, is_emergency, is_end])
@pytest.mark.parametrize("unit", ["?", "no ", "(", "<", "- ", "落"])
def test_attack_what_is_too_long_costs_what_its_length_costs_and_no_more(
    read: Callable[[str], bool], unit: str
) -> None:
    hostile = (2 * DECISION_CHARS // len(unit)) * unit
    read("it is broken")  # makes the patterns

    assert calls_of(lambda: read(hostile)) < 100


@pytest.mark.parametrize("list_of", ["anywhere", "tells", "tells_anywhere", "names", "well", "goes_on", "acts"])
def test_attack_no_word_that_is_looked_for_at_each_place_may_begin_with_anything(list_of: str) -> None:
    # Each place of the text would have it look at all the rest: one of 64 KB takes minutes.
    assert re.search(r"(?:\A|\|)\(*(?:\?:)?(?:\.|\[\^\w\]|\\[SWD])[*+]", vocabulary.COMMANDS[list_of]) is None
