"""Stops in the eight languages of the vocabulary: each verb in each form, alone and beside what stands around it."""

import re

import pytest

from bot.policy.answers import is_stop, is_withdrawal, may_mean_stop, read_answer
from bot.policy.stops import is_stop_message
from tests.bot.policy.test_answers import LATER, approval, question, statement

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
    "english": "don't_* do_not_* please_don't_*_it never_* don't_you_* *_Bo_from_stopping_it *_only_if_it_fails",
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


@pytest.mark.parametrize("language", STOPS)
def test_attack_a_stop_is_heard_in_each_form_of_each_verb(language: str) -> None:
    texts = said(language, f"* *. *_* {AROUND[language]}")

    assert [text for text in texts if not (is_stop(text) and is_withdrawal(text))] == []
    assert [text for text in texts if not may_mean_stop(question(), text)] == []
    read = [text for text in texts if read_answer(approval(), statement("free_text", text), LATER).approve is not False]
    assert read == []


@pytest.mark.parametrize("language", GOES_ON)
def test_attack_what_says_not_to_stop_is_no_stop(language: str) -> None:
    texts = said(language, GOES_ON[language])

    assert [text for text in texts if is_stop(text) or is_withdrawal(text)] == []
    assert [
        text for text in texts if read_answer(approval(), statement("free_text", text), LATER).approve is not None
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "Hi, please stop the deploy. Best, Anna",
        "stop the deploy",
        "STOP THE DEPLOY!!!",
        "Stop the deploy\n\nHi,\nit is the wrong version, see the ticket.\n\nBest,\nAnna",
        "Deploy\n\nHello Bo, please stop\n\n> deploy v1.2.0 to production\n> Thanks",
        "Wrong version\n\nplease stop it!\n-- \nAnna Ames\nCorp",
        "wrong tag, please stop",
        "Stop, that is the wrong version",
        "Can you stop the deploy? It has the wrong version.",
        "✋",
        "\U0001f6d1",
        *(f"✋{chr(tone)}" for tone in range(0x1F3FB, 0x1F400)),
        ":raised_hand::skin-tone-4:",
        "Guten Tag, bitte abbrechen. Viele Grüße, Anna",
        "Bonjour, arrêtez le déploiement. Merci",
        "Hola, para el despliegue. Gracias, Ana",
        "Olá, cancele o pedido. Obrigada",
        "Ciao, ferma il rilascio. Grazie",
        "Hoi, stop de uitrol. Bedankt",
        "デプロイを中止してください。よろしく",
    ],
)
def test_attack_a_stop_is_heard_in_a_message_with_whatever_stands_around_it(text: str) -> None:
    assert is_stop_message(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no need to stop the deploy.",
        "Please do not stop. All is well.",
        "Stop? No.",
        "No pares el despliegue. Gracias",
        "Bitte nicht abbrechen!",
        "stop the old server first, then deploy v2",
        "Run the tests on staging, then stop",
        "Deploy v1.2.0 to production and stop the old workers.",
        "deploy v1.2.0 to production",
        "announce: stop",
        "When does the bus stop here?",
        "> please stop the deploy\nWhat does this mean?",
        "",
    ],
)
def test_a_wish_that_only_holds_such_words_is_none(text: str) -> None:
    assert not is_stop_message(text)
