"""Every named fault can be seated in the tree as it is."""

from dataclasses import replace

from bench.faults import AREAS, faults, wrong


def test_every_named_fault_can_be_seated() -> None:
    assert [f"{fault.area}: {fault.name}: {why}" for fault, why in wrong(faults())] == []


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
