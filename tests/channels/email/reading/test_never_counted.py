"""Of thousands of mails that sound like decisions none is counted that is not one, whatever is wrong with it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from channels import Reading, Reply
from channels.email import tokens
from channels.email.identity.proof import dmarc
from channels.email.reading.reader import Reader
from tests.channels.email import drafts
from tests.channels.email.drafts import APPROVALS, DENIALS, SERVER, Draft
from tests.channels.email.mails import ANNA, BO, BOT, People
from tests.kit.long import examples

READER = Reader(BOT, People(ANNA, BO), dmarc(SERVER), tokens.returning("plus"))
WORDS = {**dict.fromkeys(APPROVALS, "approve"), **dict.fromkeys(DENIALS, "deny")}
NOT_COUNTED = st.one_of(
    drafts.unclear(),
    drafts.unclear(),
    drafts.quoted_only(),
    drafts.hiding(),
    drafts.two_faced(),
    drafts.forged(),
    drafts.forged(),
).map(Draft.bytes)


def read(raw: bytes) -> Reading:
    return READER.read(raw, len(raw))


def decides(raw: bytes) -> bool:
    reading = read(raw)
    return isinstance(reading, Reply) and reading.said in ("approve", "deny")


@settings(max_examples=examples(6000), deadline=None)
@given(st.one_of(NOT_COUNTED, NOT_COUNTED, drafts.unreadable()))
def test_no_mail_that_says_more_or_hides_something_or_may_be_anybodys_is_counted(raw: bytes) -> None:
    assert not decides(raw), raw.decode("utf-8", "replace")


@settings(max_examples=examples(500), deadline=None)
@given(drafts.honest())
def test_the_same_mails_with_nothing_wrong_are_counted(draft: Draft) -> None:
    reading = read(draft.bytes())

    assert isinstance(reading, Reply)
    assert reading.said == "approve"


def test_each_word_that_they_are_made_of_decides_when_it_stands_alone() -> None:
    for word, said in WORDS.items():
        reading = read(Draft(word).bytes())
        assert isinstance(reading, Reply)
        assert reading.said == said
