import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_reply
from channels.email.reply.newtext import new_text
from tests.channels.email.work import MOST_CALLS, calls_of


@pytest.mark.parametrize("rule", ["", "--------------------\n"])
@pytest.mark.parametrize(
    "banner",
    [
        "[EXTERNAL]",
        "External Sender",
        "*** EXTERNAL EMAIL *** Do not click on links unless you trust the sender.",
        "CAUTION: This email came from outside the organization. Do not click links or\nattachments you do not know.",
        "WARNING: This email came from outside the company. Be careful with links and attachments.",
        "You don't often get email from bo@corp.example. Learn why this is important<https://aka.ms/x>",
        "This Message Is From an Untrusted Sender\nYou have not previously corresponded with this sender.",
        "ACHTUNG: Diese E-Mail stammt von außerhalb der Organisation. Klicken Sie nicht auf Links.",
        "ATTENTION : Ce courriel provient de l'extérieur de l'organisation. Ne cliquez pas sur les liens.",
        "PRECAUCIÓN: Este correo electrónico se originó fuera de la organización. No haga clic en los enlaces.",
        "ATTENZIONE: questa email proviene dall'esterno dell'organizzazione. Non cliccare sui link.",
        "ATENÇÃO: Este email foi enviado por um remetente externo. Não clique em links.",
        "LET OP: Deze e-mail komt van buiten de organisatie. Klik niet op links.",
        "注意: このメールは組織外から送信されています。リンクをクリックしないでください。",
    ],
)
def test_what_a_gateway_puts_above_a_mail_from_outside_is_not_the_writers(banner: str, rule: str) -> None:
    assert read_reply(f"{rule}{banner}\n{rule}\napprove", "Bo Berg").said == "approve"
    assert read_reply(f"{rule}{banner}\n{rule}\nNo, wrong version", "Bo Berg").said == "deny"


@pytest.mark.parametrize(
    "body",
    [
        "Caution: this message only concerns the external sender.\n\napprove",
        "external\n\napprove",
        "External sender\nno\n\napprove",
        "The external link in this mail looks wrong.\n\napprove",
        "Caution: this email came from outside. I do not trust it.\n\napprove",
        "Caution: the external message queue must be empty.\n\napprove",
        "Warning: only with the external sender list.\n\napprove",
        "approve\n\nCAUTION: This email came from outside the company. Be careful with links.\n\nwait",
        "[EXTERNAL] not approved, wait\n\napprove",
    ],
)
def test_what_a_person_warns_of_is_not_taken_for_a_banner(body: str) -> None:
    assert read_reply(body, "Bo Berg").said != "approve"


WORDS = st.sampled_from(
    ["[EXTERNAL]", "external email", "approve", "no", "wait", "caution:", "link", "\n", "\n\n", ".", "---\n"]
)


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_no_refusal_is_ever_part_of_a_banner(text: str) -> None:
    kept = new_text(text).text

    assert "wait" not in text or "wait" in kept or "---" in text


@pytest.mark.parametrize("char", [*"@<>([*#._ a", "a@", "<a", "http://", "((["])
@pytest.mark.parametrize("start", ["", "external ", "caution: this e-mail came from outside "])
def test_a_long_line_of_anything_at_the_top_is_looked_at_once(start: str, char: str) -> None:
    body = f"{start}{char * (2_000 // len(char))}\n\napprove"

    assert calls_of(lambda: new_text(body)) < MOST_CALLS
