"""Stops in the eight languages of the vocabulary: each verb in each form, alone and beside what stands around it."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.requests.proof import as_by
from bot.policy.answers import (
    is_no_wish,
    is_stop,
    is_withdrawal,
    may_mean_stop,
    read_answer,
    refused_beside,
    stops_among,
    stops_named,
)
from bot.policy.orders import has_order, may_mean_freeze
from bot.policy.stops import ends_in_condition, is_stop_message, may_be_stop
from tests.bot.examples import LATER, approval, question
from tests.bot.policy.test_answers import statement

STOPS = {
    "english": "stop cancel abort halt kill|it withdraw terminate|it scrap|it revoke|it quit|it",
    "german": "stopp stoppe stoppt stoppen abbrechen brich_ab brecht_ab brechen_Sie_ab anhalten halte_an haltet_an "
    "halten_Sie_an storniere storniert stornieren hör_auf hört_auf hören_Sie_auf aufhören lass_das lasst_es canceln",
    "french": "stop stoppe stoppez stopper arrête arrêtez arrêter arrêtons annule annulez annuler interromps "
    "interrompez interrompre abandonne abandonnez abandonner laisse_tomber laissez_tomber",
    "spanish": "para pare paren parad parar páralo párenlo detén detente detenga detengan detener detenlo cancela "
    "cancele cancelen cancelad cancelar cancélalo anula anule anulen anular aborta aborte aborten abortar",
    "portuguese": "para pare parem parar cancela cancele cancelem cancelar aborta aborte abortem abortar anula anule "
    "anulem anular interrompa interromper cancele-o",
    "italian": "ferma fermi fermate fermare fermalo fermatelo annulla annulli annullate annullare annullalo blocca "
    "blocchi bloccate bloccare interrompi interrompete interrompere cancella cancellate cancellare fermati smettila",
    "dutch": "stop stoppen annuleer annuleren afbreken breek_af staak staken hou_op houd_op ophouden",
    "japanese": "止めて とめて やめて 中止 中止して 停止して 停止 キャンセル キャンセルして ストップ "
    "取り消して 中断して",
}
AROUND = {
    "english": "please_* *_please *_now *_it *_this *_everything *_all please_*_it please_*_everything_now *!!! no,_* "
    "*_the_deployment *_the_deploy_to_production wait,_* can_you_*_it? sorry,_please_*_that *_*_* OK_*",
    "german": "bitte_* *_bitte jetzt_* sofort_*! nein,_* bitte_alles_* alles_* *!!! *,_bitte_sofort *,_* warte,_*",
    "french": "svp_* *_svp *_tout *_maintenant *_s'il_vous_plaît *_le_déploiement non,_* *_tout_de_suite *_ça *! *,_* "
    "veuillez_*_tout",
    "spanish": "por_favor_* *_por_favor *_todo *_ahora *_esto ¡*_ya! no,_* *_el_despliegue *,_* perdón,_* "
    "*_ahora_mismo",
    "portuguese": "por_favor_* *_por_favor *_tudo *_agora *_isso *_já! não,_* *_o_deploy *,_* espera,_*",
    "italian": "per_favore_* *_per_favore *_tutto *_ora *_subito! no,_* *_il_deploy *,_* scusa,_* *_questo",
    "dutch": "alsjeblieft_* *_alsjeblieft *_nu *_alles *_meteen! nee,_* *_aub *,_* wacht,_*",
    "japanese": "すぐに* 今すぐ* *! いや、* デプロイを* 全部* *、*",
}
"""The verb stands at the star. A blank is `_`, and a verb that needs its object has it behind `|`."""

GOES_ON = {
    "english": "don't_* do_not_* please_don't_*_it never_* don't_you_* *_Bo_from_stopping_it *_only_if_it_fails "
    "*_all_but_this *_everything_but_this_run *_all_runs_but_s1r-itpqott3vb636",
    "german": "nicht_* bitte_nicht_* nein,_nicht_* bitte_nicht_sofort_* niemals_* den_Lauf_nicht_* *_wenn_es_brennt",
    "french": "ne_*_pas n'*_pas surtout_ne_*_rien ne_*_jamais *_si_ça_échoue",
    "spanish": "no_* no_lo_* por_favor_no_* oye,_no_* no_hay_que_* no_quiero_* sin_* *_si_falla",
    "portuguese": "não_* por_favor_não_* não_quero_* sem_* *_se_falhar",
    "italian": "non_* per_favore_non_* non_voglio_* senza_* *_se_fallisce",
    "dutch": "niet_* alsjeblieft_niet_* nooit_* niet_nu_* *_als_het_faalt",
    "japanese": "*ないで *ないでください もし失敗したら*",
}


def said(language: str, forms: str) -> list[str]:
    """Each stop of a language in each of `forms`."""
    found = list[str]()
    for form in forms.split():
        for each in STOPS[language].split():
            verb, _, needs = each.partition("|")
            bare = verb if not needs or re.search(r"it\b|this|all|thing", form) else f"{verb}_{needs}"
            found.append(form.replace("*", bare).replace("_", " "))
    return found


@pytest.mark.parametrize(
    "said", ["stop", "deny", "don't deploy", "abbrechen", "cancel that please", "stop s1r-itpqott3vb636"]
)
@pytest.mark.parametrize("typed", ["\u2022 {}", "- {}", "1. {}", ":octagonal_sign: {}", ":rotating_light::fire: {}"])
def test_attack_a_stop_that_slack_makes_a_list_of_is_lost(typed: str, said: str) -> None:
    assert is_withdrawal(typed.format(said)) or stops_named(typed.format(said))
    assert not is_withdrawal(f"1. stop the old server\n2. {said} the new one")
    assert not is_withdrawal(":+1: go on")


@pytest.mark.parametrize("language", STOPS)
def test_attack_a_stop_is_heard_in_each_form_of_each_verb(language: str) -> None:
    texts = said(language, f"* *. *_* {AROUND[language]}")

    assert [text for text in texts if not (is_stop(text) and is_withdrawal(text))] == []
    assert [text for text in texts if not may_mean_stop(question(), text)] == []
    assert [text for text in texts if not denies(text)] == []


@pytest.mark.parametrize("language", GOES_ON)
def test_attack_what_says_not_to_stop_is_no_stop(language: str) -> None:
    texts = said(language, GOES_ON[language])

    assert [text for text in texts if is_stop(text) or is_withdrawal(text) or denies(text)] == []


def denies(text: str, channel: str = "email") -> bool:
    """Whether a text without a button denies an approval."""
    return read_answer(approval(), replace(statement("free_text", text), proof=as_by(channel)), LATER).act == "deny"


MARKED = [
    "*stop* the tests are red",
    "_abbrechen_ die Tests sind rot",
    "*please stop!* `v2` is wrong",
    "`stop` *now* it burns",
]
NOT_MARKED = [
    "*stop* if the tests are red", "*stop* or go on?", "*don't stop* the tests are green", "~stop~ go on",
    "*stop* s1r-itpqott3vb636 is right", "*stop the old one* then go on", "the button *stop* is red",
]  # fmt: skip


def test_attack_a_stop_that_is_marked_up_before_why_is_lost_and_what_asks_or_says_when_is_one() -> None:
    assert [text for text in MARKED if not (is_stop(text) and is_withdrawal(text) and denies(text))] == []
    assert [text for text in NOT_MARKED if is_stop(text) or is_withdrawal(text) or denies(text)] == []


def test_attack_a_quote_above_a_no_makes_a_stop_of_it_or_is_one_itself() -> None:
    assert is_withdrawal("> shall I?\nno")
    assert not is_stop("> shall I?\nno")
    assert is_stop("> shall I?\nstop, please")
    assert [text for text in ("> stop", ">>> stop\n> please", "> stop\nwhy?") if is_stop(text)] == []
    assert is_stop_message("> stop")
    assert may_mean_stop(question(), "> stop")
    assert not may_mean_stop(question(), "> stop\nIs that what Bo said?")


STOP_MESSAGES = [
    "Hi, please stop the deploy. Best, Anna", "STOP THE DEPLOY!!!", "wrong tag, please stop",
    "Stop the deploy\n\nHi,\nit is the wrong version, see the ticket.\n\nBest,\nAnna",
    "Deploy\n\nHello Bo, please stop\n\n> deploy v1.2.0 to production\n> Thanks",
    "Wrong version\n\nplease stop it!\n-- \nAnna Ames\nCorp", "Stop, that is the wrong version",
    "Can you stop the deploy? It has the wrong version.", "✋", "\U0001f6d1",
    *(f"✋{chr(tone)}" for tone in range(0x1F3FB, 0x1F400)), ":raised_hand::skin-tone-4:",
    "Guten Tag, bitte abbrechen. Viele Grüße, Anna", "Bonjour, arrêtez le déploiement. Merci",
    "Hola, para el despliegue. Gracias, Ana", "Olá, cancele o pedido. Obrigada", "Ciao, ferma il rilascio. Grazie",
    "Hoi, stop de uitrol. Bedankt", "デプロイを中止してください。よろしく",
]  # fmt: skip
OTHER_MESSAGES = [
    "There is no need to stop the deploy.", "Please do not stop. All is well.", "Stop? No.",
    "No pares el despliegue. Gracias", "Bitte nicht abbrechen!", "stop the old server first, then deploy v2",
    "Run the tests on staging, then stop", "Deploy v1.2.0 to production and stop the old workers.",
    "deploy v1.2.0 to production", "announce: stop", "When does the bus stop here?",
    "> please stop the deploy\nWhat does this mean?", "",
]  # fmt: skip


def test_attack_a_stop_is_heard_in_a_message_with_whatever_stands_around_it_and_no_other_is() -> None:
    assert [text for text in STOP_MESSAGES if not is_stop_message(text)] == []
    assert [text for text in OTHER_MESSAGES if is_stop_message(text)] == []


IF_POSSIBLE = {
    "english": "*_it_if_possible if_possible,_please_*_it *_it_if_you_still_can *_it_before_it_starts "
    "*_it_if_it's_not_too_late *_the_deploy_of_v1.2.0_to_production_if_it_isn't_too_late *_it,_if_at_all_possible",
    "german": "bitte_*_falls_möglich *_wenn_es_noch_geht *,_falls_es_noch_nicht_zu_spät_ist *_bevor_es_losgeht",
    "french": "*_si_possible *_si_c'est_encore_possible *_s'il_n'est_pas_trop_tard *_tout_si_vous_pouvez",
    "spanish": "*_si_es_posible *_si_aún_puedes *_si_no_es_demasiado_tarde",
    "portuguese": "*_se_possível *_se_ainda_for_possível *_se_não_for_tarde_demais",
    "italian": "*_se_possibile *_se_è_ancora_possibile *_se_non_è_troppo_tardi",
    "dutch": "*_indien_mogelijk *_als_het_nog_kan *_als_het_nog_niet_te_laat_is",
    "japanese": "できれば* 可能なら*",
}
IF_ELSE = [
    "stop it if the tests fail", "stop it if you can see errors", "stop before the third step", "if possible",
    "stop the old server if possible, then deploy", "don't stop if possible", "stop before it starts the second step",
    "stop the deploy to production if you can reach nobody", "wenn möglich nicht stoppen", "si possible, go on",
    "cancel it if possible, otherwise roll back", "n'arrête pas si possible", "no pares si es posible",
]  # fmt: skip


@pytest.mark.parametrize("language", IF_POSSIBLE)
def test_attack_a_stop_is_lost_over_a_doubt_whether_it_comes_in_time(language: str) -> None:
    texts = said(language, IF_POSSIBLE[language])

    assert [text for text in texts if not (is_stop(text) and is_withdrawal(text) and denies(text))] == []
    assert [text for text in texts if not is_stop_message(text)] == []
    assert [text for text in IF_ELSE if is_stop(text) or is_withdrawal(text) or denies(text)] == []


NAMED_STOPS = [
    "stop the deploy to eu-west", "cancel the release of web-7", "stop rolling out build 4711",
    "please stop the deploy of web-7 to eu-west now", "@sayso stop the deploy to eu-west and us-east-1",
    "stop the deploy to eu-west, it is the wrong build", "stop the deploy to eu-west because it is the wrong build",
    "stop the deploy to `eu-west` - wrong build", "Cancel release 2024.11!", "stop the run s1r-itpqott3vb636",
    "abort the rollout of checkout-api 2.3.1", "do not deploy web-7 to eu-west",
    "don't roll out build 4711: tests are red", "kill the rollout in us-east-1 please",
    "halt the deployment for payments", "stopp den Deploy nach eu-west", "brich den Rollout ab, er ist falsch",
    "Stoppe das Release von web-7 weil die Tests rot sind", "Release von web-7 abbrechen",
    "bitte Build 4711 nicht ausrollen", "Stopp, bitte web-7 nicht deployen", "hör auf, Build 4711 auszurollen",
    "stopp das Ausrollen von Build 4711", "brechen Sie das Release von web-7 auf eu-west bitte sofort ab",
    "halt den Rollout von checkout-api an", "stop the deploy of web-7, before it breaks everything",
    "Bitte den Deploy für die Umgebung münchen-2 abbrechen", "stop the deploy to A/1",
    "Build ab:2 bitte nicht ausrollen",
]  # fmt: skip
NAMED_WORDS = [
    "can we stop at the store?", "do not stop the deploy to eu-west", "don't cancel the release of web-7",
    "never stop the release of web-7", "no need to stop the deploy to eu-west", "stop the deploy to eu-west? no",
    "stop the deploy to eu-west? Or go on?", "stop worrying, go ahead", "stop and think", "stop after the third step",
    "stop the old workers on web-7", "stop the server web-7", "stop losing orders in eu-west", "cancel order 4711",
    "withdraw v1.2 from the store", "stop the deploy of web-7 if the tests fail", "stop the deploy at 18:00",
    "stop the run, unless Bo objects", "brich den Lauf ab, sobald die Tests durch sind", "stop the deploy on Friday",
    "stop deploying on Fridays", "stop the deploy to eu-west only", "why did you stop the deploy to eu-west?",
    "the deploy to eu-west did not stop", "the release of web-7 was cancelled yesterday",
    "the deploy, stop by stop, goes on", "Bo said stop the deploy to eu-west, but go on",
    "I would not stop the deploy to eu-west", "you can stop the deploy of web-7 later", "deploy web-7 to eu-west",
    "do not deploy before five", "do not deploy to eu-west on Fridays", "nicht den Deploy nach eu-west stoppen",
    "bitte den Deploy nach eu-west nicht stoppen", "stopp den Deploy nach eu-west nur wenn die Tests scheitern",
    "sollen wir den Deploy nach eu-west stoppen?", "wer hat den Rollout von web-7 gestoppt?",
    "para eso, necesito el deploy de web-7",
]  # fmt: skip


def test_attack_a_stop_of_what_has_a_name_of_its_own_is_heard_and_other_words_about_it_are_not() -> None:
    assert [text for text in NAMED_STOPS if not (is_stop(text) and is_withdrawal(text))] == []
    for channel in ("slack", "email", "api"):
        assert [text for text in NAMED_STOPS if not denies(text, channel)] == []
    assert [text for text in NAMED_WORDS if is_stop(text) or is_withdrawal(text)] == []


def test_attack_a_stop_that_calls_somebody_first_is_one() -> None:
    for text in ("@Bo\u00a0Berg: do not deploy", "@bo, I deny this", "Hold on! @sayso: deny"):
        assert (is_stop(text), is_withdrawal(text), denies(text, "slack")) == (True, True, True)


_LETTERS = st.text(st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x17F), min_size=1, max_size=12)
_NAMES = st.lists(_LETTERS, min_size=2, max_size=4).flatmap(
    lambda parts: st.sampled_from("-._/:@#").map(lambda mark: mark.join(parts))
)
_STOPS_OF = [
    "stop the deploy to {}", "cancel the release of {} to {}", "please abort the rollout {} in {}", "stop deploying {}",
    "stop build {}", "do not deploy {} to {}", "stop the deploy of {}, it is wrong", "stopp den Deploy nach {}",
    "bitte das Release von {} auf {} abbrechen", "brich den Rollout von {} ab", "Build {} bitte nicht ausrollen",
]  # fmt: skip
_GOES_ON_WITH = [
    "do not stop the deploy to {}", "don't cancel the release of {} to {}", "bitte den Deploy nach {} nicht stoppen",
    "should we stop the deploy to {}?", "stop the deploy to {} if {} fails", "deploy {} to {}", "wer stoppt {}?",
]  # fmt: skip


@any_of_them(st.sampled_from(_STOPS_OF), _NAMES, _NAMES)
def test_whatever_the_name_is_a_stop_of_it_is_one(form: str, one: str, other: str) -> None:
    assert is_withdrawal(form.format(one, other))
    assert is_stop(form.format(one, other))


@any_of_them(st.sampled_from(_GOES_ON_WITH), _NAMES, _NAMES)
def test_whatever_the_name_is_other_words_about_it_are_none(form: str, one: str, other: str) -> None:
    assert not is_withdrawal(form.format(one, other))
    assert not is_stop(form.format(one, other))


PIECES = ["stop the deploy to ", "a-", "und 1.2, ", "`a`.`b`", "https:// "]


@pytest.mark.parametrize(
    "text", ["x" + "." * 20_000 + "y", "x" + "\n" * 20_000 + "y", "and  " * 5_000, "x" + "_" * 40_000 + "y"]
)
def test_attack_a_long_text_of_marks_lines_or_links_between_words_takes_no_time(text: str) -> None:
    began = time.process_time()

    stops_named(f"stop s1r-abcdefghijkl2 {text}")
    is_withdrawal(text)
    ends_in_condition(text)
    may_be_stop(text)

    assert time.process_time() - began < 1


@pytest.mark.parametrize("piece", PIECES)
def test_attack_a_long_text_of_names_takes_no_time(piece: str) -> None:
    began = time.process_time()

    is_stop((piece * 4_000)[:4_000])
    is_withdrawal((piece * 40_000)[:40_000])

    assert time.process_time() - began < 2


RUN, REQUEST, OTHER = "s1r-itpqott3vb636", "s1q-z5awgsmrh6std", "s1r-b3xkq7mwz5lta"


LINK = "https://sayso.corp.example"
NAMED = {
    f"stop {RUN}": [RUN],
    f"cancel {RUN.upper()} please": [RUN],
    f"deny {REQUEST}: it clashes with {RUN}": [REQUEST],
    f"Hi, please stop {RUN}. Best, Anna": [RUN],
    f"stop {RUN}, {REQUEST}": [RUN, REQUEST],
    f"stop {RUN}\n\ncancel {REQUEST}": [RUN, REQUEST],
    f"stop {RUN}\nstop {REQUEST}\nstop {OTHER}": [RUN, REQUEST, OTHER],
    f"stop {RUN}\nand {REQUEST}": [RUN, REQUEST],
    f"stop:\n{RUN}\n{REQUEST}": [RUN, REQUEST],
    f"stop:\n{RUN}\nstop {REQUEST}": [RUN, REQUEST],
    f"brich den Lauf {RUN} ab": [RUN],
    f"arrête {RUN}": [RUN],
    f"I revoke my approval for {REQUEST}": [REQUEST],
    f"take back my approval of {REQUEST}": [REQUEST],
    f"ich ziehe meine Freigabe für {REQUEST} zurück": [REQUEST],
    f"stop {RUN} because it clashes with {REQUEST}": [RUN],
    f"deny {REQUEST} because it is wrong": [REQUEST],
    f"Stop: {RUN}": [RUN],
    f"If I am right that is wrong.\nstop {RUN}": [RUN],
    f"Please:\nstop {RUN}": [RUN],
    f"STOP! {RUN}": [RUN],
    f"deny. stop {RUN}": [RUN],
    f"I approve, but stop {RUN}": [RUN],
    f"ok but stop {RUN}, it is the wrong tag": [RUN],
    f"approve but stop {RUN}": [RUN],
    f"Also stop {RUN}": [RUN],
    f"However, stop {RUN}": [RUN],
    f"ja, aber bitte {RUN} stoppen": [RUN],
    f"stop {LINK}/runs/{RUN}": [RUN],
    f"please cancel http://localhost:8000/runs/{RUN}#now, thanks": [RUN],
    f"stop this: {LINK}/tools/requests/{REQUEST}?from=run": [REQUEST],
    f"deny {LINK}/requests/{REQUEST}, it clashes with https://x.example/runs/{RUN}": [REQUEST],
}
NAMES_NONE = [
    f"do not stop {RUN}", f"stop {RUN}? no", f"should we stop {RUN}?", f"answer: stop {RUN}", f"status {RUN}",
    f"rejected because of {RUN}", f"no, {RUN} does it already", f"No, {RUN}", f"if it fails, stop {RUN}",
    f"Wenn der Test rot ist, stopp {RUN}", f"do not stop {LINK}/runs/{RUN}", f"should we stop {LINK}/runs/{RUN}?",
    f"rejected because of {LINK}/runs/{RUN}", f"see {LINK}/runs/{RUN}", "stop https://ci.corp.example/runs/4711",
    f"but do not stop {RUN}", f"also, should we stop {RUN}?", f"so {RUN} stops by itself", f"aber {RUN} nicht stoppen",
    "stop", f"Thanks for the run.\nIf it is red,\nstop {RUN}", f"Wenn er rot ist:\nstopp {RUN}",
]  # fmt: skip


def test_a_stop_names_the_runs_and_requests_that_it_stops() -> None:
    assert {text: list(stops_named(text)) for text in NAMED} == NAMED
    assert [text for text in NAMES_NONE if stops_named(text)] == []


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (f"stop {RUN}", ""),
        (f"Stop, please stop {RUN}", ""),
        (f"no, stop {RUN}", ""),
        (f"stop {RUN}, it is the wrong tag", ""),
        (f"Stop: {RUN}", ""),
        (f"deny. stop {RUN}", "deny"),
        (f"No, wrong version. Please stop {RUN} too", "No, wrong version."),
        (f"no problem. stop {RUN}", ""),
        (f"no, and stop {RUN} too", "no"),
        (f"stop this run, stop {RUN}", "stop this run"),
        (f"Do not deploy this!\nAnd cancel {RUN}", "Do not deploy this"),
    ],
)
def test_what_refuses_something_beside_a_stop_that_names_a_run(text: str, rest: str) -> None:
    assert refused_beside(text) == rest


def test_whoever_is_called_by_name_beside_a_stop_takes_nothing_from_it() -> None:
    for text in (
        "@Bo\u00a0Berg stop", "stop @dan", "stop, @Bo\u00a0Berg @Cy\u00a0Cole please",
        "nicht freigeben, @Bo\u00a0Berg", "@O'Neil\u00a0Shaun\u00a0(he/him) abbrechen",
    ):  # fmt: skip
        assert is_stop(text), text
    for text in ("@Bo\u00a0Berg don't stop", "tell @Bo\u00a0Berg to stop", "stop@home.example"):
        assert not is_stop(text), text


@pytest.mark.parametrize("text", ["Anfrage zur\u00fcckziehen", "Auftrag bitte stornieren!", "Vorgang abbrechen"])
def test_in_german_what_is_to_be_stopped_needs_no_article(text: str) -> None:
    assert is_stop(text)
    assert not is_stop(f"{text[:-1]} nicht")


@pytest.mark.parametrize(
    "text",
    [
        "Please stop these runs:\n- ONE\n- TWO", "Please stop these:\n1. ONE\n2. TWO", "stop both runs: ONE and TWO",
        "Bitte diese L\u00e4ufe abbrechen:\n\u2022 ONE\n\u2022 TWO", "stop the following runs:\n* ONE\n* TWO",
        "stop ONE / TWO", "stop ONE & TWO", "stop ONE as well as TWO", "stop run ONE and run TWO",
        "stop ONE\nalso TWO", "Bitte ONE sowie TWO abbrechen",
    ],
)  # fmt: skip
def test_attack_of_several_runs_in_one_message_each_is_stopped(text: str) -> None:
    assert list(stops_named(text.replace("ONE", RUN).replace("TWO", OTHER))) == [RUN, OTHER]


def test_attack_an_order_is_lost_above_or_below_a_log_that_is_too_long_to_be_read() -> None:
    log = "\n".join(f"12:00:{at} worker {at} gave up: the connection was reset by its peer" for at in range(10, 99))

    assert is_stop(f"stop\n\n{log}")
    assert stops_among(f"{log}\n\nstop it")
    assert [*stops_named(f"{log}\n\nstop s1r-aaaaaaaaaaaaa")] == ["s1r-aaaaaaaaaaaaa"]
    assert is_no_wish(f"{log}\n\nstop it")
    assert may_mean_freeze(f"{log}\n\nfreeze", ["production"], is_addressed=True)
    assert has_order(f"{log}\n\nv2, freeze production")
    assert not any(reads(log) for reads in (is_stop, stops_among, is_no_wish, has_order))
