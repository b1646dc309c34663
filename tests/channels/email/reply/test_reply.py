import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.reply import is_decision, read_both, read_reply, vocabulary
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import examples, few_of

WORDS = [
    "yes",
    "approve",
    "approved",
    "ok",
    "please",
    "thanks",
    "go",
    "ahead",
    "it",
    "this",
    "i",
    "do",
    "sure",
    "fine",
    "bo",
]


@pytest.mark.parametrize(
    "body",
    [
        "approve",
        "Approved!",
        "APPROVE",
        "**Approved**",
        "I approve this request.",
        "Yes, go ahead please.",
        "ok",
        "👍🏽",
        "Hi,\n\ngo ahead.\n\nThanks,\nBo",
        "Approved, thanks a lot",
        "Dear all,\nI approve this.\nKind regards\nBo Berg",
        "Decision: approve",
        "yes\n\n> To approve, reply with the one word: approve",
    ],
)
def test_consent_with_nothing_but_politeness_approves(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "approve"


@pytest.mark.parametrize(
    "body",
    [
        "Ja, genehmigt",
        "Hallo zusammen,\n\nin Ordnung, das gebe ich frei.\n\nViele Grüße\nBo",
        "Natürlich, bitte ausführen",
        "Oui, c'est bon pour moi",
        "Bonjour,\n\nJe valide.\n\nCordialement,\nBo Berg",
        "approuvé !",
        "D\u2019accord, c\u2019est validé",
        "Aprobado por mí :-)",
        "Sí, adelante",
        "Está aprobado, gracias",
        "Pode aprovar.\n\nAtenciosamente,\nBo",
        "Sim, de acordo",
        "Sì, procedete pure",
        "Buongiorno, approvato. Grazie",
        "Akkoord, ga je gang",
        "Ik keur het goed\n\nMet vriendelijke groet,\nBo",
        "承認します。",
        "お疲れ様です。\n\n承認いたします。\n\nよろしくお願いいたします。",
        "OKです",
        "Hi,\n\ngenehmigt\n\nThanks,\nBo",
        "sim",
    ],
)
def test_consent_in_eight_languages_also_mixed_and_without_accents_approves(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "approve"


@pytest.mark.parametrize(
    "body",
    [
        "Ja, aber erst morgen",
        "Genehmigt für Staging",
        "Passt nicht?",
        "Oui, si les tests passent",
        "oui ?",
        "Validé sous réserve",
        "Sí, pero no ahora",
        "¿Sí?",
        "Vale, ¿cuándo?",
        "Sim, mas não agora",
        "Tudo bem?",
        "Sì, se i test passano",
        "Va bene, quando?",
        "Akkoord mits Bob het goed vindt",
        "Ja, morgen",
        "承認しますか？",
        "テストが通ったら承認します",
        "はい、確認します",
        "了解しました",
        "Alles klar",
        "Nein, es sei denn, Bo sagt ja",
        "Non, sauf urgence",
        "appŕove",
        "ápprove",
        "~~approve~~",
        "!approve",
        "( ) approve",
        "[x] approve [ ] deny",
        "approve\u037e",
        "approve=true",
        "yes/no",
    ],
)
def test_a_condition_a_delay_or_a_question_in_any_language_is_free_text(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Nein, falsche Version.", "falsche Version."),
        ("Ich lehne das ab, weil die Tests rot sind", "weil die Tests rot sind"),
        ("Das genehmige ich nicht", ""),
        ("Refusé : facture manquante", "facture manquante"),
        ("Je n'approuve pas", ""),
        ("Rechazado: cliente equivocado", "cliente equivocado"),
        ("De ninguna manera", ""),
        ("Não, o valor está errado", "o valor está errado"),
        ("Infelizmente não", ""),
        ("Non approvo, manca la fattura", "manca la fattura"),
        ("Mi dispiace, no.", ""),
        ("Niet akkoord: factuur ontbreekt", "factuur ontbreekt"),
        ("Nee, bedankt", ""),
        ("却下します。金額が違います。", "金額が違います。"),
        ("申し訳ありませんが、承認できません。", ""),
        ("deny 😡", ""),
        ("Nein 👎", ""),
        ("No 🙅‍♀️, falsche Version", "falsche Version"),
    ],
)
def test_a_refusal_in_any_language_keeps_its_reason(body: str, reason: str) -> None:
    said = read_reply(body, "Bo Berg")

    assert (said.said, said.reason) == ("deny", reason)


@pytest.mark.parametrize(
    "body",
    [
        "yes but wait until 5",
        "approve?",
        "ok let me check",
        "approved if tests pass",
        "yes and no",
        "yes no",
        "Approve.\n\nOn second thought, wait until Monday.",
        "approve\ndeny",
        "yes...",
        "not denied",
        "don't deny it",
        "no problem",
        "no?",
        "no... or maybe yes",
        "no 👍",
        "deny ❓",
        "no 🤔",
        "yes 😡",
        "No, but go ahead with staging",
        "deny, or rather: approve",
        "deny?",
        "\u0430pprove",
        "ap\u200bprove",
        "\u202eevorppa",
        "approve 1881",
        "Anna",
        "lgtm modulo the comment",
        "1",
        "thanks",
    ],
)
def test_what_is_not_clearly_a_decision_is_free_text(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    "body",
    [
        "Hi Anna,\n\nApproved.\n\nBest,\nBo",
        "Hi sayso, approved. Bo",
        "Hallo Anna Maria\n\nfreigegeben\n\nGruß\nBo",
        "Dear Dr. Ames,\napproved",
        "Bonjour Éloïse,\n\nC'est validé.\n\nBien cordialement,\nBo",
        "Approve\n\nThanks and best regards,\nBo",
        "Approve\n\nBest regards / Mit freundlichen Grüßen\nBo Berg",
        "Approve\n\n-- \nBo Berg\n\nRegistered in England and Wales | Company No. 01234567 | VAT No. GB 123456789",
        "Approve\n\nBo Berg\nHead of Release\nBook time to meet with me",
        "Genehmigt.\n\nBeste Grüße aus Berlin\nBo",
        "Approve. Have a nice weekend!\n~ Bo",
        "approved 🙏",
        "山田様、\n\n承認します。\n\nBo",
        "承認します。\n\n━━━━━━━━━━━━\n株式会社サンプル\nTEL: 03-1234-5678\n━━━━━━━━━━━━",
        "No problem, approved.",
        "Kein Problem, genehmigt",
        "Pas de problème, je valide",
        "Sin problema, aprobado",
        "Nessun problema, approvato",
        "Geen probleem, akkoord",
        "Sí, está bien",
        "Sì va bene",
        "si, adelante",
        "si gracias",
    ],
)
def test_a_greeting_to_whomever_and_a_usual_sign_off_do_not_stand_in_the_way(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "approve"


@pytest.mark.parametrize(
    "signature",
    [
        "Bo Berg\nHead of Release",
        "Best regards,\nBo Berg\nHead of Release | Corp Example Ltd.\nT +49 30 1234567\nwww.corp.example",
        "Mit freundlichen Grüßen\n\nBo Berg\n\nLeiter Entwicklung\nHauptweg 12, 12345 Berlin\nTelefon: +49 30 1234",
        "Cordialement,\nBo Berg\nDirecteur de la Production\nTél. : +33 1 23 45 67 89",
        "Thanks,\n\nDr. Bo Berg (he/him)\nCTO",
        "Mit freundlichen Grüßen\ni. A. Bo Berg\n\nLeiter Entwicklung\nTelefon: +49 30 1234",
        "MfG\ni.V. Bo Berg",
        "Bo Berg\nCorp\nbo@corp.example\nSitz: Berlin | Geschäftsführer: Eva Meier | Amtsgericht: Berlin HRB 12345",
        "Bo Berg\nwww.corp.example\nDirectors: Eva Meier, Cy Cole\nRegistered in England, Company Number: 1234567",
        "Bo Berg\nwww.corp.example\nSitz: Berlin | Vorsitzender des Aufsichtsrates: Max Muster | Vorstand: Eva Meier",
        "*Bo Berg*\nHead of Release",
        "Bo Berg | Head of Release\nT +49 30 1234567",
        "Bo Berg, Head of Release\nwww.corp.example",
        "Dr. Bo Berg - Corp GmbH\nbo@corp.example",
        "Mit freundlichen Grüßen\nppa. Dr. Bo Berg\nProkurist",
        "Viele Grüße\nDipl.-Ing. Bo Berg\nTeamleiter",
        "Viele Grüße\nBo Berg, M.Sc.\nTeamleiter",
    ],
)
def test_a_signature_without_dashes_below_the_whole_name_is_no_part_of_a_decision(signature: str) -> None:
    assert read_reply(f"Approved\n\n{signature}", "Bo Berg").said == "approve"
    assert read_reply(f"No, wrong version\n\n{signature}", "Bo Berg").reason == "wrong version"
    assert read_reply(f"Send it to:\n\n{signature}", "Bo Berg").text.endswith(signature)


@pytest.mark.parametrize(
    "signature",
    [
        "Bo Berg (he/him/his)",
        "Bo Berg (M.Sc.)\nshe/her/hers",
        "Best regards,\nBo (they/them)",
        "Bo Berg\n(they/them)\nHead of Release\nT +49 30 1234567",
        "Bo Berg | he/him | Head of Release\nT +49 30 1234567",
        "Bo Berg\nHead of Release (She/Her)",
        "Thanks,\nBo\n\nPronouns: he/him",
        "Viele Grüße\nBo Berg (er/ihm)",
        "Viele Grüße\nBo Berg\nPronomen: sie/ihr",
        "Cordialement,\nBo Berg (il/lui)",
        "Saludos,\nBo Berg\nél/él",
    ],
)
@pytest.mark.parametrize("author", ["Bo Berg", "Bo Berg (he/him)"])
def test_how_somebody_wants_to_be_spoken_of_is_no_part_of_a_decision(signature: str, author: str) -> None:
    assert read_reply(f"Approved\n\n{signature}", author).said == "approve"
    assert read_reply(f"No, wrong version\n\n{signature}", author).reason == "wrong version"


@pytest.mark.parametrize(
    "below",
    [
        "Bo Berg (if he/him agrees)",
        "Bo Berg (not he/him)",
        "Bo Berg (he/him)?",
        "Bo Berg\nhe/him must agree first",
        "Bo Berg\nOnly (he/him)",
        "Bo Berg\nTomorrow (he/him)",
        "Bo Berg | he/him | Not Yet\nT +49 30 1234567",
        "Bo Berg\nAsk him/her",
        "Bo Berg\nPronouns: wait",
        "Bo Berg (er/nicht)",
        "Cy Cole (he/him)",
        "Bo Berg\nAsk Cy (he/him)",
    ],
)
def test_attack_words_beside_or_in_place_of_pronouns_approve(below: str) -> None:
    assert read_reply(f"Approved\n\n{below}", "Bo Berg").said == "free_text"


@pytest.mark.parametrize("word", ["no", "denied", "wait", "nein", "later", "stop", "ok?", "friday", "Revoked"])
def test_attack_a_refusal_or_a_time_in_brackets_behind_the_writers_name_approves(word: str) -> None:
    assert read_reply(f"Approved\n\nBo Berg ({word})", "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    "line",
    [
        "Do Nothing",
        "Postponed",
        "Pending",
        "Hands Off",
        "Sorry, Option 2",
        "Finger Weg",
        "Ask cy@corp.example",
        "Needs sign-off by cy@corp.example",
        "The link is broken https://corp.example/a",
        "Nach Freigabe durch cy@corp.example",
        "delegate: cy@corp.example",
        "Weitergeben: cy@corp.example",
        "Cy decides: cy@corp.example",
        "Failed Tests: https://ci.corp.example/12",
        "Vorher Anruf: +49 30 1234567",
        "Bug: https://ci.corp.example/7",
        "Failed: https://ci.corp.example/7",
        "See https://ci.corp.example/7",
        "Test Failure https://ci.corp.example/7",
        "Objection: cy@corp.example",
        "Dry-run: https://ci.corp.example/7",
        "Payments Excluded",
        "Max 3x",
        "Limit 500eur",
        "Fehler: https://ci.corp.example/7",
        "Maximal 3",
    ],
)
def test_attack_words_among_the_contacts_of_their_writer_pass_for_one_of_these(line: str) -> None:
    contacts = "T: +49 30 1234567"
    assert read_reply(f"Approved\n\nBo Berg\n{line}\n{contacts}", "Bo Berg").said == "free_text"
    assert read_reply(f"Approved\n\nBo Berg\n{contacts}\n\n{line}", "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    "line",
    [
        "tel. 030 1234567, fax 030 1234568",
        "phone: +1 555 0100 200 or bo@corp.example",
        "LinkedIn: https://linkedin.com/in/bo",
        "Follow us on LinkedIn: https://linkedin.com/corp",
        "4th Floor",
        "Max-Planck-Str. 3",
        "Canary Wharf, London E14",
        "Am See 4",
        "Corp Limited",
        "London EC1A 1BB",
    ],
)
def test_an_address_of_any_form_is_one_of_the_contacts(line: str) -> None:
    assert read_reply(f"Approved\n\nBo Berg\n{line}\nT: +49 30 1234567", "Bo Berg").said == "approve"


@pytest.mark.parametrize("line", ["Ask Cy", "Tell Cy", "Use Staging", "Call Cy"])
def test_attack_an_order_below_the_writers_name_passes_for_their_title(line: str) -> None:
    assert read_reply(f"Approved\n\nBo Berg\n{line}", "Bo Berg").said == "free_text"
    assert read_reply(f"Approved\n\nBo Berg\n{line}\nT +49 30 1234567", "Bo Berg").said == "free_text"


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


@pytest.mark.parametrize(
    ("plain", "page"),
    [
        ("Approved\n\n[only v1.3]", '<p>Approved</p><img alt="only v1.3" src="cid:1">'),
        ("Approved\n\n[only v1.3]\n\nBest regards\nBo Berg", '<p>Approved</p><img alt="only v1.3" src="cid:1">'),
        (
            "Approved\n\nBo Berg\n[only v1.3]",
            '<p>Approved</p><p>Bo Berg<br>[only v1.3]</p><img alt="Logo" src="cid:1">',
        ),
        ("Approved\n\nBo Berg\n[only v1.3]", '<p>Approved</p><p>Bo Berg<br>[only v1.3]<img alt="only v1.3"></p>'),
        ("Approved\n\nBo Berg\n[only v1.3]", "<p>Approved</p><p>Bo Berg</p>"),
        *(
            (f"Approved\n\nBo Berg\n[{drawn}]", f'<p>Approved</p><p>Bo Berg</p><img alt="{drawn}" src="cid:1">')
            for drawn in ("REJECTED", "Not So Fast GIF", "nur auf Staging", "Freitag", "Why?", "wait for Cy")
        ),
    ],
)
def test_a_picture_beside_a_decision_and_brackets_of_ones_own_leave_it_undecided(plain: str, page: str) -> None:
    assert read_both(plain, page, "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    "below",
    [
        "i. A. Dan Dorn",
        "i. A. Bo Berg\nNext Week",
        "Bo Berg\nNext Week",
        "Bo Berg\nIn Two Hours",
        "Bo Berg\nEnd Of March",
        "Bo Berg\nFriday",
        "Bo Berg\nVersion 2",
        "Bo Berg\nonly on staging",
        "Bo Berg\nuse the blue one",
        "Bo Berg\nPlease Wait",
        "Bo Berg\nAblehnung",
        "Bo Berg\nWhy Now?",
        "Bo Berg\n+49 30 1234567 call me before",
        "Bo Berg\nCorp GmbH\nGeschäftsführer: nein danke",
        "Bo Berg\nCorp GmbH\nVorstand: Ab Freitag",
        "Bo Berg\nCorp GmbH\nVorstand: hat noch nicht zugestimmt",
        "Bo Berg\nCorp Ltd\nDirector: Only After Cy",
        "Bo Berg\nCorp Ltd\nVersion: Two",
        "Bo Berg\nCorp GmbH\nVorstand: Ablehnung",
        "Bo Berg\n\nCorp GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Berlin HRB 12345 | Ablehnung",
        "Bo Berg\n\nCorp GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Berlin HRB 12345\nFreeze Production",
        "Bo Berg\n\nCorp GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Berlin HRB 12345 | abgelehnt",
        "-- \nBo Berg\nRegistered in England | Registered office: London | Not Today",
        "Bo Berg\n\nCorp GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Berlin HRB 12345 | not before Cy has agreed",
        "Bo Berg\n\nCorp GmbH, Sitz der Gesellschaft: Berlin, Amtsgericht Berlin HRB 12345 | Halt",
        "-- \nBo Berg\nHalt",
        "-- \nBo Berg\n\nKill it",
        "-- \nBo Berg\n\nRevoke that",
        "-- \nBo Berg\n\nfreeze production",
        "-- \nBo Berg\n\nThis e-mail is confidential and for its recipient only.\n\nOnly once the copy was made",
        "Bo Berg" + 1100 * " " + "but not today",
        "-- " + 1100 * " " + "but not today",
        1100 * "\u200b" + "but not today",
        "Bo Berg\nCorp GmbH\nSitz: Berlin | Ablehnung",
        "Bo Berg\nCorp GmbH\nVorstand: Einspruch",
        "Bo Berg\nCorp Ltd\nDirector: Please Withdraw",
        "Bo Berg\nVAT: +49 30 1234567 call me and we talk about it, it is what Cy asked for as well",
        f"Bo Berg{' ' * 100}but not today",
        "Bo Berg\nFalsche Version",
        "Bo Berg\nRoll Back",
        "Bo Berg | Head of Release",
        "Bo Berg | Erst Morgen\nT +49 30 1234567",
        "Bo Berg - only v1.3\nT +49 30 1234567",
        "Bo Berg, Falsche Version\nT +49 30 1234567",
        "Bo Berg\nHead of Release\n\nPS: Friday",
        "Bo\nHead of Release",
        "Anna Ames\nHead of Release",
    ],
)
def test_whatever_else_stands_below_a_name_is_part_of_the_answer(below: str) -> None:
    assert read_reply(f"Approved\n\n{below}", "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    "body",
    [
        "please confirm",
        "bitte bestätigen",
        "yeah, right",
        "Hi Anna, please approve",
        "Hi Anna,\n\nplease accept it.\n\nThanks,\nBo",
        "Hallo Anna,\nbitte freigeben",
        "Kun je doorgaan",
        "Pas de problème",
        "Kein Problem",
        "Si c'est bon, allez-y",
        "Si approuvé, allez-y",
        "Si todo correcto, adelante",
        "si está bien adelante",
        "Como no apruebo",
        "Prima confermo",
        "Salut, ça va",
        "approve this morning",
        "deploy it morning",
        "approved:",
        "approve:\n\n> the first of them",
        "ok . . .",
        "Hi Wait, approve",
        "Please Anna,\n\napprove",
        "Anna,\n\napprove",
        "Hi Anna, you approve",
        "No, go ahead please",
    ],
)
def test_words_of_consent_that_ask_another_name_a_time_or_stop_short_are_free_text(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "free_text"


def test_an_answer_that_begins_with_a_greeting_keeps_it() -> None:
    assert read_reply("Hello World!\nWelcome to our site", "Bo Berg").text == "Hello World!\nWelcome to our site"


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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no", ""),
        ("NOT APPROVED", ""),
        ("I do not approve", ""),
        ("No, thank you.", ""),
        ("no, not on a Friday", "not on a Friday"),
        ("Denied: wrong version", "wrong version"),
        ("rejected because the tests are red", "because the tests are red"),
        ("Deny\nreason: budget exceeded", "budget exceeded"),
        ("Hi,\n\nno, the customer still has the goods.\n\nRegards\nBo", "the customer still has the goods."),
        ("Sorry, I can't approve this: no budget.", "no budget."),
        ("Stop! Do not run this.", ""),
        ("👎 wrong list", "wrong list"),
        ("Denied. Why now?", "Why now?"),
    ],
)
def test_a_refusal_keeps_its_reason(body: str, reason: str) -> None:
    said = read_reply(body, "Bo Berg")

    assert (said.said, said.reason) == ("deny", reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("No, see https://tickets.example/?id=7", "see https://tickets.example/?id=7"),
        ("No: https://tickets.example/but?x=1&y=2.", "https://tickets.example/but?x=1&y=2."),
        ("Nein, siehe das Ticket <https://tickets.example/?id=7>", "siehe das Ticket <https://tickets.example/?id=7>"),
        ("Nope, https://tickets.example/maybe", "https://tickets.example/maybe"),
    ],
)
def test_a_link_in_its_reason_takes_no_refusal_back(body: str, reason: str) -> None:
    said = read_reply(body)

    assert (said.said, said.reason) == ("deny", reason)
    assert read_reply(f"{body}?").said == "free_text"


@pytest.mark.parametrize("body", ["", " \n", "\ufeff", "> approve", "Sent from my iPhone\n\n> approve", "-- \nBo"])
def test_a_reply_without_new_words_is_empty(body: str) -> None:
    said = read_reply(body)

    assert (said.said, said.text, said.whole, said.unsure) == ("empty", "", "", "")


def test_greeting_and_sign_off_are_not_part_of_the_answer() -> None:
    assert read_reply("Hi team,\n\n2\n\nThanks,\nBo", "Bo Berg").text == "2"
    assert read_reply("Thanks,\nBo", "Bo Berg").text == "Thanks,\nBo"


def test_only_the_writers_own_name_may_stand_below() -> None:
    assert read_reply("approved\nBo", "Bo Berg").said == "approve"
    assert read_reply("approved\nCy", "Bo Berg").said == "free_text"
    assert read_reply("approved\nWait", "Wait Later").said == "free_text"


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


@pytest.mark.parametrize(
    "body",
    [
        "yes " * 500_000,
        "go go " * 300,
        "please do it " * 100,
        "thanks " * 250 + "x",
        "no" + "\n" * 1900 + "x",
        ("no" + " \n" * 90) * 10 + "x",
        "hi " + "all " * 450 + "x",
        ">" * 2_000_000,
        "On " * 600_000,
    ],
    ids=range(9),
)
def test_no_text_takes_more_work_than_the_limit_allows(body: str) -> None:
    read_reply("approve")

    assert calls_of(lambda: read_reply(body)) < MOST_CALLS


def test_a_line_that_would_count_as_a_decision_is_known_as_one() -> None:
    assert is_decision("approve")
    assert is_decision(" 👎 ")
    assert not is_decision("To approve, reply with the one word: approve")
    assert not is_decision("To refuse, reply: deny, and the reason if you like")


LEADS = [
    *("my answer is", "the decision", "answer", "hi", "hello", "hey all", "dear all team", "good morning", "morning"),
    *("many thanks", "thanks a lot", "thank you so much", "thx", "cheers", "please", "pls", "best regards", "regards"),
    *("kind regards", "with kind regards", "best", "best wishes", "all the best", "yours sincerely", "sincerely"),
    *("sorry", "i'm sorry", "bo", "all", "go ahead", "please do it", "yes", "no", "do not", "stop"),
]


@pytest.mark.parametrize("glue", few_of([" ", ", ", "\n"], 0))
@pytest.mark.parametrize("first", LEADS)
def test_polite_words_in_any_order_and_number_are_read_to_the_end(first: str, glue: str) -> None:
    for second in LEADS:
        assert read_reply(glue.join([first, second] * 100) + glue + "x", "Bo All Bo").said != "approve"


@pytest.mark.parametrize("author", ["B", "B B B", "All There", "Team Lot Team"])
@pytest.mark.parametrize("piece", ["b ", "hi all ", "all ", "there ", "thanks team ", "lot ", "b all "])
def test_no_name_makes_a_line_readable_in_many_ways(author: str, piece: str) -> None:
    assert read_reply("hi " + piece * 100 + "x yes", author).said != "approve"


@pytest.mark.parametrize("text", ["yes, " * 41, "deny: " + "x" * 200, "best regards " * 30 + "x"])
def test_a_line_over_two_hundred_characters_is_no_decision(text: str) -> None:
    assert not is_decision(text)
    assert read_reply(text).said != "approve"


@pytest.mark.parametrize("name", ["Monday", "Friday", "Sun", "April", "August", "December", "Tomorrow"])
def test_a_day_or_a_month_is_nobodys_name(name: str) -> None:
    assert read_reply(f"approve {name.lower()}", f"{name} Berg").said == "free_text"
    assert read_reply(f"approve\n{name}", f"{name} Berg").said == "free_text"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("thanks all good", "approve"),
        ("hi bo berg please do it", "approve"),
        ("best regards bo approve", "approve"),
        ("thanks all not approved", "deny"),
        ("best regards, sorry, no", "deny"),
    ],
)
def test_a_word_that_could_belong_to_two_phrases_goes_where_it_fits(body: str, said: str) -> None:
    assert read_reply(body, "Bo Berg").said == said


@pytest.mark.parametrize(
    "below",
    [
        "\n\nOn 2026-11-20 at 10:00 x wrote:\n\n\n\n\n\n> q\nActually no, stop",
        "\n\nOn 2026-11-20 at 10:00 x wrote:\n\n> q\nActually no, stop",
        "\n\nOn 2026-11-20 at 10:00 x wrote:\nq\n\nstop",
        "\n-- \nno wait",
        "\n--\nno wait",
        "\n-- \nBo Berg\n\n\n\nI refuse",
        "\n-- \nBo\n> q\nnot yet",
        "\n-----Original Message-----\nFrom: x\nSent: y\nTo: z\n\nq\nAnswers count until Fri.\n\nno, stop",
        "\n-- \nwait\n\n-----Original Message-----\nFrom: x\nSent: y\nTo: z\n\nq\nReference: r1",
    ],
)
def test_what_is_cut_away_can_t_hold_a_doubt(below: str) -> None:
    assert read_reply("approve" + below, "Bo Berg").said == "free_text"


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
    "text",
    [
        "*No*", "**no**, wrong tag", "`deny`", "_Denied._ Wrong tag.", "deny please", "Reject this please",
        "nein bitte",
        "I'm afraid not", "this is a no", "Genehmigung verweigert", "no don't", "Nope don't do it", "nein nicht",
        "Actually, no.", "Sorry, I meant no", "oops, I meant deny", "I changed my mind. Deny.", "On second thought, no",
        "wait, no", "Moment, nein", "ich meinte nein", ":thumbsdown:", ":x:", ":x: wrong tag", ":-1: wrong tag",
    ],
)  # fmt: skip
def test_a_refusal_that_is_marked_up_begged_for_or_corrects_what_was_said_is_one(text: str) -> None:
    assert read_reply(text).said == "deny"


@pytest.mark.parametrize(
    "text",
    [
        "~no~", "Actually, no problem", "actually no one objects", "wait, no, go ahead", "I meant no harm", "no pare",
        "nicht stoppen", "no don't stop", "oh no", "Actually, yes and no", "I meant no or yes",
    ],
)  # fmt: skip
def test_what_only_begins_as_a_correction_decides_nothing(text: str) -> None:
    assert read_reply(text).said == "free_text"


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
