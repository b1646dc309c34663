"""The steps that an agent may choose, and where the choice came from."""

import operator
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from agents.forms import FormField, form_of
from agents.requests import Frozen
from language.stored import Stored

RULES = "rules"
"""In place of a model: the agent has no prompt, and is its own plain rules alone."""
FIXED_RULES = "fixed rules"
"""In place of a model that gave no step."""
Effort = Literal["low", "medium", "high", "xhigh", "max"]
"""How much a model thinks: https://platform.claude.com/docs/en/build-with-claude/effort"""


_Model = type[BaseModel]
# A model names fields, and no more: what a strict schema may hold has no room for all that can be said of one
# (https://platform.claude.com/docs/en/build-with-claude/structured-outputs).
_BY_NAME = WithJsonSchema({"type": "array", "items": {"type": "string"}}, mode="validation")


class CallTool(Frozen):
    """Execute a tool; whether people must approve it first is not the model's to say."""

    type: Literal["call_tool"] = "call_tool"
    tool: str
    arguments: dict[str, JsonValue]


class RequestHumanInput(Frozen):
    """Ask the requester; `options` belong to a choice, `fields` to a form."""

    type: Literal["request_human_input"] = "request_human_input"
    question: str
    format: Literal["free_text", "yes_no", "choice", "choices", "form"] = "free_text"
    options: tuple[str, ...] = ()
    fields: Annotated[tuple[FormField, ...], _BY_NAME] = ()
    to: tuple[str, ...] = Field(
        default=(), max_length=20, description="whom to ask instead of the requester; any one of them may answer"
    )

    @classmethod
    def form(cls, question: str, model: _Model, to: tuple[str, ...] = ()) -> "RequestHumanInput":
        """Ask for what `model` holds; `Result.filled(model)` is the answer, and none is counted that does not fit.

        Raises ValueError, which says what is possible, where a field of it can't be asked (`agents.forms.form_of`).
        """
        return cls(question=question, format="form", fields=form_of(model), to=to)


class Done(Frozen):
    """Nothing more to do; `summary` is told to the requester. Plain rules that word it name what it `says_live`, by
    environment: nobody tells them that once more. A model is not asked for it, and not believed.
    """

    type: Literal["done"] = "done"
    outcome: Literal["done", "failed"] = "done"
    summary: str
    says_live: SkipJsonSchema[dict[str, str]] = Field(default={}, exclude_if=operator.not_)


Step = Annotated[CallTool | RequestHumanInput | Done, Field(discriminator="type")]


class Form(Frozen):
    """How a model is asked for a step, as far as models differ in what they can.

    `strict`: its server holds it to the schemas. `tool_choice`: it may also answer in prose, or must call any tool.
    `step_as`: a call of a tool, or JSON output by a schema, where it knows no tools. `temperature` None: its own.
    """

    strict: bool
    tool_choice: Literal["auto", "any"] = "auto"
    step_as: Literal["tool", "json"] = "tool"
    temperature: float | None = None


class ModelCall(Stored, Frozen):
    """The origin of a step: a model, or the agent's own rules (`rehearsal`: there is no model).

    `prompt` names the version (`deploy@3`); the hashes are hex SHA-256 of its file, of the tools as they were offered,
    and of the whole request. `cost_usd` is None when the price is not known, `confidence` (0 to 1) is the model's own
    word, None when it gave none. `max_output_tokens` (0: 8,192) and `effort` ("": none was named) are what was sent.
    `cache_read_tokens` and `cache_write_tokens` are among the `input_tokens`, and have prices of their own. `form` is
    how the model was asked, None as its maker's models usually are; `asked` is the name by which it was, where it calls
    itself by another one in `model`.
    """

    model: str
    rehearsal: bool
    prompt: str = ""
    prompt_hash: str = ""
    input_hash: str = ""
    request_id: str = ""
    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    latency_s: float = 0.0
    tools_hash: str = ""
    cost_usd: float | None = None
    confidence: float | None = None
    context_tokens: int = 0
    max_output_tokens: int = 0
    effort: Effort | Literal[""] = ""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    form: Form | None = None
    asked: str = ""


def asked_name(call: ModelCall) -> str:
    """Return the name of the model that was asked, as settings have it."""
    return call.asked or call.model


def is_by_model(call: ModelCall) -> bool:
    """Return whether a model chose, whose words are its own, and no rules."""
    return not call.rehearsal and call.model not in {RULES, FIXED_RULES}
