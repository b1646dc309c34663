import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_html, read_reply, vocabulary
from channels.email.reply.lines import Lines
from channels.email.reply.newtext import new_text

OWN = "agent@sayso.example"
ADDRESS = "<agent+k7@sayso.example>"
QUOTE = "> Deploy 4f2a?\n> Bo may decide"
BULGARIAN = f"На вт, 3.03.2026 г. в 9:41 sayso {ADDRESS} написа:"
LITHUANIAN = "Nuo: sayso <agent@sayso.example>\nTema: Deploy?\nData: 2026-03-03 09:41\nKam: Bo"


def test_an_approval_above_a_quote_in_such_a_language_counts_where_the_quote_is_of_our_mail() -> None:
    others = BULGARIAN.replace("sayso.example", "corp.example")

    assert read_reply(f"approve\n\n{BULGARIAN}\n\n{QUOTE}", own=OWN).said == "approve"
    assert read_reply(f"approve\n\n{others}\n\n{QUOTE}", own=OWN).said == "free_text"
    assert read_reply(f"approve\n\nvetëm pas 3.3.2026 9:41, bo@corp.example:\n{QUOTE}", own=OWN).said == "free_text"
    assert read_reply(f"approve\n\nnot before 3.3.2026 9:41, {ADDRESS}:\n{QUOTE}", own=OWN).said == "free_text"


def test_a_line_drawn_across_a_page_is_such_a_rule() -> None:
    header = "Iz: agent@sayso.example<br>On: 3.3.2026 9:41<br>Xy: Bo<br>Zz: Deploy?"

    assert read_html(f"<div>yes<hr><div>{header}</div><p>Deploy 4f2a?</p></div>").whole == "yes"
    assert read_html("<div>yes<hr>Note: ask Bo<br>ilo</div>").whole.split("\n")[::2] == ["yes", "Note: ask Bo"]
    assert "ilo" in read_html(f"<div>yes<div>{header}</div><p>ilo</p></div>").whole


def test_a_header_on_top_of_what_is_sent_on_goes_and_the_mail_below_it_stays() -> None:
    header = f"---------- Xyz ----------\n{LITHUANIAN}"
    found = new_text(f"{header}\n\nDeploy 4f2a?")

    assert (found.text, found.sent_on, bool(found.unsure)) == ("Deploy 4f2a?", header, True)


def test_the_last_line_of_an_answer_right_above_a_header_stays() -> None:
    assert new_text(f"Deny: it is late\n\n{'_' * 32}\n{LITHUANIAN}\n\nReply approve").text == "Deny: it is late"
    assert "Deny: it is late" in new_text(f"Deny: it is late\n{LITHUANIAN}\n\nReply approve").text


ZEROS = [chr(code) for code in range(0x10000) if chr(code).isdecimal() and unicodedata.decimal(chr(code)) == 0]
LETTERS = st.characters(categories=["Lu", "Ll", "Lo"])
NAME = st.text(LETTERS, min_size=1, max_size=12)
MARK = st.sampled_from(["", *"\u200e\u200f\u202a\u202b\u202c\u2066\u2069\u061c"])


def _in_digits(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(char)) if char in "0123456789" else char for char in text)


@given(st.sampled_from(ZEROS), st.integers(1, 28), st.integers(2000, 2099), st.integers(0, 23), NAME, NAME, MARK)
def test_a_date_in_the_digits_of_any_script_is_one(
    zero: str, day: int, year: int, hour: int, before: str, month: str, mark: str
) -> None:
    stamp = _in_digits(f"{day} {month} {year} {hour}:41", zero)
    attribution = f"{before} {mark}{stamp}{mark}, sayso {mark}{ADDRESS}{mark} {month}{mark}:{mark}"

    assert new_text(f"yes\n\n{attribution}\n\nDeploy 4f2a?", own=OWN).text == "yes"


def test_digits_of_every_script_are_known() -> None:
    digits = [chr(code) for code in range(0x10000) if chr(code).isdecimal()]

    assert Lines(("".join(digits),)).folded(0) == "".join(str(unicodedata.decimal(digit)) for digit in digits)


def _as_label(name: str) -> str:
    """`name` as labels are told apart: one that differs by an accent alone, which no program writes, begins another
    block, and all of it stays in the answer.
    """
    return vocabulary.fold(name).casefold()


@given(st.lists(NAME, min_size=4, max_size=4, unique_by=_as_label), st.sampled_from(ZEROS), st.booleans(), MARK)
def test_a_header_is_known_by_its_values_whatever_its_labels_are_called(
    names: list[str], zero: str, is_wide: bool, mark: str
) -> None:
    colon = "\uff1a" if is_wide else ": "
    values = (ADDRESS, _in_digits("3.3.2026 09:41", zero), "Bo", "Deploy?")
    header = "\n".join(
        f"{mark}{name}{mark}{colon}{mark}{value}{mark}" for name, value in zip(names, values, strict=True)
    )

    assert new_text(f"yes\n\n{header}\n\nDeploy 4f2a?", own=OWN).text == "yes"


OWN_LINE = st.one_of(
    NAME,
    st.builds("{}: {}".format, NAME, st.sampled_from(["bob@example.com", "3 March 2026 10:00", "room 5", "9:41", ""])),
    st.sampled_from(
        ["", "- the budget", "1. the plan", "bob@example.com", "3.3.2026 9:41", "2026", "---- plan ----", "a:"]
    ),
)


@given(st.lists(OWN_LINE, max_size=12))
def test_no_list_of_ones_own_is_cut_short_without_what_only_programs_write(lines: list[str]) -> None:
    body = "\n".join(("ilo ilo", *lines, "ilo"))

    kept = new_text(body).text.split("\n")

    assert kept[0] == "ilo ilo"
    assert kept[-1] == "ilo"
