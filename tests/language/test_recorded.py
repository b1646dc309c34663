"""What code recorded in English is shown in its reader's language, and nobody else's words change."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import product
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.slack.api import channel_error
from language import in_all, say, speaking
from language.catalogs import keys_of
from language.recorded import (
    FILES,
    answer_of,
    artifact_of,
    ending_of,
    fact_text,
    note_of,
    reason_of,
    recorded,
    result_of,
    risk_text,
    start_of,
    text_of,
    trouble_of,
)
from tests.servers.lines import TOP

READ: dict[str, Callable[[str], str]] = {
    "recorded": text_of,
    "reason": reason_of,
    "trouble": trouble_of,
    "file": note_of,
}
ENGLISH_FIX = "Fix what the server says and send again"
FIX = "Beheben Sie, was der Server nennt, und senden Sie erneut"
ENGLISH_PLACE = "Name another place in sayso.toml, or take it out of the archive"
PLACE = "Nennen Sie in sayso.toml einen anderen Ort, oder holen Sie diesen aus dem Archiv"
ENGLISH_NAMES = "Look at argocd.token_file, what its account may do, and at the names in the configuration"
NAMES = "Prüfen Sie argocd.token_file, was das Konto darf, und die Namen in der Konfiguration"
SMTP, GERMAN_SMTP = "the SMTP server mx.example:25", "der SMTP-Server mx.example:25"


@pytest.mark.parametrize(
    ("label", "text", "german"),
    [
        ("Files", "2 files, +6 -4", "2 Dateien, +6 -4"),
        ("Migrations", "none", "keine"),
        ("CI", "passed (3 checks)", "bestanden (3 Prüfungen)"),
        ("CI", "failed: lint and 2 more", "fehlgeschlagen: lint and 2 more"),
        ("CI", "unknown: this commit has no checks", "unbekannt: dieser Commit hat keine Prüfungen"),
        ("CI", "unknown: passed: none", "unbekannt: bestanden: keine"),
        (
            "CI",
            "unknown: './ci.sh' did not end within 10 s",
            "unbekannt: './ci.sh' endete nicht innerhalb von 10 s",
        ),
        ("CI", "failed: ./deploy.sh changed", "fehlgeschlagen: ./deploy.sh changed"),
        ("Health", "failing: 503; ./x is a link", "gestört: 503; ./x is a link"),
        ("Variables", "PORT, TZ of this machine; TOKEN from files", "PORT, TZ von diesem Rechner; TOKEN aus Dateien"),
        ("Authors", "Bo Berg (3), Cy Cole (1) and 3 more", "Bo Berg (3), Cy Cole (1) und 3 weitere"),
        (
            "Changes",
            "2 commits, newest first:\n63e28bf failed: none (Bo Berg)\n1d7fe7d none (Cy)\n… and 7 more",
            "2 Commits, die neuesten zuerst:\n63e28bf failed: none (Bo Berg)\n1d7fe7d none (Cy)\n… und 7 weitere",
        ),
        ("Program", "./deploy.sh, as it is in this commit", "./deploy.sh, wie es in diesem Commit ist"),
        (
            "Release notes",
            "the message of the tag, in the words of whoever made it:\n> none\nnone",
            "der Text des Tags, in den Worten der Person, die ihn gesetzt hat:\n> none\nnone",
        ),
        ("CI: look-up failed", "it did not end within 15 s", "es endete nicht innerhalb von 15 s"),
        ("They wrote", "none", "none"),
        (
            "Resources",
            "added: Job shop/a, Job shop/b, and 3 more; left over: Service shop/added: x",
            "neu: Job shop/a, Job shop/b und 3 weitere; übrig: Service shop/added: x",
        ),
        ("Resources", "changed: Job a; removed: Job b", "geändert: Job a; entfernt: Job b"),
        ("Resources", "none differ", "keine unterscheiden sich"),
        (
            "Resources",
            f"unknown: Argo CD answered 403: added: none. {ENGLISH_NAMES}",
            f"unbekannt: Argo CD antwortete mit 403: added: none. {NAMES}",
        ),
        ("Plan", "nothing was printed", "nichts wurde ausgegeben"),
        ("Plan", "none differ\nadded: a file\nfailed", "none differ\nadded: a file\nfailed"),
        ("Health", "the shop answered 200: none", "the shop answered 200: none"),
        ("CI", "unknown: GitLab answered 500: no reason", "unbekannt: GitLab antwortete mit 500, ohne Grund"),
        ("Load of the shop", "passed", "passed"),
    ],
)
def test_what_code_recorded_is_shown_in_german_and_others_words_are_not(label: str, text: str, german: str) -> None:
    with speaking("de"):
        assert fact_text(label, text) == german


@pytest.mark.parametrize(
    ("words", "german"),
    [
        ("2 migrations", "2 Migrationen"),
        ("CI failed", "CI fehlgeschlagen"),
        ("./deploy.sh changed", "./deploy.sh geändert"),
        ("51 commits at once", "51 Commits auf einmal"),
        ("the bell is loud", "the bell is loud"),
    ],
)
def test_each_risk_of_ours_is_told_in_german_and_a_strange_one_as_its_tool_named_it(words: str, german: str) -> None:
    with speaking("de"):
        assert risk_text(words) == german


@pytest.mark.parametrize(
    ("why", "german"),
    [
        (
            "it was sent on by somebody else; it has more than one To",
            "jemand anderes hat sie weitergesendet; sie hat mehr als eine Zeile To",
        ),
        (
            "its text is longer than 32 KB; write a shorter one; it was forwarded",
            "ihr Text ist länger als 32 KB; schreiben Sie einen kürzeren; sie wurde weitergeleitet",
        ),
        (
            "nothing proves who sent it, so it may be forged: corp.example says dmarc=fail",
            "nichts beweist, wer sie gesendet hat, also kann sie gefälscht sein: corp.example sagt dmarc=fail",
        ),
        (
            "Slack user U1 of team T1: You are not in sayso's directory",
            "Slack-Konto U1 von Team T1: Sie stehen nicht im Verzeichnis von sayso",
        ),
        ("whatever another release says", "whatever another release says"),
    ],
)
def test_each_reason_against_a_message_is_told_in_german(why: str, german: str) -> None:
    with speaking("de"):
        assert reason_of(why) == german


@pytest.mark.parametrize(
    ("why", "german"),
    [
        (
            f"email: {SMTP} refused a mail: 550 No. Ask. {ENGLISH_FIX}; slack: does not reach Bo",
            f"E-Mail: {GERMAN_SMTP} lehnte eine E-Mail ab: 550 No. Ask. {FIX}; Slack: erreicht Bo nicht",
        ),
        (
            f"slack: #release is archived. {ENGLISH_PLACE}; and to Bo alone: They have no Slack id. x",
            f"Slack: #release ist archiviert. {PLACE}; und nur an Bo: Diese Person hat keine Slack-ID. x",
        ),
        ("550 5.1.1 The user is unknown. Goodbye", "550 5.1.1 The user is unknown. Goodbye"),
        ("the card “Press it?” for Bo Berg", "die Karte „Press it?“ für Bo Berg"),
    ],
)
def test_what_each_channel_could_not_do_is_told_in_german_between_the_words_of_servers(why: str, german: str) -> None:
    with speaking("de"):
        assert trouble_of(why) == german


def test_what_the_fold_a_runner_and_a_deploy_say_is_shown_in_german_and_what_a_program_printed_is_not() -> None:
    with speaking("de"):
        assert ending_of("a person confirmed that it happened") == "eine Person hat bestätigt, dass es geschehen ist"
        assert ending_of("the approval is older than 900 s") == "die Genehmigung ist älter als 900 s"
        assert start_of("cannot start './x': its folder /a is not there. Correct the repo in the settings") == (
            "'./x' kann nicht gestartet werden: Der Ordner /a ist nicht da. Berichtigen Sie repo in den Einstellungen"
        )
        assert result_of("deployed c0ffee to shop\nlive before: beef\nlive before: me") == (
            "c0ffee nach shop deployt\nvorher live: beef\nlive before: me"
        )
        assert (artifact_of("SHA-256 of ./x"), artifact_of("v1.2.0")) == ("SHA-256 von ./x", "v1.2.0")
        assert answer_of("(no text, only attached files)") == "(kein Text, nur angehängte Dateien)"
        assert (ending_of("none"), start_of("failed"), result_of("passed"), answer_of("none")) == (
            "none", "failed", "passed", "none",
        )  # fmt: skip


def filled(key: str, place: str) -> dict[str, str]:
    """Values for the sentence `key`."""
    names = {name for _, name, _, _ in Formatter().parse(in_all(key)[0]) if name}
    numbers = {"count", "number", "left", "added", "removed", "size", "seconds", "code", "status"}
    others = {"place": place, "api": "Argo CD"}
    return {name: "7" if name in numbers else others.get(name, f"<{name}>") for name in names}


@pytest.mark.parametrize("file", FILES)
def test_every_sentence_of_these_catalogs_is_known_again_as_itself(file: str) -> None:
    english, german = (SMTP, GERMAN_SMTP) if file == "trouble" else ("here", "here")
    for key in keys_of(file):
        said = recorded(key, **filled(key, english))
        with speaking("de"):
            assert READ[file](said) == say(key, **filled(key, german)), key


@given(st.text())
def test_in_english_it_is_shown_as_it_was_recorded(text: str) -> None:
    shown = {read(text) for read in (*READ.values(), ending_of, start_of, result_of, answer_of, artifact_of)}

    assert shown == {text}


@given(st.lists(st.from_regex(r"[0-9a-f]{7} [^\n;]{0,40}", fullmatch=True)))
def test_a_line_that_begins_with_a_commit_is_never_ours(lines: list[str]) -> None:
    with speaking("de"):
        assert text_of("\n".join(lines)) == "\n".join(lines)


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1)))
def test_whatever_stands_there_nothing_of_it_is_lost_or_added(texts: list[str]) -> None:
    others = [f"{text}⁂" for text in texts]

    with speaking("de"):
        for read, joint in product(READ.values(), ("; ", ". ", "\n")):
            assert read(joint.join(others)) == joint.join(others)


@pytest.mark.parametrize("text", ["email: " * 300, "#x is archived " * 200, "x; " * 700, "x. " * 700, "failed: " * 300])
def test_whatever_somebody_makes_of_our_sentences_can_be_shown(text: str) -> None:
    with speaking("de"):
        assert all(read(text) for read in READ.values())


# Where code holds the English words itself. What else stands there, below, nobody reads, or only those who set it up.
HOLDS_WORDS = (
    *("agents/deploy/backends", "agents/deploy/lists.py", "agents/deploy/lookup.py", "agents/deploy/repository/git.py"),
    *("agents/deploy/repository/mirror.py", "agents/deploy/variables.py", "agents/model/claude.py"),
    *("agents/model/reply.py", "bot/execution/runner_child.py", "bot/outbound/raw_mail.py", "bot/outbound/sending.py"),
    *("bot/policy/answers.py", "bot/policy/judge.py", "bot/wiring/local_mail.py", "bot/wiring/mail.py"),
    *("channels/filetypes.py", "channels/email/channel.py", "channels/email/format", "channels/email/identity"),
    *("channels/email/local/reply_mail.py", "channels/email/mime.py", "channels/email/reading"),
    *("channels/email/reply", "channels/email/servers", "channels/email/tokens.py", "channels/email/transport.py"),
    "channels/slack",
)
SET_UP = (
    *("channels/email/identity/identify.py", "channels/email/identity/vouching.py", "channels/slack/manifest.py"),
    "channels/email/reading/jsonlines.py",
)
# Parts of a sentence that is known as a whole.
PARTS = frozenset(
    {
        *(" of the settings", " of this machine", "it is no text", "it said nothing", "7: does not reach 7"),
        *("The list of 7 could not be read whole: 7.", "what it takes back"),
        *("nobody but the requester: leave it out", "nothing proves who sent it, so it may be forged: "),
        *("write what you want in words of your own, above it", "Slack user 7 of team 7"),
        *("7, and what somebody else wrote is not taken for your wish; 7", "(Basic Information, App-Level Tokens)"),
        "no access token in the answer",
        *("SAYSO_MAIL_OAUTH_REFRESH_TOKEN and SAYSO_MAIL_OAUTH_SCOPE", "the certificate of 7 can't be trusted: 7"),
        *("Make an app token with the scope connections:write 7 and set SLACK_APP_TOKEN",),
        *("Set SLACK_APP_TOKEN to an app token of this app 7",),
    }
)
# For models, for programs, for logs and in older mails of ours.
STAYS = frozenset(
    {
        *("how sure you are that this is the right next step, from 0 to 1", "\n[… 7 bytes left out …]\n"),
        *("an answer to an invitation", "7 is not set here", "-----BEGIN PGP MESSAGE", "show a status"),
        "GitHub tells what a fine-grained token may read, and not whether it may dispatch",
        *("a command has no handle 7", "the line to Slack is dead; a new one is opened", "check Slack's token"),
        *("from channels.email.reading.sandbox_child import main; main()", "deploy v1.2.0 to production"),
        "Content-Type: text/7; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        *("Answers count until 7.", "Answers count until 7, 7 after this mail."),
        *("To choose, reply with one number or name from the list below, and nothing else.",),
        *("To choose, reply with numbers or names from the list below, with commas between them.",),
    }
)
_WORD = re.compile(r"[\w',.:;()-]*[A-Za-z][\w',.:;()-]*")
_FEW = 3
# What is said there is for whoever looks after sayso: a log, a mistake of code, and why nothing is done.
_FOR_OTHERS = re.compile(r"_?log(?:ger)?\.\w+|(?:Value|Type|Runtime|Assertion|OS|Timeout)Error|Ignored|re\.\w+|cast")


def words_in(path: str) -> Iterator[str]:
    """What the code of a file or a folder says in several words, with a 7 for what is filled in."""
    found, set_up = TOP / path, {TOP / each for each in SET_UP}
    for file in sorted(found.rglob("*.py")) if found.is_dir() else [found]:
        if file not in set_up:
            yield from _said_in(ast.parse(file.read_text(encoding="utf-8")))


def _said_in(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return
        case ast.AsyncFunctionDef(name="examine") | ast.FunctionDef(name="_right"):  # the doctor speaks English
            return
        case ast.Call() if _FOR_OTHERS.fullmatch(ast.unparse(node.func)):
            return
        case ast.JoinedStr():
            yield from _long("".join(map(_part, node.values)))
        case ast.Constant(value=str() as text):
            yield from _long(re.sub(r"\{\w*\}", "7", text))
        case _:
            for below in ast.iter_child_nodes(node):
                yield from _said_in(below)


def _part(of: ast.expr) -> str:
    """A part of an f-string; of what is filled in only the name of an API matters."""
    if isinstance(of, ast.FormattedValue):
        return "GitHub" if ast.unparse(of.value) == "self.name" else "7"
    return str(of.value) if isinstance(of, ast.Constant) else ""


def _long(text: str) -> Iterator[str]:
    if sum(_WORD.fullmatch(word) is not None for word in text.split()) >= _FEW:
        yield text


@pytest.mark.parametrize("path", HOLDS_WORDS)
def test_what_code_says_in_english_words_of_its_own_is_known_again(path: str) -> None:
    readers = (*READ.values(), start_of, answer_of)

    with speaking("de"):
        unknown = {text for text in words_in(path) if all(read(text) == text for read in readers)}

    assert unknown - PARTS - STAYS == set()


def test_what_slack_says_of_our_tokens_is_told_in_german() -> None:
    for error, app_token in product(("missing_scope", "token_revoked", "not_allowed_token_type"), (True, False)):
        found = channel_error(error, "#release", needed="chat:write", app_token=app_token)

        with speaking("de"):
            told = trouble_of(f"{found.what}. {found.do}")

        assert all(words not in told for words in (found.what, found.do))
