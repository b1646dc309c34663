"""Every named fault can be seated in the tree as it is."""

from dataclasses import replace

from bench.faults import AREAS, TOP, faults, wrong
from bot.store.client import PRELUDE, Client

SCRIPTS = TOP / "bot" / "store" / "lua"


def test_every_named_fault_can_be_seated() -> None:
    assert [f"{fault.area}: {fault.name}: {why}" for fault, why in wrong(faults())] == []


async def test_every_script_with_a_fault_is_one_that_a_server_takes(redis: str) -> None:
    client, seated = Client(redis), 0

    for fault in faults():
        if fault.file.suffix == ".lua":
            parts = {name: (SCRIPTS / name).read_text() for name in (*PRELUDE, fault.file.name)}
            parts[fault.file.name] = fault.seated_in(parts[fault.file.name])
            await client.do("SCRIPT", "LOAD", "\n".join(parts.values()))
            seated += 1

    await client.close()
    assert seated > 50


def test_there_are_faults_of_every_area() -> None:
    assert {fault.area for fault in faults()} == {table.stem for table in AREAS.glob("*.toml")}


def test_a_fault_whose_rule_has_moved_is_named() -> None:
    fault = next(faults(["policy"]))

    gone = replace(fault, name="gone", old="this stands nowhere")
    broken = replace(fault, name="broken", new="return (")
    elsewhere = replace(fault, name="elsewhere", file=fault.file / "nowhere.py")

    assert [one.name for one, _ in wrong([fault, gone, broken, elsewhere, fault])] == [
        "gone", "broken", "elsewhere", fault.name,
    ]  # fmt: skip
