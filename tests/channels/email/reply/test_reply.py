"""What an answer says: each rule of `answers.toml`, and what no list of texts can show."""

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.reply import is_decision, read_both, read_reply, vocabulary
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import examples, few_of
from tests.kit.rows import rows

RULES = {rule["name"]: rule for rule in rows("answers.toml", beside=__file__)["rule"]}
WORDS = [
    *("yes", "approve", "approved", "ok", "please", "thanks", "go", "ahead", "it", "this", "i", "do", "sure", "fine"),
    "bo",
]


@pytest.mark.parametrize("name", RULES)
def test_an_answer_is_read_as_its_rule_says(name: str) -> None:
    rule = RULES[name]
    told: list[tuple[str, str | None]] = [(text, None) for text in rule.get("texts", [])]

    for author in rule.get("authors", ["Bo Berg"]):
        for text, reason in [*told, *rule.get("reasons", [])]:
            for around in rule.get("within", ["{}"]):
                read = read_reply(around.replace("{}", text), author)
                assert read.said == rule["said"], (text, read)
                assert reason is None or read.reason == reason, (text, read)


def test_what_greets_signs_off_or_is_a_signature_is_no_part_of_an_answer_and_stays_where_it_may_be_all_of_it() -> None:
    assert read_reply("Hi team,\n\n2\n\nThanks,\nBo", "Bo Berg").text == "2"
    for whole in ("Thanks,\nBo", "Hello World!\nWelcome to our site", "Send it to:\n\nBo Berg\nHead of Release"):
        assert read_reply(whole, "Bo Berg").text == whole


NAME, REACHED = "Bo Berg", "Corp GmbH | Hauptweg 12 | 12345 Berlin\nT: +49 30 1234567"
MADE = "&#10;&#10;AI-generated content may be incorrect."
DRAWN = "Ein Bild, das Logo enthält.&#10;&#10;Automatisch generierte Beschreibung"


@pytest.mark.parametrize(
    ("plain", "picture"),
    [
        ("[cid:image001.png@01DC5E2A]", '<img src="cid:image001.png@01DC5E2A">'),
        ("[Corp Logo]", '<img alt="Corp Logo" src="cid:image001.png@01DC5E2A">'),
        ("[image: Corp Logo]", '<img alt="Corp Logo" src="https://corp.example/logo.png">'),
        ("[Ein Bild, das Logo enthält.  Automatisch generierte Beschreibung]", f'<img alt="{DRAWN}" src="cid:1">'),
        (
            "[A logo AI-generated content may be incorrect.]",
            f'<img alt="A logo{MADE}" src="cid:image001.png@01DC5E2A">',
        ),
        ("[Our page]<https://corp.example/>", '<a href="https://corp.example/"><img alt="Our page" src="cid:1"></a>'),
    ],
)
@pytest.mark.parametrize("order", ["PNR", "NPR", "NRP"])
def test_a_picture_in_a_signature_says_nothing_in_the_plain_text_either(plain: str, picture: str, order: str) -> None:
    parts = {"N": (NAME, NAME), "P": (plain, picture), "R": (REACHED, REACHED.replace("\n", "<br>"))}
    text = "\n".join(("Best regards", "", *(parts[each][0] for each in order)))
    page = "".join(f"<p>{each}</p>" for each in ("Best regards", *(parts[each][1] for each in order)))

    approved = read_both(f"Approved\n\n{text}", f"<p>Approved</p>{page}", NAME)
    denied = read_both(f"No, wrong version\n\n{text}", f"<p>No, wrong version</p>{page}", NAME)
    other = read_both(f"the tower\n\n{text}", f"<p>the tower</p>{page}", NAME)

    assert (approved.said, denied.said, denied.reason) == ("approve", "deny", "wrong version")
    assert (other.said, other.is_one) == ("free_text", True)


SHOWN = '<p>Approved</p><img alt="only v1.3" src="cid:1">'
BELOW = "Approved\n\nBo Berg\n[only v1.3]"


@pytest.mark.parametrize(
    ("plain", "page"),
    [
        ("Approved\n\n[only v1.3]", SHOWN),
        ("Approved\n\n[only v1.3]\n\nBest regards\nBo Berg", SHOWN),
        (BELOW, '<p>Approved</p><p>Bo Berg<br>[only v1.3]</p><img alt="Logo" src="cid:1">'),
        (BELOW, '<p>Approved</p><p>Bo Berg<br>[only v1.3]<img alt="only v1.3"></p>'),
        (BELOW, "<p>Approved</p><p>Bo Berg</p>"),
        *(
            (f"Approved\n\nBo Berg\n[{drawn}]", f'<p>Approved</p><p>Bo Berg</p><img alt="{drawn}" src="cid:1">')
            for drawn in ("REJECTED", "Not So Fast GIF", "nur auf Staging", "Why?")
        ),
    ],
)
def test_a_picture_beside_a_decision_and_brackets_of_ones_own_leave_it_undecided(plain: str, page: str) -> None:
    assert read_both(plain, page, "Bo Berg").said == "free_text"


def test_a_blank_plain_text_beside_html_says_nothing_against_it() -> None:
    assert read_both(" \n\u00a0\n", "<p>approve</p>", "Bo Berg").said == "approve"
    hidden = '<p>approve</p><font color="#ffffff" size="1">{}</font>'
    assert read_both("approve\n\u1427", hidden.format("\u1427")).said == "approve"
    assert read_both("approve\n\u1427", hidden.format("\u1427 not")).said == "free_text"
    assert read_both("Look at the HTML", "<p>approve</p>", "Bo Berg").said != "approve"


@pytest.mark.parametrize(
    "target",
    [
        "http://www.shop.example",
        "http://www.shop.example/",
        "https://eur01.safelinks.protection.outlook.com/?url=" + "http%3A%2F%2Fwww.shop.example%2F&data=05%7C02" * 20,
        "mailto:www.shop.example",
    ],
)
def test_where_a_link_leads_is_no_word_of_an_answer_that_its_html_shows_without_it(target: str) -> None:
    plain, seen = f"Host: www.shop.example<{target}>", f'<p>Host: <a href="{target}">www.shop.example</a></p>'

    said = read_both(f"{plain}\nNote: <none>", f"{seen}<p>Note: &lt;none&gt;</p>", "Bo Berg")
    other = read_both(plain, seen.replace("</a>", "</a>.evil"), "Bo Berg")

    assert (said.text, said.is_one) == ("Host: www.shop.example\nNote: <none>", True)
    assert (other.text, other.is_one) == (plain, False)


@given(
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.text(alphabet=st.characters(categories=("L",)), min_size=1, max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.sampled_from([" ", ", ", "\n", ". "]),
)
def test_no_text_with_a_word_outside_the_vocabulary_approves(
    before: list[str], word: str, after: list[str], glue: str
) -> None:
    text = glue.join([*before, word, *after])

    said = read_reply(text, "Bo Berg")

    assert said.said != "approve" or read_reply(f"approve. {word}", "Bo Berg").said == "approve"


@given(st.lists(st.sampled_from([*WORDS, "no", "not", "deny", "but", "?", "wait", "\n", ".", ","])))
def test_no_text_that_holds_a_refusal_a_doubt_or_a_question_approves(words: list[str]) -> None:
    text = " ".join(words)

    if re.search(r"\b(no|not|deny|but|wait)\b|\?", text):
        assert read_reply(text, "Bo Berg").said != "approve"


@given(st.text(max_size=500), st.text(max_size=30))
def test_any_text_by_anybody_is_read(body: str, author: str) -> None:
    assert read_reply(body, author).said in ("approve", "deny", "free_text", "empty")


def test_no_text_takes_more_work_than_the_limit_allows() -> None:
    read_reply("approve")
    bodies = ("yes " * 500_000, "please do it " * 100, "thanks " * 250 + "x", "no" + "\n" * 1900 + "x")
    more = (("no" + " \n" * 90) * 10 + "x", "hi " + "all " * 450 + "x", ">" * 2_000_000)

    assert [body[:9] for body in (*bodies, *more) if calls_of(lambda: read_reply(body)) >= MOST_CALLS] == []  # noqa: B023


def test_a_line_that_would_count_as_a_decision_is_known_as_one() -> None:
    assert is_decision("approve")
    assert is_decision(" 👎 ")
    assert not is_decision("To approve, reply with the one word: approve")
    assert not is_decision("To deny, reply: deny (you can add a reason)")


LEADS = [
    *("my answer is", "the decision", "answer", "hi", "hello", "hey all", "dear all team", "good morning", "morning"),
    *("many thanks", "thanks a lot", "thank you so much", "thx", "cheers", "please", "pls", "best regards", "regards"),
    *("kind regards", "with kind regards", "best", "best wishes", "all the best", "yours sincerely", "sincerely"),
    *("sorry", "i'm sorry", "bo", "all", "go ahead", "please do it", "yes", "no", "do not", "stop"),
]


@pytest.mark.parametrize("glue", few_of([" ", ", ", "\n"], 0))
def test_polite_words_in_any_order_and_number_are_read_to_the_end(glue: str) -> None:
    for number, first in enumerate(LEADS):
        for second in LEADS[number % 5 :: 5]:
            assert read_reply(glue.join([first, second] * 100) + glue + "x", "Bo All Bo").said != "approve"


@pytest.mark.parametrize(
    ("author", "text"),
    [
        ("Uwe Freitag", "ok Freitag"), ("Eva Montag", "Freigegeben, Montag"), ("Ida Morgen", "ja, morgen"),
        ("Kim Heute", "ok heute"), ("Tim Abend", "ok, Abend"), ("Pat Sunday", "ok Sunday"), ("Ada Domani", "ok domani"),
        ("Mia Lunes", "vale, lunes"), ("Ben Warte", "ok\nWarte"), ("Ole Nicht", "genehmigt Nicht"),
    ],
)  # fmt: skip
def test_attack_a_name_that_says_when_or_no_is_none_beside_consent_but_for_the_whole_of_it(
    author: str, text: str
) -> None:
    first, *_ = author.split()

    assert read_reply(text, author).said != "approve"
    assert read_reply(f"genehmigt\n{first}", author).said == "approve"
    assert read_reply(f"Genehmigt, danke.\n\n{author}", author).said == "approve"
    assert read_reply("ok, jo morgen", "Jo Morgen").said == "free_text", "a yes and a moment in each part"


def test_no_name_makes_a_line_readable_in_many_ways() -> None:
    for author in ("B B B", "All There", "Team Lot Team"):
        for piece in ("b ", "hi all ", "there ", "thanks team ", "lot ", "b all "):
            assert read_reply("hi " + piece * 100 + "x yes", author).said != "approve"


@pytest.mark.parametrize("above", ["Bo Berg", "-- ", "\u200b"])
def test_what_stands_behind_a_thousand_blanks_is_part_of_the_answer(above: str) -> None:
    assert read_reply(f"Approved\n\n{above}{1100 * ' '}but not today", "Bo Berg").said == "free_text"


# Everything that the grammar knows, word by word, and what people write around it.
VOCABULARY = sorted(set(re.findall(r"[a-z']+", vocabulary.fold(f"{vocabulary.APPROVE} {vocabulary.POLITE}"))))
# Not `aber`, `pas` or `maar`: `aber gerne`, `pas d'objection` and `doe maar` are consent.
OUTSIDE = [
    *("not", "nicht", "niet", "never", "jedoch", "jamais", "cependant", "echter", "eppure", "embora", "aunque"),
    *("only", "nur", "if", "wenn", "?", "tomorrow", "42"),
]


@settings(max_examples=examples(5000), deadline=None)
@given(
    st.lists(st.sampled_from(VOCABULARY), max_size=6),
    st.sampled_from(OUTSIDE),
    st.lists(st.sampled_from(VOCABULARY), max_size=6),
    st.sampled_from([" ", ", ", "\n", ". ", " - "]),
)
def test_no_text_with_one_word_outside_the_accepted_grammar_is_an_approval(
    before: list[str], word: str, after: list[str], glue: str
) -> None:
    assert word not in VOCABULARY

    said = read_reply(glue.join([*before, word, *after]), "Bo Berg")

    assert said.said != "approve"


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["approve", "Ja", "承認します"]))
def test_a_quoted_approval_never_counts(text: str, approval: str) -> None:
    quoted = "\n".join(f"> {line}" for line in (approval, *text.split("\n")))

    assert read_reply(quoted, "Bo Berg").said != "approve"
    assert read_reply(f"{quoted}\n\nwhat is this?", "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    ("plain", "document", "is_below"),
    [
        ("> Shall I?\n\nApproved\n", None, True),
        ("Hi,\n\n> Shall I?\n\nApproved\n\n> By when?\n", None, True),
        ("Approved\n\n> Shall I?\n", None, False),
        ("Approved\n\n> Shall I?\n\n-- \nBo Berg\n", None, False),
        (None, "<blockquote type=cite>Shall I?</blockquote><div>Approved</div>", True),
        (None, "<div>Approved</div><blockquote type=cite>Shall I?</blockquote>", False),
        ("Approved\n", "<blockquote type=cite>Shall I?</blockquote><div>Approved</div>", True),
    ],
)
def test_what_stands_below_quoted_lines_says_so(plain: str | None, document: str | None, is_below: bool) -> None:
    assert read_both(plain, document, "Bo Berg").is_below_quote is is_below


@pytest.mark.parametrize("sign", ["(", "[", "<", "@", "a@"])
def test_attack_rows_of_signs_below_a_line_of_dashes_hold_nobody_up(sign: str) -> None:
    answer = "yes\n\n---\nBo\n+49 30 1234567\n"
    read_reply(answer)  # makes the patterns
    row, began = (sign * 1_000)[:1_000], process_time()

    said = read_reply(answer + f"{row}\n" * 31)

    assert said.said == "free_text"
    assert process_time() - began < 0.5
