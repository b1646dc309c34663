"""How a run begins: a person asked, a trigger fired, or somebody wrote to the desk. Pure data."""

from typing import Annotated, Any, Literal, cast

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.requests.frozen import Frozen
from language.stored import Stored


class Outsider(Frozen):
    """A person who set a trigger off and is nobody in the directory. `login` is what GitHub calls them, and data."""

    login: str
    did: Literal["pushed", "caused"]


class FromPerson(Frozen):
    """Somebody asked, or a program for them, or took in a story from a file, or broke a glass.

    `logins` are as in `FromTrigger`, and `address` as in `FromDesk`, where that file says that a trigger or the desk
    began it, or one began what is reviewed. `address` may be of a chat as well, where nobody had it by which a message
    was written that is quoted. Whoever has them decides nothing of it.
    """

    type: Literal["person"] = "person"
    logins: tuple[str, ...] = ()
    address: str = ""


class FromTrigger(Frozen):
    """The timer or webhook `name` fired. `outsider` set it off, where we know no person by that name.

    `logins` are all that GitHub names: whose they are, the file may say otherwise later.
    """

    type: Literal["trigger"] = "trigger"
    name: str = Field(min_length=1)
    outsider: Outsider | None = None
    logins: tuple[str, ...] = ()


class FromDesk(Frozen):
    """Somebody wrote to the desk from `address`. No program can set it."""

    type: Literal["desk"] = "desk"
    address: str = Field(min_length=1)


Origin = Annotated[FromPerson | FromTrigger | FromDesk, Field(discriminator="type")]
"""The ways a run begins."""


def as_of_person(origin: Origin) -> FromPerson:
    """Return that somebody begins it anew, and who set it off before."""
    match origin:
        case FromDesk(address=address):
            return FromPerson(address=address)
        case FromTrigger(logins=logins):
            return FromPerson(logins=logins)
        case FromPerson():
            return origin


class _Stored(Frozen):
    trigger: str = Field(default="", description="The timer or webhook that the run began with.")
    outsider: Outsider | None = Field(default=None, description="Who set that off, where nobody we know has that name.")
    desk: str = Field(default="", description="The address of whoever wrote to the desk, where the run began so.")
    logins: tuple[str, ...] = Field(default=(), description="The logins at GitHub that set the trigger off.")
    address: str = Field(default="", description="Who wrote to the desk, or what is quoted, before a person began it.")


class Began(Stored, Frozen):
    """A fact with an `origin`: in JSON `trigger`, `outsider`, `desk`, and `logins` and `address` if there are any."""

    @model_validator(mode="before")
    @classmethod
    def _of_stored(cls, told: Any) -> Any:
        if not isinstance(told, dict) or "origin" in told:
            return cast("Any", told)
        rest = cast("dict[str, Any]", told).copy()
        flat = [rest.pop(name, field.default) for name, field in _Stored.model_fields.items()]
        match flat:
            case ["", None, "", () | [], ""]:
                return rest
            case ["", None, "", logins, address]:
                return rest | {"origin": {"type": "person", "logins": logins, "address": address}}
            case ["", None, address, () | [], ""]:
                return rest | {"origin": {"type": "desk", "address": address}}
            case [name, outsider, "", logins, ""]:
                return rest | {"origin": {"type": "trigger", "name": name, "outsider": outsider, "logins": logins}}
            case _:
                raise ValueError("either a trigger began it, or a mail to the desk")

    @model_serializer(mode="wrap")
    def _stored(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told = dict[str, Any]()
        for name, value in write(self).items():
            if name != "origin":
                told[name] = value
            else:
                outsider, address = value.get("outsider"), value.get("address", "")
                is_desk = value["type"] == "desk"
                told |= {"trigger": value.get("name", ""), "outsider": outsider, "desk": address if is_desk else ""}
                told |= {"logins": logins} if (logins := value.get("logins")) else {}
                told |= {"address": address} if address and not is_desk else {}
        return told

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = {name: value for name, value in core_schema.items() if name != "serialization"}
        schema = handler.resolve_ref_schema(handler(cast("CoreSchema", whole)))
        stored = handler.resolve_ref_schema(handler(_Stored.__pydantic_core_schema__))["properties"]
        shown = dict[str, Any]()
        for name, value in schema["properties"].items():
            shown |= stored if name == "origin" else {name: value}
        return schema | {"properties": shown}
