"""What of a mail is newly written: `newtext.toml`, and what no list of mails can show."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply.newtext import NEW_TEXT_CHARS, new_text
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of
from tests.kit.rows import rows

OWN = "agent@sayso.example"
ON = "On Tue, Mar 3, 2026 at 9:41 AM sayso <agent+k7@sayso.example> wrote:"
HEADER = "From: sayso <agent@sayso.example>\nSent: Tuesday, March 3, 2026\nTo: Bo\nSubject: Deploy?"
MAILS = rows("newtext.toml", beside=__file__)
LEAVES: dict[str, dict[str, Any]] = {rule["name"]: rule for rule in MAILS["leaves"]}


def filled(text: str) -> str:
    return text.replace("@ON@", ON).replace("@HEADER@", HEADER)


@pytest.mark.parametrize("name", LEAVES)
def test_what_a_program_added_is_taken_away_and_the_one_word_is_left(name: str) -> None:
    rule = LEAVES[name]

    for own in rule.get("owns", [""]):
        for text in rule["texts"]:
            for around in rule.get("within", ["{}"]):
                found = new_text(filled(around.replace("{}", text)), own=own)
                assert found.text == "yes", text
                assert not rule.get("is_sure") or not found.unsure, text


def test_a_line_of_the_persons_own_is_never_taken_for_the_programs() -> None:
    assert [body for body in MAILS["own"] if "\n" not in new_text(body).text] == []


@pytest.mark.parametrize("own", ["", OWN])
def test_own_text_of_the_shape_of_an_attribution_or_a_header_is_never_lost(own: str) -> None:
    for body in MAILS["shaped"]:
        kept = new_text(body, own=own).text.split("\n")
        assert [line for line in body.split("\n") if line not in kept] == []


def test_a_text_from_which_something_doubtful_was_cut_says_so() -> None:
    below = [f"approve\n\n@HEADER@\n\nDeploy?\nReference: r1\n\n{added}" for added in MAILS["moments"]]

    assert [body for body in (*MAILS["unsure"], *below) if not new_text(filled(body)).unsure] == []
    assert new_text("\n" * 6000 + "approve").unsure


def test_a_line_above_a_quote_that_could_be_the_programs_is_taken_away() -> None:
    for line in ("* sayso, 3/3/2026 9:41", "sayso wrote", "-------- sayso --------"):
        assert new_text(f"yes\n\n{line}{':' * (line[0] != '-')}\n> Deploy?").text == "yes"
    assert new_text("yes\n\nsayso wrote:\n> Deploy?").unsure == ""
    assert new_text("yes\n\nbut wait for Outlook<https://aka.ms/o0ukef>").text != "yes"


LEGAL = [
    "This email may contain confidential information. If you are not the intended recipient, delete it at once.",
    "Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der Adressat, vernichten Sie diese Mail.",
    "Questo messaggio e i suoi allegati sono riservati al destinatario. Se ricevuto per errore, non copiatelo.",
    "Registered in England and Wales No. 123456. Registered office: 1 High Street, London.",
    "Example GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Charlottenburg HRB 12345",
]


@pytest.mark.parametrize("legal", LEGAL)
def test_a_legal_footer_that_a_server_adds_anywhere_leaves_the_answer_and_no_doubt(legal: str) -> None:
    card = "Deploy 4f2a?\nTo deny, reply: deny\n\nAnswers count until Fri.\nReference: r1"
    quote = "> " + card.replace("\n", "\n> ")

    for body in (
        f"{legal}\n\napprove",
        f"approve\n\n{legal}",
        f"approve\n\n{ON}\n\n{quote}\n\n{legal}",
        f"approve\n\n{HEADER}\n\n{card}\n\n{legal}\n",
    ):
        found = new_text(body)
        assert (found.text, found.unsure) == ("approve", "")


def test_a_quote_without_marks_that_holds_no_doubt_leaves_none() -> None:
    card = "Deploy 4f2a?\nTo deny, reply: deny\n\nNot yet live.\n\nAnswers count until Fri.\nReference: r1"

    assert new_text(f"approve\n\n{HEADER}\n\n{card}").unsure == ""
    assert new_text(f"approve\n\n{HEADER}\n\n{card}\n\nno").unsure


@pytest.mark.parametrize("added", [*MAILS["moments"], "only on staging", "Is it safe?"])
def test_attack_what_is_typed_into_the_quote_below_the_card_is_lost(added: str) -> None:
    card = "Please answer by Tue 3 Mar 2026. [6J5JMZ]\nDeploy 4f2a?\nTo deny, reply: deny\nReference: r1"
    quote = "> " + card.replace("\n", "\n> ")

    assert new_text(f"approve\n\n{ON}\n\n{quote}", card=card).unsure == ""
    assert new_text(f"approve\n\n{ON}\n\n{quote}\n> \n> {added}", card=card).unsure
    assert new_text(f"approve\n\n{ON}\n\n{quote}\n> \n> {LEGAL[0]}", card=card).unsure == ""


def test_answers_between_quotes_are_kept_with_their_questions() -> None:
    found = new_text("> Which branch?\n\nmain\n\n> When?\n\nnow")

    assert found.text.split() == ["main", "now"]
    assert found.asked == "> Which branch?\nmain\n\n> When?\nnow"


def test_a_mark_that_our_mail_began_with_ends_the_answer() -> None:
    assert new_text("yes\n=== 4711 ===\nDeploy?", marker="=== 4711").text == "yes"


@given(st.lists(st.text(alphabet="> \t", max_size=3).map(lambda start: f">{start}approve")))
def test_a_mail_of_quotes_only_has_no_new_text(lines: list[str]) -> None:
    assert new_text("\n".join(lines)).text == ""


LINE = st.sampled_from(
    ["approve", "no", "> x", "", "--", ON, "From: a@b.example", "Date: 3 Mar 2026 10:00", "To: x", "---", "a:", "```"]
)


@given(st.lists(LINE, max_size=30))
def test_every_line_of_the_new_text_is_one_of_the_mail_and_none_is_a_quote(lines: list[str]) -> None:
    for line in new_text("\n".join(lines)).text.split("\n"):
        assert not line or line in lines
        assert not line.startswith(">") or "```" in lines


@given(st.text(max_size=300))
def test_any_text_is_read_and_what_is_new_in_what_is_new_is_no_more(body: str) -> None:
    found = new_text(body).text

    assert len(new_text(found).text) <= len(found)


@pytest.mark.parametrize(
    "piece",
    few_of(
        [
            *(">", f"{ON}\n\n\n\n", "From: x\n", f"-- \n{ON}\n", "\n", "wrote:\n", "- x -\n", "-" * 70 + "\n", "On \n"),
            *("a: b@c.de 3.3.2026 9:41\n", "3.3.2026 9:41\n<\nmailto:b <b@c.de>\n> a:\n", f"{'a' * 380}@:\n"),
            *(f"{'<a@b' * 90}:\n", f"{'3.3.20' * 60}:\n", f"{'٣' * 380}:\n", "1:\n" + "\n" * 50),
            *(f"----- a -----\n{'a:b@c.de' * 100}\n", "_" * 32 + "\na: b\n", "a: b@c.de\nb: 3.3.2026 9:41\nc: x\n\n"),
        ],
        9,
    ),
    ids=range(19),
)
def test_two_megabytes_of_anything_take_no_more_work_than_the_limit_allows(piece: str) -> None:
    body = piece * (2_000_000 // len(piece))

    assert calls_of(lambda: new_text(body, own=OWN)) < MOST_CALLS


def test_many_attributions_cost_as_much_as_their_number() -> None:
    few, many = f"{ON}\n\n" * 500, f"{ON}\n\n" * 2_000

    assert calls_of(lambda: new_text(many)) < 5 * calls_of(lambda: new_text(few))


def test_a_text_over_the_limit_comes_back_over_the_limit() -> None:
    assert len(new_text("word " * NEW_TEXT_CHARS).text) > NEW_TEXT_CHARS


BANNER = st.sampled_from(
    ["[EXTERNAL]", "external email", "approve", "no", "wait", "caution:", "link", "\n", "\n\n", ".", "---\n"]
)


@given(st.lists(BANNER, max_size=14).map(" ".join))
def test_no_refusal_is_ever_part_of_a_banner(text: str) -> None:
    kept = new_text(text).text

    assert "wait" not in text or "wait" in kept or "---" in text


@pytest.mark.parametrize("start", ["", "external ", "caution: this e-mail came from outside "])
def test_a_long_line_of_anything_at_the_top_is_looked_at_once(start: str) -> None:
    for piece in ("@", "<", "(", "[", "*", "_", " ", "a@", "<a", "http://", "((["):
        body = f"{start}{piece * (2_000 // len(piece))}\n\napprove"
        assert calls_of(partial(new_text, body)) < MOST_CALLS


@pytest.mark.parametrize(
    "head",
    [
        "3.3.2026 12:00 sayso:",
        "wt., 3 mar 2026 o 12:00 sayso <agent@sayso.example> napisał(a):",
        "On Tue, Mar 3, 2026 at 12:00 PM sayso\n<agent@sayso.example> wrote:",
        "---- On Tue, 3 Mar 2026 12:00:00 +0100 sayso <agent@sayso.example> wrote ----",
    ],
)
def test_what_a_program_says_of_who_wrote_is_its_own(head: str) -> None:
    assert not any(new_text(f"approve\n\n{head}\n\n> Press bell?\n", own=OWN).beside)


@pytest.mark.parametrize(
    "typed",
    [
        "The small one at 17:00:\n\n> Press bell?",
        f"On the small one,\n{ON}\n> Press bell?",
        "On 9 March 2026 at 17:00:\n\n> Press bell?",
        "in 2 h at 14:00:\n\n> Press bell?",
        "sayso, Monday at 17:00:\n\n> Press bell?",
        f"On Monday, 9 March 2026 at 17:00,\n{ON}\n> Press bell?",
        f"--- Just the small one ---\n{HEADER}\n\nPress bell?",
    ],
)
def test_attack_words_that_only_look_like_what_a_program_says_of_who_wrote_are_taken_for_that(typed: str) -> None:
    assert typed.partition("\n")[0] in new_text(f"approve\n\n{typed}\n", own=OWN).beside
