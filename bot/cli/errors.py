"""Which errors are for people: those that say what to do next."""

from agents import ToolRefused
from bot.admitting import TriggerRefused
from bot.apikeys import KeyRefused
from bot.cli.beside import NotBesideDev
from bot.cli.options import TextRefused
from bot.cli.remote import RemoteRefused
from bot.config_errors import ConfigError
from bot.decisions import NoSuchRequest
from bot.dev.demo import DemoError
from bot.evals.cases import BadCases
from bot.exporting import BadExport
from bot.held.clearing import NotHeld
from bot.home import NoSecretKey
from bot.ids import NotAnId
from bot.mail.identifying import NotIdentified
from bot.people import UnknownPerson
from bot.processes import NothingRuns, PortTaken
from bot.relaying import NotAsked
from bot.steering import NotSteered
from bot.store import StoreError
from bot.store.embedded import EmbeddedRedisError
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
