"""What a command printed, on cards: where all of it is, in the language of whoever reads."""

import pytest

from bot.policy.attachments import output_file
from bot.render.output import output_line, with_kept
from channels import Card
from tests.agents.worlds import NOON


@pytest.mark.parametrize(
    ("has_it", "attaches", "words"),
    [
        (True, True, "all of it, 7 bytes, is attached as output.txt"),
        (True, False, "all of it, 7 bytes, is on the page of the run"),
        (False, True, "all of it, 7 bytes, is no longer kept"),
    ],
)
def test_a_card_says_where_all_of_the_output_is(has_it: bool, attaches: bool, words: str) -> None:
    kept = output_file("failed\n")
    assert kept
    card = Card(title="Failed", at=NOON, facts=(output_line(kept[0]),))

    [line] = with_kept(card, {kept[0].sha256: kept[1]} if has_it else {}, attaches=attaches).facts

    assert (line.label, line.text) == ("Output", words)
    assert line.whole == ("failed\n" if has_it and attaches else "")
