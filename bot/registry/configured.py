"""The agents that the settings give, the model of each, and the release that all of it makes. Nothing runs here."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from urllib.parse import urlsplit

from agents import Agent
from agents.announce import announce_agent, nothing_to_announce_to
from agents.ask import Directory, ask_agent
from agents.deploy import deploy_agent
from agents.help import HELP, help_agent
from agents.model.fallback import WithFallback
from agents.model.hosted import ANTHROPIC, is_this_machine
from agents.model.makers import HOSTS, OPENAI, USUAL, Access, Options, make, maker_of
from agents.model.prices import Price
from agents.model.protocol import HostedModel, Model, time_for
from agents.relay import RELAY, SURVEY, relay_agent, survey_agent
from agents.release import release_agent
from agents.review import REVIEW
from agents.standing import STANDING
from agents.steps import Form
from agents.triage import TRIAGE, triage_agent
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig, ModelConfig
from bot.registry.agents import own_agents, own_files
from bot.registry.desk import desk_agents
from bot.registry.environments import directory_of, environments_of
from bot.registry.prompts import in_use
from bot.registry.release import code, files_hash, release_of

# Pinned, and recorded with every step; `SAYSO_MODEL` names another one.
DEFAULT_MODEL = "claude-sonnet-5-5"
# Also those that this configuration has no use for: what a name means must not hang on that.
_OUR_NAMES = ("deploy", TRIAGE, "ask", "announce", "release", "desk", RELAY, SURVEY, STANDING, REVIEW)


def agents_of(settings: Settings, directory: Directory | None = None) -> tuple[Agent, ...]:
    """The agents of this release, then your own; triage takes what no rule places. Raises ConfigError.

    They know people by `directory`, which may change, and without one as the settings have them.
    """
    environments, desks = environments_of(settings), desk_agents(settings)
    deploys = (deploy_agent(environments),) if environments else ()
    announces = (announce_agent(settings.announce.to),) if settings.announce.to else ()
    chains = tuple(release_agent(deploy, announce) for deploy in deploys for announce in announces)
    ours = (*deploys, ask_agent(directory_of(settings) if directory is None else directory), *announces, *chains)
    own = own_agents(settings, _OUR_NAMES)
    silent = () if announces else (nothing_to_announce_to(),)
    # Last, and only where no agent of yours is called so: whoever takes a greeting itself has it.
    helps = () if any(agent.name == HELP for agent in own) else (help_agent((*ours, *own)),)
    # Whoever answers mail is given it by code: a desk is none of those that triage may choose.
    found = (*deploys, triage_agent((*ours, *own)), *ours[len(deploys) :], *own, *silent, *desks, *helps)
    return tuple(replace(agent, asks=settings.agents.get(agent.name, AgentConfig()).asks) for agent in found)


def model_names(settings: Settings, agents: Iterable[Agent]) -> dict[str, str]:
    """The id of the model that each agent is to have, key or no key. An agent that is all code has none."""
    named = {agent.name: settings.agents.get(agent.name, AgentConfig()).model for agent in agents if agent.prompt}
    return {name: model or settings.model or DEFAULT_MODEL for name, model in named.items()}


def release_in_use(settings: Settings, agents: Iterable[Agent]) -> str:
    """Under which release the events of these agents, and of ours without a name, are written. The same everywhere."""
    everyone = (*agents, relay_agent(lambda: settings.policies), survey_agent())
    return release_of(_all_code(settings), in_use(everyone, model_names(settings, everyone)))


def _all_code(settings: Settings) -> str:
    """Our code; with agents of your own theirs, too, and what their tables say."""
    files = own_files(settings)
    if settings.config is None or not files:
        return code()
    told = {name: one.settings for name, one in settings.agents.items() if one.settings}
    return f"{code()} {files_hash(settings.config.resolve().parent, files)} {json.dumps(told, sort_keys=True)}"


def models_of(settings: Settings, agents: Sequence[Agent]) -> dict[str, Model]:
    """The model of each agent; an agent without one, because there is no way to its maker, rehearses.

    Raises ConfigError where the library of a maker is not installed.
    """
    found, seconds = dict[str, Model](), fallback_names(settings, agents)
    for name, model in model_names(settings, agents).items():
        agent = next(one for one in agents if one.name == name)
        first, second = _made(settings, agent, model), _made(settings, agent, seconds.get(name, ""))
        if first and second:
            found[name] = WithFallback(first, second, seconds[name])
        elif made := first or second:
            found[name] = made
    return found


def fallback_names(settings: Settings, agents: Iterable[Agent]) -> dict[str, str]:
    """The model that each agent falls back to, key or no key, where there is one."""
    named = {
        agent.name: settings.agents.get(agent.name, AgentConfig()).fallback_model for agent in agents if agent.prompt
    }
    return {name: model for name, model in named.items() if model}


def _made(settings: Settings, agent: Agent, name: str) -> HostedModel | None:
    """The model of this name for an agent; None without a name, and without a way to its maker."""
    options = options_of(settings, name, settings.agents.get(agent.name, AgentConfig()))
    model = model_of(settings, name, options) if name else None
    if model and (left_away := model.left_away(agent)):
        import structlog  # noqa: PLC0415 - commands that only name the agents need none

        structlog.stdlib.get_logger().warning(
            "too many tools for strict schemas", agent=agent.name, model=name, left_away=left_away
        )
    return model


def model_of(settings: Settings, name: str, options: Options) -> HostedModel | None:
    """The model of this name; None without a way to its maker. Raises ConfigError without the maker's library."""
    maker = maker_of(name)[0]
    access = _access(settings).get(maker)
    if access is None:
        return None
    if find_spec(maker) is None:
        raise ConfigError([f"the model {name} needs a library that is not installed: pip install 'sayso[{maker}]'"])
    return make(name, access, options)


def is_reachable(settings: Settings, name: str) -> bool:
    """Return whether there is a way to the maker of the model of this name."""
    return maker_of(name)[0] in _access(settings)


def rehearsing(settings: Settings, agents: Iterable[Agent]) -> set[str]:
    """Return the names of the agents whose steps plain rules choose, as neither of their models can be had."""
    agents = tuple(agents)
    seconds = fallback_names(settings, agents)
    return {
        name
        for name, model in model_names(settings, agents).items()
        if not any(is_reachable(settings, one) for one in (model, *filter(None, [seconds.get(name)])))
    }


def model_hosts(settings: Settings, agents: Iterable[Agent]) -> tuple[str, ...]:
    """Return the servers elsewhere that runs of these agents are sent to, as their addresses name them."""
    agents = tuple(agents)
    names = (*model_names(settings, agents).values(), *fallback_names(settings, agents).values())
    makers = {maker_of(name)[0] for name in names}
    urls = {maker: access.base_url for maker, access in _ways(settings) if maker in makers}
    return tuple(sorted(_host(url) or HOSTS[maker] for maker, url in urls.items() if not is_this_machine(url)))


def options_of(settings: Settings, name: str, config: AgentConfig) -> Options:
    """What the model of this name may do for an agent."""
    table = settings.models.get(name) or settings.models.get(maker_of(name)[1]) or ModelConfig()
    price = Price(table.price.input, table.price.output, table.price.cached) if table.price else None
    return Options(
        timeout_s=config.timeout_s or table.timeout_s or time_for(config.max_output_tokens),
        context_tokens=config.context_tokens,
        max_output_tokens=config.max_output_tokens,
        effort=config.effort or table.effort or "",
        cache=config.cache,
        price=price,
        form=_form(USUAL[maker_of(name)[0]], table),
    )


def _form(usual: Form, table: ModelConfig) -> Form:
    return Form(
        strict=usual.strict if table.strict is None else table.strict,
        tool_choice=table.tool_choice or usual.tool_choice,
        step_as=table.step_as,
        temperature=table.temperature,
    )


def model_secrets(settings: Settings) -> tuple[str, ...]:
    """Return what only the servers of models may read, in the forms in which it travels."""
    return tuple(secret for one in _access(settings).values() for secret in one.secrets)


def _access(settings: Settings) -> Mapping[str, Access]:
    """The way to each maker that there is one to."""
    return dict(_ways(settings))


def _ways(settings: Settings) -> Iterator[tuple[str, Access]]:
    if key := settings.anthropic_api_key:
        yield ANTHROPIC, Access(key.get_secret_value(), settings.anthropic_base_url)
    key, url, resource = settings.openai_api_key, settings.openai_base_url, settings.azure_openai_endpoint
    headers = _headers(settings.openai_custom_headers.get_secret_value() if settings.openai_custom_headers else "")
    if resource and not url:
        key, version = settings.azure_openai_api_key or key, settings.openai_api_version or ""
        # Azure's API v1 is asked as any other server is; only the dated one before it is not.
        url = resource if version else f"{resource.rstrip('/')}/openai/v1/"
        yield OPENAI, Access(key.get_secret_value() if key else "", url, headers, version)
    elif key or url:
        yield OPENAI, Access(key.get_secret_value() if key else "", url, headers)


def _headers(lines: str) -> dict[str, str]:
    """Return the headers of `lines`, read as the library reads its variable."""
    pairs = (line.partition(":") for line in lines.split("\n"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def _host(base_url: str | None) -> str:
    try:
        return urlsplit(base_url or "").netloc.rpartition("@")[2]
    except ValueError:
        return ""
