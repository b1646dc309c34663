"""Which errors are for people: those that say what to do next."""

from agents import ToolRefused
from bot.cli.beside import NotBesideDev
from bot.cli.options import TextRefused
from bot.cli.remote import RemoteRefused
from bot.config.data_dir import NoSecretKey
from bot.config.errors import ConfigError
from bot.dev.demo import DemoError
from bot.evals.cases import BadCases
from bot.inbound.quarantine_review import NotHeld
from bot.people.api_keys import KeyRefused
from bot.people.directory import UnknownPerson
from bot.process.processes import NothingRuns, PortTaken
from bot.requests.decisions import NoSuchRequest
from bot.runs.admission import TriggerRefused
from bot.runs.api_requests import NotAsked
from bot.runs.export import BadExport
from bot.runs.steering import NotSteered
from bot.store import StoreError
from bot.store.embedded import EmbeddedRedisError
from bot.store.ids import NotAnId
from bot.wiring.mail_identify import NotIdentified
from channels import ChannelError
from prompts import PromptError

_SPOKEN = (
    BadCases,
    BadExport,
    ChannelError,
    ConfigError,
    DemoError,
    EmbeddedRedisError,
    KeyRefused,
    NoSecretKey,
    NoSuchRequest,
    NotAnId,
    NotAsked,
    NotBesideDev,
    NotHeld,
    NotIdentified,
    NotSteered,
    NothingRuns,
    PortTaken,
    PromptError,
    RemoteRefused,
    StoreError,
    TextRefused,
    ToolRefused,
    TriggerRefused,
    UnknownPerson,
)


def sentence(error: BaseException) -> str | None:
    """What to tell the person; None for a bug, which needs its traceback. A group speaks for what is in it."""
    if isinstance(error, BaseExceptionGroup):
        inside: tuple[BaseException, ...] = error.exceptions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        said = [sentence(inner) for inner in inside]
        return "\n".join(line for line in said if line) if all(said) else None
    return str(error) if isinstance(error, _SPOKEN) else None
