"""Who makes models: a line each. A name says whose model is meant, and without one it is Anthropic's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from agents.context import BUDGET_TOKENS
from agents.model.claude import Claude
from agents.model.hosted import ANTHROPIC
from agents.model.openai import OpenAI
from agents.model.prices import Price
from agents.model.protocol import OUTPUT_TOKENS, HostedModel
from agents.steps import Effort, Form
from agents.text import secrets_of

OPENAI = "openai"
HOSTS: Mapping[str, str] = {ANTHROPIC: Claude.host, OPENAI: OpenAI.host}
"""Where a maker's own server is."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way to a maker's server. `base_url` None means the maker's own.

    `headers` go with every request; `api_version` is that of an Azure resource, whose address `base_url` is then.
    """

    api_key: str = field(default="", repr=False)
    base_url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    api_version: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what only the server may read, in the forms in which it travels."""
        return secrets_of(self.api_key, self.base_url, self.headers.values())


@dataclass(frozen=True, slots=True)
class Options:
    """What one agent's model may do; `agents.NAME` of the settings says it."""

    timeout_s: float = 60.0
    context_tokens: int = BUDGET_TOKENS
    max_output_tokens: int = OUTPUT_TOKENS
    effort: Effort | Literal[""] = ""
    cache: bool = True
    price: Price | None = None
    form: Form | None = None


Make = Callable[[Access, str, Options], HostedModel]
_Hosted = TypeVar("_Hosted", Claude, OpenAI)


def _claude(access: Access, model: str, options: Options) -> Claude:
    return _made(Claude, access, model, options)


def _openai(access: Access, model: str, options: Options) -> OpenAI:
    return _made(OpenAI, access, model, options, headers=access.headers, api_version=access.api_version)


def _made(kind: Callable[..., _Hosted], access: Access, model: str, options: Options, **more: object) -> _Hosted:
    return kind(
        access.api_key,
        access.base_url,
        model,
        timeout_s=options.timeout_s,
        context_tokens=options.context_tokens,
        max_output_tokens=options.max_output_tokens,
        effort=options.effort,
        cache=options.cache,
        price=options.price,
        form=options.form,
        **more,
    )


# A maker of yours is a file as `claude.py` is, and a line here.
MAKERS: Mapping[str, Make] = {ANTHROPIC: _claude, OPENAI: _openai}

USUAL: Mapping[str, Form] = {ANTHROPIC: Claude.usual, OPENAI: OpenAI.usual}
"""How a maker's models are asked where nothing else is said."""


def maker_of(name: str) -> tuple[str, str]:
    """(maker, id of the model) for the name of a model: `MAKER:ID`, or the id alone of one of Anthropic's.

    Ids have colons, too: what is before the first one is a maker only where it is called like one of `MAKERS`.
    """
    maker, _, model = name.partition(":")
    return (maker, model) if model and maker in MAKERS else (ANTHROPIC, name)


def make(name: str, access: Access, options: Options | None = None) -> HostedModel:
    """Make the model of this name. It connects when it is first asked."""
    maker, model = maker_of(name)
    return MAKERS[maker](access, model, options or Options())
