"""Settings: the environment wins over `sayso.toml`, which wins over the defaults. Read once, when a process starts."""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal, Self, TypeGuard, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.command_line import command
from bot.config.deploy import DeployConfig, FreezeConfig
from bot.config.directory.groups import GroupTable, group_contradictions
from bot.config.directory.oncall import OncallTable, oncall_contradictions
from bot.config.directory.policies import PolicyConfig
from bot.config.errors import ConfigError, Origin, contradictions, dotted, is_echo, unknown, worded
from bot.config.files import read_file
from bot.config.handed import handed_content, handed_file
from bot.config.mail import MailSettings
from bot.config.mail import contradictions as mail_contradictions
from bot.config.redis_url import parse_redis_url
from bot.config.slack import SlackConfig, SlackSettings
from bot.config.tables import (
    AgentConfig,
    AlertsConfig,
    AnnounceConfig,
    AuditConfig,
    DeskConfig,
    Folder,
    LimitsConfig,
    ModelConfig,
    ModelName,
    Name,
    PersonConfig,
    RetentionConfig,
    RolesConfig,
    desk_contradictions,
)
from bot.config.triggers import TriggerConfig, TriggerName, trigger_contradictions
from bot.config.trust import is_trusted
from language import Language

PREFIX = "SAYSO_"
FILE_NAME = "sayso.toml"
RELOADED = frozenset({"people", "policies", "groups", "oncall", "roles", "alerts", "freeze"})
"""The tables that hold from the moment they are read anew, as does who may start an agent.

For any other change a process starts again.
"""
DEFAULT_DATA_DIR = Path(".sayso")

_STARTED_BY = re.compile(r"agents\.[^.]+\.triggered_by")
_SECRET_KEY_CHARS = 32
# The deepest table there is has half as many; what is deeper ends whoever walks it, in the middle.
_MOST_LEVELS = 40
# Kubernetes puts the address of a service that is called sayso into the environment of every pod beside it.
_INJECTED = {
    r"SAYSO_SERVICE_HOST|SAYSO_PORT_\d{1,5}_(TCP|UDP|SCTP)_ADDR": r"[0-9A-Fa-f:.]+",
    r"SAYSO_SERVICE_PORT(_[A-Z0-9_]+)?|SAYSO_PORT_\d{1,5}_(TCP|UDP|SCTP)_PORT": r"\d{1,5}",
    r"SAYSO_PORT_\d{1,5}_(TCP|UDP|SCTP)_PROTO": r"tcp|udp|sctp",
    r"SAYSO_PORT(_\d{1,5}_(TCP|UDP|SCTP))?": r"(tcp|udp|sctp)://\[?[0-9A-Fa-f:.]+\]?:\d{1,5}",
}


class Settings(MailSettings, SlackSettings, BaseSettings):
    """Everything that can be set. `load` reads it from outside; the constructor takes what it is given and no more."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    redis_url: str | None = Field(
        default=None,
        description="The Redis server, Cluster or Sentinels. Unset: the embedded server of `sayso dev`.",
    )
    redis_server: str | None = Field(
        default=None,
        description="The program that `sayso dev` starts as its Redis. Unset: the bundled Valkey.",
    )
    redis_wait_replicas: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Replicas that must have the start of a tool, and input, before sayso goes on.",
    )
    data_dir: Folder = Field(default=DEFAULT_DATA_DIR, validate_default=True, description="The directory for files.")
    config: Path | None = Field(
        default=None,
        description="The settings file. Unset: `sayso.toml` in the data directory, then in the current folder.",
    )
    language: Language = Field(default="en", description="The language of shared texts, and of people who chose none.")
    bind: str = Field(default="127.0.0.1", description="The address that HTTP listens on.")
    public_url: str | None = Field(default=None, description="The address at which people and programs reach sayso.")
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses and networks of proxies whose X-Forwarded-For counts, between commas.",
    )
    url: str | None = Field(
        default=None, description="The address that the command line uses. Only the environment sets it."
    )
    api_key: SecretStr | None = Field(default=None, description="The API key of the command line.")
    shards: int = Field(default=8, ge=1, le=64, description="Parts of the state. It may only grow.")
    accept_durability: str | None = Field(
        default=None,
        description="Accepts a Redis that can lose acknowledged writes; the start names the words.",
    )
    secret_key: SecretStr | None = Field(default=None, description="Signs tokens and log-ins: 32 characters or more.")
    secret_key_previous: SecretStr | None = Field(
        default=None, description="The previous one, accepted while keys rotate."
    )
    audit_key: SecretStr | None = Field(
        default=None, description="Seals the audit log. Keep it out of Redis. Unset: derived from SAYSO_SECRET_KEY."
    )
    model: str | None = Field(
        default=None, description="The model of agents that name none: `MAKER:ID`, or an id of Anthropic's."
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias="anthropic_api_key", description="The key for Anthropic's models."
    )
    anthropic_base_url: str | None = Field(
        default=None,
        validation_alias="anthropic_base_url",
        description="A server that speaks Anthropic's API.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias="openai_api_key", description="The key for `openai:ID`."
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias="openai_base_url",
        description="A server that speaks OpenAI's API, with the version: `http://127.0.0.1:8080/v1`.",
    )
    openai_custom_headers: SecretStr | None = Field(
        default=None,
        validation_alias="openai_custom_headers",
        description="Headers for that server, one line `Name: value` each.",
    )
    azure_openai_endpoint: str | None = Field(
        default=None,
        validation_alias="azure_openai_endpoint",
        description="The Azure resource that serves `openai:ID`; `ID` is a deployment. OPENAI_BASE_URL wins over it.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        default=None, validation_alias="azure_openai_api_key", description="The key of the Azure resource."
    )
    openai_api_version: str | None = Field(
        default=None,
        validation_alias="openai_api_version",
        description="The version of Azure's dated API, such as 2024-10-21. Unset: API v1.",
    )
    aws_access_key_id: SecretStr | None = Field(
        default=None,
        validation_alias="aws_access_key_id",
        description="The key id for the bucket of `[retention]`. Unset: the machine's role.",
    )
    aws_secret_access_key: SecretStr | None = Field(
        default=None, validation_alias="aws_secret_access_key", description="The secret of AWS_ACCESS_KEY_ID."
    )
    github_token: SecretStr | None = Field(default=None, description="Reads checks at GitHub and dispatches workflows.")
    test_clock: bool = Field(default=False, description="Lets tests move time. Never set it elsewhere.")
    lease_s: float = Field(
        default=10, ge=0.2, le=600, description="Seconds until a tool whose worker is silent counts as dead."
    )
    log_level: Literal["debug", "info", "warning"] = Field(
        default="info",
        description="`debug` logs each step, `info` two lines a run, `warning` only trouble.",
    )
    sweep_s: float = Field(default=1.0, gt=0, description="Seconds between looks for work that nobody took.")
    grace_s: float = Field(
        default=12,
        ge=0,
        description="Seconds until work that a worker lost goes to another.",
    )
    people: dict[Name, PersonConfig] = {}
    groups: dict[Name, GroupTable] = {}
    oncall: dict[Name, OncallTable] = {}
    roles: RolesConfig = RolesConfig()
    policies: dict[Name, PolicyConfig] = {}
    agents: dict[Name, AgentConfig] = {}
    models: dict[ModelName, ModelConfig] = {}
    deploy: DeployConfig = DeployConfig()
    desk: DeskConfig = DeskConfig()
    alerts: AlertsConfig = AlertsConfig()
    announce: AnnounceConfig = AnnounceConfig()
    retention: RetentionConfig = RetentionConfig()
    audit: AuditConfig = AuditConfig()
    slack: SlackConfig = SlackConfig()
    limits: LimitsConfig = LimitsConfig()
    triggers: dict[TriggerName, TriggerConfig] = {}
    freeze: FreezeConfig = FreezeConfig()
    _content: bytes = b""
    _beside: Mapping[str, str] = {}

    @property
    def content(self) -> bytes:
        """What stood in the file when these settings were read from it; by now it may say something else."""
        return self._content

    @property
    def beside(self) -> Mapping[str, str]:
        """What the file says beside `RELOADED`, as JSON, by names such as `deploy.environments.production.live`."""
        return self._beside

    def of(self, content: bytes, beside: Mapping[str, str]) -> Self:
        """Return the same settings as those of a file with this `content`, which says that `beside` its tables."""
        settings = self.model_copy()
        settings._content, settings._beside = content, beside  # noqa: SLF001 - of the same class
        return settings

    @field_validator("redis_url")
    @classmethod
    def _speaks_redis(cls, url: str | None) -> str | None:
        if url is not None:
            parse_redis_url(url)
        return url

    @field_validator("anthropic_base_url", "openai_base_url", "azure_openai_endpoint")
    @classmethod
    def _is_reached_by_http(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url.strip())
            is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_one = False
        if not is_one:
            raise ValueError('an address such as "http://127.0.0.1:8080/v1"')
        return url.strip()

    @field_validator("secret_key")
    @classmethod
    def _cannot_be_guessed(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value().strip()) < _SECRET_KEY_CHARS:
            raise ValueError(
                f"{_SECRET_KEY_CHARS} characters at least, such as the output of: openssl rand -hex 32. To change a "
                f"shorter one, name it in {PREFIX}SECRET_KEY_PREVIOUS for as long as what it signed is to count"
            )
        return key

    @field_validator("audit_key")
    @classmethod
    def _seals(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value().strip()) < _SECRET_KEY_CHARS:
            raise ValueError(f"{_SECRET_KEY_CHARS} characters at least, such as the output of: openssl rand -hex 32")
        return key

    @field_validator("bind")
    @classmethod
    def _is_an_address(cls, bind: str) -> str:
        try:
            return bind if bind == "localhost" else str(ip_address(bind.strip("[]")))
        except ValueError:
            raise ValueError('an IP address to listen at, such as "127.0.0.1" or "0.0.0.0", without a port') from None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: str | None) -> str | None:
        try:
            found = [ip_network(one.strip()) for one in proxies.split(",")] if proxies else []
        except ValueError:
            found = None
        if found is None or any(network.prefixlen == 0 for network in found):
            raise ValueError(
                'addresses and networks of proxies between commas, such as "10.0.0.7, 192.168.1.0/24"; not all of them'
            )
        return proxies

    @field_validator("public_url", "url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not re.fullmatch(r"https?://[^/\s@?#]+/?", url):
            raise ValueError('an address such as "https://sayso.corp.example", without a path')
        return url.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments only: `load` hands over what it read, so nothing ambient slips in anywhere else."""
        return (init_settings,)


SECRETS = tuple(name for name, field in Settings.model_fields.items() if field.annotation == SecretStr | None)


class _Environment(EnvSettingsSource):
    """The library's reading of environment variables, of the mapping it is given instead of the process's own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        try:
            return super().decode_complex_value(field_name, field, value)
        except (ValueError, RecursionError):
            return value  # not JSON: validation says what is allowed, together with all other errors


@lru_cache(maxsize=16)
def _in_environment(variables: frozenset[tuple[str, str]]) -> Mapping[str, object]:
    """The settings that these variables give: a file that is read again comes with the same ones."""
    return _Environment(dict(variables))()


def load(data_dir: Path | None, environ: Mapping[str, str], cwd: Path = Path()) -> Settings:
    """The settings for this process, checked as a whole.

    `data_dir` is what the command line said. The file is the one SAYSO_CONFIG names, else `sayso.toml` in the data
    directory, else in `cwd`, else none; where nobody has named the file or its folder it must be trusted (`sayso
    trust`). Raises ConfigError with every problem on a line of its own.
    """
    problems: list[str] = []
    environ = {name: value for name, value in environ.items() if not _is_injected(name, value)}
    variables = _with_secret_files(environ, problems)
    file, is_named = find_file(data_dir, environ, cwd)
    in_file, content = _read(file, problems, environ, is_named=is_named) if file else ({}, b"")
    beside = dict(_said_beside(in_file))
    in_environment = _in_environment(frozenset(variables.items()))
    problems += _unknown_variables(environ)

    values = _merged(in_file, in_environment)
    if file:
        values["config"] = file
    if data_dir:
        values["data_dir"] = cwd / data_dir
    origin = Origin(file=file, variables=tuple(variables), prefix=PREFIX)
    settings, found = _checked(values, origin)
    if problems or found:
        raise ConfigError((*problems, *found))
    return settings.of(content, beside)


def _said_beside(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name not in RELOADED:
            yield from _leaves(name, value)


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    if _is_table(value) and value:
        for key, below in value.items():
            yield from _leaves(f"{name}.{key}", below)
    elif not _STARTED_BY.fullmatch(name):
        yield name, json.dumps(value, sort_keys=True, default=str)


def _checked(values: dict[str, object], origin: Origin) -> tuple[Settings, list[str]]:
    """The settings and what is wrong with them. Contradictions are looked for in whatever could be read."""
    try:
        settings, problems, broken = _build(values), list[str](), frozenset[str]()
    except ValidationError as error:
        errors = [one for one in error.errors(include_url=False) if not is_echo(one)]
        problems = [worded(one, origin, Settings, hidden=(*SECRETS, "redis_url", "secret")) for one in errors]
        broken = frozenset(str(one["loc"][0]) for one in errors)
        settings = _build({key: value for key, value in values.items() if key not in broken})
    problems += contradictions(settings, broken, origin)
    if broken.isdisjoint({"triggers", "people"}):
        found = trigger_contradictions(settings.triggers, settings.people)
        problems += [f"{origin.of(path)}: {dotted(path)}: {text}" for path, text in found]
    if broken.isdisjoint({"groups", "oncall", "people"}):
        found = [*group_contradictions(settings.groups, settings.people)]
        found += oncall_contradictions(settings.oncall, settings.people)
        problems += [f"{origin.of(path)}: {dotted(path)}: {text}" for path, text in found]
    if broken.isdisjoint({"desk", "people", "policies", "mail_address"}):
        found = desk_contradictions(settings.desk, settings.people, settings.policies, settings.mail_address)
        problems += [f"{origin.of(path)}: {dotted(path)}: {text}" for path, text in found]
    if broken.isdisjoint(MailSettings.model_fields):
        problems += [f"{origin.of((name,))}: {name}: {text}" for name, text in mail_contradictions(settings)]
    return settings, problems


def _build(values: Mapping[str, object]) -> Settings:
    return Settings.model_validate(values)


def _with_secret_files(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """`environ` with every secret that NAME_FILE points to under its NAME."""
    variables = dict(environ)
    for name in (*map(_variable, SECRETS), *_trigger_secrets(environ)):
        path = variables.pop(f"{name}_FILE", None)
        if not path:
            continue
        if environ.get(name):
            problems.append(f"{name}_FILE: {name} is set as well. Set one of the two")
            continue
        try:
            variables[name] = read_file(Path(path)).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE: found {path!r}, which can't be read ({error}); allowed: a readable file")
            continue
        if not variables[name]:
            allowed = f"a file with the secret in it. Where there is none, leave {name}_FILE out"
            problems.append(f"{name}_FILE: found {path!r}, which is empty; allowed: {allowed}")
    return variables


def _trigger_secrets(environ: Mapping[str, str]) -> set[str]:
    """The variables that hold, or could hold, the secret of a trigger: SAYSO_TRIGGERS__NAME__SECRET."""
    named = re.compile(rf"({PREFIX}TRIGGERS__\w+__SECRET)(_FILE)?", re.IGNORECASE)
    return {found[1] for name in environ if (found := named.fullmatch(name))}


def _variable(field: str) -> str:
    """The name under which the environment has a setting: those that other tools know have no prefix of ours."""
    return field.upper() if Settings.model_fields[field].validation_alias else PREFIX + field.upper()


def find_file(data_dir: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Path | None, bool]:
    """The file of the settings, and whether somebody has named it or its folder; else it was only found in `cwd`."""
    if named := environ.get(f"{PREFIX}CONFIG"):
        return cwd / named, True
    given = data_dir or environ.get(f"{PREFIX}DATA_DIR")
    places = ((cwd / (given or DEFAULT_DATA_DIR) / FILE_NAME, bool(given)), (cwd / FILE_NAME, False))
    here = handed_file(environ)
    return next((one for one in places if (str(one[0]) == here if here else one[0].exists())), (None, True))


def _check_trusted(file: Path, content: bytes, environ: Mapping[str, str]) -> None:
    """Check that a file in the current folder is trusted with this content. Raises ConfigError."""
    if not is_trusted(environ, file, content):
        problem = (
            f"{file}: was found in the current folder and is not trusted, or has changed since, so nothing of it is "
            f"used: it may name programs to run. Look at it, then run: {command('trust')} (or name it yourself, with "
            f"--data or {PREFIX}CONFIG)"
        )
        raise ConfigError([problem])


def _read(
    file: Path, problems: list[str], environ: Mapping[str, str], *, is_named: bool
) -> tuple[dict[str, object], bytes]:
    """Return the values of the file, and what stands in it; a value that must not be there is a problem and left out.

    Where it was only found it must be trusted by whoever's `environ` is; what was handed on was. Raises ConfigError.
    """
    try:
        is_handed = str(file) == handed_file(environ)
        content = handed_content(environ) if is_handed else read_file(file)
        if not is_named and not is_handed:
            _check_trusted(file, content, environ)
        values = values_in(content)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{file}: not valid TOML: {error}")
        return {}, b""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        problems.append(f"{file}: can't be read: {why}. Fix it, or let {PREFIX}CONFIG name another file")
        return {}, b""
    except RecursionError:
        problems.append(f"{file}: is nested too deeply")
        return {}, b""
    except ValueError as error:  # a number of thousands of digits
        problems.append(f"{file}: holds what can't be used: {error}")
        return {}, b""
    for secret in SECRETS:
        if values.pop(secret, None) is not None:
            name = _variable(secret)
            problems.append(
                f"{file}: {secret}: a secret must not stand in this file. Set {name} or {name}_FILE instead"
            )
    tables = values.get("triggers")
    for trigger, table in tables.items() if _is_table(tables) else ():
        if _is_table(table) and table.pop("secret", None) is not None:
            name = f"{PREFIX}TRIGGERS__{trigger.upper()}__SECRET"
            where = f"triggers.{trigger}.secret"
            problems.append(f"{file}: {where}: a secret must not stand in this file. Set {name} or {name}_FILE instead")
    if values.pop("url", None) is not None:
        problems.append(f"{file}: url: only the environment ({PREFIX}URL) can say where {PREFIX}API_KEY is sent")
    if values.pop("config", None) is not None:
        problems.append(f"{file}: config: only the environment ({PREFIX}CONFIG) can name the file")
    return values, content


def values_in(content: bytes) -> dict[str, object]:
    """The values of a TOML file, each of which can be printed. Raises RecursionError, and ValueError of some kind."""
    values: dict[str, object] = tomllib.loads(content.decode())
    layer: list[object] = [values]
    for _ in range(_MOST_LEVELS):
        layer = [below for table in layer for below in _below(table)]
    if layer:
        raise RecursionError
    json.dumps(values, default=str)  # 0xff… may have more digits than can be printed, in an error's text as well
    return values


def _below(value: object) -> Collection[object]:
    return value.values() if _is_table(value) else cast("list[object]", value) if isinstance(value, list) else ()


def _is_injected(name: str, value: str) -> bool:
    """Return whether Kubernetes injected the variable to name a service; any other such name is a mistake."""
    return any(re.fullmatch(names, name) and re.fullmatch(values, value) for names, values in _INJECTED.items())


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    fields = Settings.model_fields
    tables = [name for name in fields if not isinstance(fields[name].default, (str, int, float, Path, type(None)))]
    known = [_variable(name) for name in fields] + [f"{_variable(name)}_FILE" for name in SECRETS]
    return [
        unknown(name, None, name, known)
        for name in sorted(environ)
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(tuple(f"{_variable(table)}__" for table in tables))
    ]


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Both, table by table; where both have a value, that of `above`."""
    merged = dict(below)
    for key, value in above.items():
        other = merged.get(key)
        merged[key] = _merged(other, value) if _is_table(other) and _is_table(value) else value
    return merged
