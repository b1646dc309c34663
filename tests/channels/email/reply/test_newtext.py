import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply.newtext import NEW_TEXT_CHARS, new_text
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of

ON = "On Tue, Mar 3, 2026 at 9:41 AM sayso <agent+k7@sayso.example> wrote:"
HEADER = "From: sayso <agent@sayso.example>\nSent: Tuesday, March 3, 2026\nTo: Bo\nSubject: Deploy?"


@pytest.mark.parametrize(
    "body",
    [
        "yes",
        "yes\n\n> Deploy 4f2a?\n> deny",
        f"yes\n\n{ON}\n\n> Deploy 4f2a?\n",
        f"yes\n\n{ON}\n\nDeploy 4f2a?\n",
        f"{ON}\n\n> Deploy 4f2a?\n\nyes",
        "yes\n\nOn Tue, Mar 3, 2026 at 9:41 AM\nsayso <agent+k7@sayso.example>\nwrote:\n\n> Deploy?",
        "yes\n\nOn Tue, Mar 3, 2026 at 9:41 AM sayso\n\n<\nmailto:sayso <agent@sayso.example>\n> wrote:\n\nDeploy?",
        f"yes\n\n-----Original Message-----\n{HEADER}\n\nDeploy 4f2a?",
        f"yes\n\n{HEADER}\n\nDeploy 4f2a?",
        f"yes\n\n________________________________\n{HEADER}\n\nDeploy?",
        f"yes\n\n---------- Forwarded message ---------\n{HEADER}\n\nDeploy?",
        "yes\n\n##- Please type your reply above this line -##\nDeploy?",
        "yes\n\n-- \nBo Berg\nin the office on Fridays",
        "yes\n--\nBo Berg\nHead of Operations",
        (
            "yes\n--\nBo Berg\nT: +49 30 1234567\n\nThis e-mail is confidential. If you are not\n"
            "the intended recipient,\ndo not copy\nor forward it."
        ),
        "yes\n\nSent from my iPhone",
        "yes\n\nGet Outlook for Android",
        "\ufeffyes\u200b\r\n",
        "yes\n\nThis email and its attachments are confidential and may be privileged.",
        "yes\n\n> Deploy https://sayso.example/a/\nb4f2a\n> Who may decide: Bo",
    ],
)
def test_only_what_the_person_newly_wrote_is_left(body: str) -> None:
    assert new_text(body).text == "yes"


@pytest.mark.parametrize("quote", ["> Deploy 4f2a?\n> Bo may decide", "Deploy 4f2a?\nBo may decide"])
@pytest.mark.parametrize(
    "attribution",
    [
        "On 3/3/26 9:41 AM, sayso wrote:",
        "On Mar 3, 2026, at 9:41 AM, sayso via Ops <agent@sayso.example> wrote:",
        "---- On Tue, 03 Mar 2026 09:41:12 +0100 sayso <agent@sayso.example> wrote ----",
        "Am 03.03.2026 um 09:41 schrieb sayso:",
        "Am Di., 3. März 2026 um 09:41 Uhr schrieb sayso <agent@sayso.example>:",
        "sayso <agent@sayso.example> schrieb am Di., 3. März 2026, 09:41:",
        "Le 03/03/2026 à 09:41, sayso a écrit :",
        "Le mardi 3 mars 2026 à 09:41:12 UTC+1, sayso <agent@sayso.example> a\nécrit :",
        "El mar, 3 mar 2026 a las 9:41, sayso (<agent@sayso.example>) escribió:",
        "Em ter., 3 de mar. de 2026 às 09:41, sayso <agent@sayso.example> escreveu:",
        "sayso <agent@sayso.example> escreveu no dia terça, 3/03/2026 à(s) 09:41:",
        "Il giorno mar 3 mar 2026 alle ore 09:41 sayso <agent@sayso.example> ha\nscritto:",
        "Op 3 mrt. 2026 om 09:41 heeft sayso <agent@sayso.example> het volgende geschreven:",
        "Op 03-03-2026 om 09:41 schreef sayso:",
        "2026年3月3日(火) 9:41 sayso <agent@sayso.example>:",
        "2026/03/03 9:41、sayso <agent@sayso.example>のメール：",
        "W dniu 03.03.2026 o 09:41, sayso pisze:",
        "Den tis 3 mars 2026 09:41 sayso <agent@sayso.example> skrev:",
        "2026-03-03 9:41 GMT+01:00 sayso <agent@sayso.example>:",
        "sayso <\nagent@sayso.example> schrieb am Di., 3. März 2026 um 09:41:",
        "Vào 14:24 3 tháng 3, 2026, sayso <agent@sayso.example> đã viết:",
        "03.03.2026, 09:41, sayso <agent@sayso.example>:",
    ],
)
def test_attributions_of_many_programs_and_languages_are_taken_away_with_their_quote(
    attribution: str, quote: str
) -> None:
    assert new_text(f"yes\n\n{attribution}\n\n{quote}").text == "yes"


@pytest.mark.parametrize("rule", ["", "________________________________\n", "-----Original Message-----\n", "---\n\n"])
@pytest.mark.parametrize(
    "header",
    [
        "Von: sayso <agent@sayso.example>\nGesendet: Dienstag, 3. März 2026 09:41\nAn: Bo\nBetreff: Deploy?",
        "De : sayso <agent@sayso.example>\nEnvoyé : mardi 3 mars 2026 09:41\nÀ : Bo\nObjet : Deploy?",
        "De: sayso\nEnviado el: martes, 3 de marzo de 2026 9:41\nPara: Bo\nAsunto: Deploy?",
        "De: sayso\nEnviado: terça-feira, 3 de março de 2026 09:41\nPara: Bo\nAssunto: Deploy?",
        "Da: sayso <agent@sayso.example>\nInviato: martedì 3 marzo 2026 09:41\nA: Bo\nOggetto: Deploy?",
        "Van: sayso\nVerzonden: dinsdag 3 maart 2026 09:41\nAan: Bo\nOnderwerp: Deploy?",
        "差出人: sayso\n送信日時: 2026年3月3日 9:41\n宛先: Bo\n件名: Deploy?",
        "*From:* sayso\n*Sent:* Tuesday, March 3, 2026\n*To:* Bo\n*Subject:* Deploy?",
        "Date: Tue, 3 Mar 2026 09:41:12 +0000\nFrom: agent@sayso.example",
        "An: Bo\nVon: sayso <agent@sayso.example>\nDatum: 03.03.2026 09:41\nBetreff: Deploy?",
        "От: sayso\nОтправлено: вторник, 3 марта 2026 г. 9:41\nКому: Bo\nТема: Deploy?",
    ],
)
def test_header_blocks_begin_an_older_mail_in_every_language(header: str, rule: str) -> None:
    assert new_text(f"yes\n\n{rule}{header}\n\nDeploy 4f2a").text == "yes"


@pytest.mark.parametrize(
    "footer",
    [
        "Sent from my Samsung Galaxy smartphone.",
        "Sent from Mail for Windows",
        "Sent from my mobile. Please excuse typos.",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für Android",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Inviato da Outlook per iOS",
        "Verstuurd vanaf mijn iPhone",
        "iPhoneから送信",
        "Sent from my Samsung Galaxy s5 Octacore device",
        "Sent from my BlackBerry 10 smartphone on the Verizon network.",
        "Von meinem Android-Mobiltelefon mit K-9 Mail gesendet.",
        "Sent from my phone, please excuse brevity and typos",
        "Envoyé depuis mon téléphone Orange",
        "Diese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.",
    ],
)
def test_what_a_phone_adds_is_taken_away(footer: str) -> None:
    assert new_text(f"yes\n\n{footer}").text == "yes"


@pytest.mark.parametrize(
    "footer",
    [
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Sent from Outlook for Android <https://aka.ms/AAb9ysg>",
        "Sent from Mail<https://go.microsoft.com/fwlink/?LinkId=550986> for Windows",
        "Sent via Superhuman iOS ( https://sprh.mn/?vip=x )",
        "Sent from my Verizon, Samsung Galaxy smartphone",
        "Sent from eM Client",
        "Secured with Tuta Mail",
        "Obtenez Outlook pour iOS",
        "Envoyé à partir d\u2019Outlook pour iOS",
        "Holen Sie sich Outlook für iOS",
        "Von unterwegs gesendet",
        "Enviado do Yahoo Mail no Android",
        "Obtenha o Outlook para iOS",
        "Provenance : Courrier pour Windows",
        "Windows 版のメールから送信",
        "Yahoo!メールから送信",
        "Virus-free. www.avast.com",
    ],
)
def test_a_programs_own_line_is_taken_away_with_its_link_in_every_language(footer: str) -> None:
    assert new_text(f"yes\n\n{footer}").text == "yes"


LEGAL = [
    "This email may contain confidential information. If you are not the intended recipient, delete it at once.",
    "Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der Adressat, vernichten Sie diese Mail.",
    "Questo messaggio e i suoi allegati sono riservati al destinatario. Se ricevuto per errore, non copiatelo.",
    "Registered in England and Wales No. 123456. Registered office: 1 High Street, London.",
    "Example GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Charlottenburg HRB 12345",
]


@pytest.mark.parametrize("legal", LEGAL)
def test_a_legal_footer_that_a_server_adds_anywhere_leaves_the_answer_and_no_doubt(legal: str) -> None:
    card = "Deploy 4f2a?\nTo refuse, reply: deny\n\nAnswers count until Fri.\nReference: r1"
    quote = "> " + card.replace("\n", "\n> ")

    for body in (
        f"{legal}\n\napprove",
        f"approve\n\n{legal}",
        f"approve\n\n{ON}\n\n{quote}\n\n{legal}",
        f"approve\n\n{HEADER}\n\n{card}\n\n{legal}\n",
    ):
        found = new_text(body)
        assert (found.text, found.unsure) == ("approve", "")


@pytest.mark.parametrize(
    "added",
    [
        "on Friday",
        "tonight please",
        "heute Abend",
        "vendredi 17:00",
        "el viernes",
        "来週",
        "PS: next week",
        "P.S. call me",
    ],
)
def test_a_moment_below_a_quote_without_marks_leaves_a_doubt(added: str) -> None:
    assert new_text(f"approve\n\n{HEADER}\n\nDeploy?\nReference: r1\n\n{added}").unsure


@pytest.mark.parametrize(
    "body",
    [
        "yes\nbut only on staging",
        "yes\n--\nbut only on staging",
        "yes\n\n-- \nBo Berg\nonly here until Friday",
        "yes\nSent from my phone, wait for Bo",
        "yes\nSent from my desk, which is easier than my phone",
        "yes\nOn the other hand Bo wrote:\nwait",
        "yes\nFrom: now on ask Bo",
        "From: now on\nTo: be clear\nask Bo",
        "yes\nonly for Bo <bo@corp.example>:\n> all of them",
        "On Monday I said:\nyes",
        "Meeting at 10:30 with bo@corp.example:\nplease come",
        "```\n-- \n> code\n```\nyes",
        "yes\n\nThis email is confidential and intended for the recipient only.\n\nBut wait for Bo.",
        "yes\n\nDisclaimer: I do not approve",
        "yes\non Friday at 17:00\nOn Tue, Mar 3, 2026 at 9:41 AM sayso <agent@sayso.example> wrote:\n> x",
        "yes\n\nam Freitag um 17:00\n\nAm 03.03.2026 um 09:41 schrieb sayso <agent@sayso.example>:\n> x",
        "yes\nGet a note from legal first",
        "yes\nGet the app tested on Android",
        "yes\nDownload the app logs",
        "yes\nSent via mail to Anna",
        "yes\nSent from my phone before the tests ran",
        "yes\n\nImportant note: give the intended recipient a copy",
        "yes\n---\nuse the smaller instance",
        "yes\n---\nplease call me",
        "yes\n======\nuse the smaller instance",
        "yes\n━━━━━━━━\n小さい方を使ってください",
        "yes\n-- \non Friday",
        "yes\n-- \nBo\nMarch 5",
        "yes\n___\ntonight",
        "yes\n---\nI have questions",
        "yes\n--\nwithout the migration",
        "yes\n--\nsous réserve",
        "yes\n\n___\nBo Berg\nmodulo tests",
        "yes\nSent from my iPhone on Monday",
        "yes\nSent from my iPhone kidding",
        "yes\nSent from my iPhone, excuse the veto",
        "yes\nEnvoyé de mon iPhone sauf prod",
        "yes\nEnvoyé de mon iPhone demain",
        "yes\nGesendet von meinem iPhone nein",
        "yes\nGesendet von meinem iPhone außer Produktion",
    ],
)
def test_a_line_of_the_persons_own_is_never_taken_for_the_programs(body: str) -> None:
    assert len(new_text(body).text.split("\n")) >= 2


@pytest.mark.parametrize(
    "body",
    [
        f"approve\n\n{ON}\n\nDeploy?\n\nno, wait",
        f"approve\n\n{HEADER}\n\nDeploy?\n\naber nur auf staging",
        f"approve\n\n{HEADER}\n\nDeploy?\n\nreally?",
        "approve\n\n--\nBo Berg\nmodulo tests\n+49 30 1234567",
        f"{ON}\n\napprove",
        f"---------- Forwarded message ---------\n{HEADER}\n\napprove",
        "approve\n\n> a line of more than sixty characters that some server has broken in two\nnot yet\n> and on",
        "\n" * 6000 + "approve",
    ],
)
def test_a_text_from_which_something_doubtful_was_cut_says_so(body: str) -> None:
    assert new_text(body).unsure


def test_a_quote_without_marks_that_holds_no_doubt_leaves_none() -> None:
    card = "Deploy 4f2a?\nTo refuse, reply: deny\n\nNot yet live.\n\nAnswers count until Fri.\nReference: r1"

    assert new_text(f"approve\n\n{HEADER}\n\n{card}").unsure == ""
    assert new_text(f"approve\n\n{HEADER}\n\n{card}\n\nno").unsure


def test_a_line_above_a_quote_that_could_be_the_programs_is_taken_away_but_not_its_doubt() -> None:
    assert new_text("yes\n\n* sayso, 3/3/2026 9:41:\n> Deploy?").text == "yes"
    assert new_text("yes\n\nnot before 9:41:\n> Deploy?").unsure
    assert new_text("yes\n\nsayso wrote:\n> Deploy?").unsure == ""
    assert new_text("yes\n\nnot before Anna wrote:\n> Deploy?").unsure


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
    "body",
    few_of(
        [
            ">" * 2_000_000,
            ">\n" * 1_000_000,
            "On " * 600_000,
            "On \n" * 500_000,
            f"{ON}\n" * 25_000,
            "From: x\n" * 250_000,
            "\n" * 2_000_000,
            " " * 2_000_000,
            "--\n" * 600_000,
            "-- \nno\n" * 300_000,
            f"-- \n{ON}\n" * 20_000 + "no",
            f"{ON}" + "\n" * 2_000_000,
            f"{ON}\n\n\n\n" * 25_000,
            "wrote:\n" * 250_000,
            "- x -\n" * 300_000,
            ("-" * 70 + "\n") * 25_000,
        ],
        0,
        5,
        10,
        15,
    ),
    ids=range(16),
)
def test_two_megabytes_of_anything_take_no_more_work_than_the_limit_allows(body: str) -> None:
    assert calls_of(lambda: new_text(body)) < MOST_CALLS


def test_many_attributions_cost_as_much_as_their_number() -> None:
    few, many = f"{ON}\n\n" * 500, f"{ON}\n\n" * 2_000

    assert calls_of(lambda: new_text(many)) < 5 * calls_of(lambda: new_text(few))


def test_a_text_over_the_limit_comes_back_over_the_limit() -> None:
    assert len(new_text("word " * NEW_TEXT_CHARS).text) > NEW_TEXT_CHARS
