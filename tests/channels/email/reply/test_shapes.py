import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_html, read_reply, vocabulary
from channels.email.reply.lines import Lines
from channels.email.reply.newtext import new_text
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of

OWN = "agent@sayso.example"
ADDRESS = "<agent+k7@sayso.example>"
QUOTE = "> Deploy 4f2a?\n> Bo may decide"
RULE = "_" * 32

GIT_LOG = """Author: Bo <bo@corp.example>
AuthorDate: Tue Mar 3 09:41:12 2026 +0100
Commit: Cy <cy@corp.example>
CommitDate: Tue Mar 3 09:44:12 2026 +0100"""

UNLISTED = [
    f"\u202bבתאריך יום ג׳, 3 במרץ 2026 ב-9:41 מאת \u202asayso\u202c\u200f \u202a{ADDRESS}\u202c\u200f:\u202c",
    f"في الثلاثاء، ٣ مارس ٢٠٢٦ في ٩:٤١ ص تمت كتابة ما يلي بواسطة \u202asayso\u202c\u200f \u202a{ADDRESS}\u202c\u200f:",
    f"سه‌شنبه ۱۲ اسفند ۱۴۰۴،\u200f ساعت ۹:۴۱ sayso {ADDRESS} نوشت:",
    f"मंगल, ३ मार्च २०२६ को ९:४१ पर sayso {ADDRESS} ने लिखा:",
    f"ในวันที่ อ. 3 มี.ค. 2569 เวลา 09:41 sayso {ADDRESS} เขียนว่า:",
    f"মঙ্গল, ৩ মার্চ, ২০২৬ এ ৯:৪১ টায় তারিখে sayso {ADDRESS} লিখেছেন:",
    f"სამ, 3 მარ. 2026, 09:41 sayso {ADDRESS} დაწერა:",
    f"(e)k hau idatzi du (2026 mar. 3, ar. (09:41)) sayso {ADDRESS}:",
    f"Kuupäev T, 3. märts 2026 kell 09:41 kirjutas sayso\n{ADDRESS}:",
    f"otrd., 2026. g. 3. marts, plkst. 09:41 —\nlietotājs sayso {ADDRESS}\nrakstīja:",
    f"На вт, 3.03.2026 г. в 9:41 sayso {ADDRESS} написа:",
    f"Pada tanggal Sel, 3 Mar 2026 pukul 09.41 sayso <\n{ADDRESS[1:]} menulis:",
]


@pytest.mark.parametrize("attribution", UNLISTED)
def test_an_attribution_in_a_language_nobody_listed_goes_with_its_quote(attribution: str) -> None:
    found = new_text(f"yes\n\n{attribution}\n\n{QUOTE}", own=OWN)

    assert (found.text, found.unsure) == ("yes", "")


@pytest.mark.parametrize("attribution", UNLISTED)
def test_above_our_own_mail_without_marks_it_goes_as_well(attribution: str) -> None:
    assert new_text(f"yes\n\n{attribution}\n\nDeploy 4f2a?", own=OWN).text == "yes"


@pytest.mark.parametrize("attribution", UNLISTED)
def test_below_it_the_answer_to_a_question_stays(attribution: str) -> None:
    assert new_text(f"{attribution}\n\n{QUOTE}\n\nyes", own=OWN).text == "yes"


def test_an_approval_above_a_quote_in_such_a_language_counts_where_the_quote_is_of_our_mail() -> None:
    others = UNLISTED[0].replace("sayso.example", "corp.example")

    assert read_reply(f"approve\n\n{UNLISTED[0]}\n\n{QUOTE}", own=OWN).said == "approve"
    assert read_reply(f"approve\n\n{others}\n\n{QUOTE}", own=OWN).said == "free_text"
    assert read_reply(f"approve\n\nvetëm pas 3.3.2026 9:41, bo@corp.example:\n{QUOTE}", own=OWN).said == "free_text"
    assert read_reply(f"approve\n\nnot before 3.3.2026 9:41, {ADDRESS}:\n{QUOTE}", own=OWN).said == "free_text"


HEADERS = [
    "מאת: sayso <agent@sayso.example>\nנשלח: יום שלישי 3 מרץ 2026 09:41\nאל: Bo\nנושא: Deploy?",
    "من: sayso <agent@sayso.example>\nتم الإرسال: الثلاثاء، ٣ مارس ٢٠٢٦ ٠٩:٤١\nإلى: Bo\nالموضوع: Deploy?",
    "จาก: sayso <agent@sayso.example>\nส่ง: 3 มีนาคม 2569 9:41\nถึง: Bo\nเรื่อง: Deploy?",
    "प्रेषक: sayso <agent@sayso.example>\nभेजा गया: ३ मार्च २०२६ ०९:४१\nप्रति: Bo\nविषय: Deploy?",
    "*Saatja:* sayso [mailto:agent@sayso.example]\n*Saadetud:* T, 3. märts 2026 9:41\n*Adressaat:* Bo\n*Teema:* x",
    "Nuo: sayso <agent@sayso.example>\nTema: Deploy?\nData: 2026-03-03 09:41\nKam: Bo",
]


@pytest.mark.parametrize("own", ["", OWN])
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_in_a_language_nobody_listed_begins_an_older_mail(header: str, own: str) -> None:
    assert new_text(f"yes\n\n{header}\n\nDeploy 4f2a?", own=own).text == "yes"


@pytest.mark.parametrize("above", [f"{RULE}\n", "-------- Мэйл --------\n", "-----Iloiloi ilo-----\n"])
def test_below_a_long_rule_or_a_title_between_dashes_a_bare_address_will_do(above: str) -> None:
    header = "Iz: agent@sayso.example\nOn: 3.3.2026 9:41\nXy: Bo\nZz: Deploy?"

    assert new_text(f"yes\n\n{above}{header}\n\nDeploy 4f2a?").text == "yes"


def test_a_line_drawn_across_a_page_is_such_a_rule() -> None:
    header = "Iz: agent@sayso.example<br>On: 3.3.2026 9:41<br>Xy: Bo<br>Zz: Deploy?"

    assert read_html(f"<div>yes<hr><div>{header}</div><p>Deploy 4f2a?</p></div>").whole == "yes"
    assert read_html("<div>yes<hr>Note: ask Bo<br>ilo</div>").whole.split("\n")[::2] == ["yes", "Note: ask Bo"]
    assert "ilo" in read_html(f"<div>yes<div>{header}</div><p>ilo</p></div>").whole


def test_a_title_between_dashes_right_above_a_quote_goes_with_it_and_leaves_a_doubt() -> None:
    found = new_text(f"yes\n\n-------- sayso --------\n\n{QUOTE}")

    assert found.text == "yes"
    assert found.unsure


def test_a_header_on_top_of_what_is_sent_on_goes_and_the_mail_below_it_stays() -> None:
    header = f"---------- Xyz ----------\n{HEADERS[0]}"
    found = new_text(f"{header}\n\nDeploy 4f2a?")

    assert (found.text, found.sent_on, bool(found.unsure)) == ("Deploy 4f2a?", header, True)


def test_the_line_that_leads_to_its_programs_page_goes_in_any_language() -> None:
    assert new_text("yes\n\nIlo ilo Outlook ilo iOS<https://aka.ms/o0ukef>").text == "yes"
    assert new_text("yes\n\nbut wait for Outlook<https://aka.ms/o0ukef>").text != "yes"


@pytest.mark.parametrize(
    "footer",
    [
        "Надіслано з iPhone",
        "Στάλθηκε από το iPhone μου",
        "Đã gửi từ iPhone của tôi",
        "发自我的 iPhone",
        "나의 iPhone에서 보냄",
        "iPhone'umdan gönderildi",
        "נשלח מה-iPhone שלי",
        "أُرسلت من الـ iPhone",
        "ส่งจาก iPhone ของฉัน",
        "Dikirim dari iPhone saya",
        "Az iPhone-omról küldve",
    ],
)
def test_what_a_phone_adds_goes_in_languages_in_which_nobody_decides_here(footer: str) -> None:
    assert new_text(f"yes\n\n{footer}").text == "yes"


@pytest.mark.parametrize("own", ["", OWN])
@pytest.mark.parametrize(
    "body",
    [
        "Meeting on Tuesday 3 March with bob@example.com:\n\n- the budget\n- the plan",
        "Meeting on 3 March 2026 at 10:00 with Bob <bob@example.com>:\n\n- the budget\n- the plan",
        "On Tuesday 3 March at 10:30 with Bob <bob@example.com>:\n\n1. the budget\n2. the plan",
        "yes\n\nTakim më 3 mars 2026 në 10:00 me Bob <bob@example.com>:\n\n- buxheti",
        "yes\n\nPo 3.3.2026 9:41 bob@example.com:\nprosim",
        "Who: bob@example.com\nWhen: 3 March 2026 10:00\nWhere: room 5\nWhat: the budget\n\nSee you there",
        "yes\n\nWho: bob@example.com\nWhen: 3 March 2026 10:00\nWhere: room 5\nWhat: the budget\n\nSee you there",
        "yes, with\n\nWho: Bob <bob@example.com>\nWhen: 3 March 2026\nWhere: room 5\nWhat: the budget",
        "these:\n\nWho: Bob <bob@example.com>\nWhen: 3 March 2026 10:00\nWhere: room 5\nWhat: the budget",
        "yes\n\nOwner: bob@example.com\nReviewer: cy@example.com\nDue: 3 March 2026 10:00\nService: shop",
        "yes\n\nStarted: 2026-03-03 09:41:12\nBy: bob@example.com\nService: shop\nVersion: v1.2.0",
        "yes\n\nWho: Bob <bob@example.com>\nWhen: 3 March 2026 10:00-11:00\nWhere: room 5\nWhat: the budget",
        "----- plan -----\nWho: bob@example.com\nWhen: 3 March 2026\nWhere: room 5",
        f"yes\n\n{GIT_LOG}\n\n    Fix it",
        "Merge: 4f2a 77bc\nAuthor: Bo <bo@corp.example>\nDate: Tue Mar 3 09:41:12 2026 +0100\n\n    Fix it",
        "yes\n\n---- plan ----\n\nfirst shop, then web",
        "yes\n\nvetëm iPhone",
        "yes\n\nUse the Mac build<https://ci.example/builds/1>",
        "Deny: the invoice is missing\nShënim: bob@example.com",
        "yes\n---\nVersioni duhet të jetë i ri dhe i plotë.",
    ],
)
def test_own_text_of_such_a_shape_is_never_lost(body: str, own: str) -> None:
    kept = new_text(body, own=own).text.split("\n")

    assert [line for line in body.split("\n") if line not in kept] == []


def test_the_last_line_of_an_answer_right_above_a_header_stays() -> None:
    header = HEADERS[0]

    assert new_text(f"Deny: it is late\n\n{RULE}\n{header}\n\nReply approve").text == "Deny: it is late"
    assert "Deny: it is late" in new_text(f"Deny: it is late\n{header}\n\nReply approve").text


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


@pytest.mark.parametrize(
    "piece",
    few_of(
        [
            "a: b@c.de 3.3.2026 9:41\n",
            "a: b@c.de\nb: 3.3.2026 9:41\nc: x\nd: y\n\n",
            "3.3.2026 9:41 <b@c.de>:\n",
            "3.3.2026 9:41\n<\nmailto:b <b@c.de>\n> a:\n",
            f"{'1' * 380}:\n",
            f"{'a' * 380}@:\n",
            f"{'a@' * 190}:\n",
            f"{'<a@b' * 90}:\n",
            f"{'3.3.20' * 60}:\n",
            f"{'٣' * 380}:\n",
            "----- a -----\n",
            f"----- a -----\n{'a:b@c.de' * 100}\n",
            f"{RULE}\na: b\n",
            "\u202b\u202c:\n",
            "1:\n" + "\n" * 50,
        ],
        0,
        5,
        9,
        14,
    ),
    ids=range(15),
)
def test_two_megabytes_of_any_shape_take_no_more_work_than_the_limit_allows(piece: str) -> None:
    body = piece * (2_000_000 // len(piece))

    assert calls_of(lambda: new_text(body, own=OWN)) < MOST_CALLS
