"""Each kind of error is told in its own words, with one status, by the API and by the console."""

import pytest

from bot.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, SaysoError, Unavailable
from bot.web.console.visits import refusal_of
from bot.web.problems import problem_of

KINDS = [
    (NotFound("There is no run", "List them"), 404, 404),
    (Forbidden("Only Bo may do that", "Ask Bo"), 403, 403),
    (Conflict("It has ended", "Nothing was changed"), 409, 409),
    (Invalid("The text is empty", "Say something"), 422, 400),
    (RateLimited("That was the tenth", "Wait", 12.2), 429, 429),
    (Unavailable("Redis does not answer", "It is tried again"), 503, 503),
]


@pytest.mark.parametrize(("error", "api", "console"), KINDS, ids=[type(error).__name__ for error, _, _ in KINDS])
def test_each_kind_has_a_status_and_keeps_what_happened(error: SaysoError, api: int, console: int) -> None:
    told = problem_of(error)

    assert (told.problem.status, refusal_of(error).status) == (api, console)
    assert told.problem.detail == f"{error.what}."
    assert told.problem.do


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    assert str(Conflict("It has ended.", "Nothing was changed")) == "It has ended. Nothing was changed"
    assert str(Invalid("shards: found 0; allowed: 1")) == "shards: found 0; allowed: 1"


def test_who_is_too_fast_is_told_when_to_come_again() -> None:
    assert problem_of(RateLimited("That was the tenth", "Wait", 12.2)).headers == {"Retry-After": "13"}
