"""Files of groups: CSV and SCIM, read whole or refused with the line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.directory.group_files import GroupFileError, read_group_file


def kept(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def scim(name: str, *members: dict[str, str]) -> dict[str, object]:
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": [*members]}


def test_a_csv_has_a_line_for_each_member_of_each_group(tmp_path: Path) -> None:
    text = '\ufeffname,Email,Group\r\n"Cole, Cy",CY@corp.example,finance\r\nBo,bo@corp.example,release\r\n\r\n'
    file = kept(tmp_path, "people.csv", text + "Dee, dee@corp.example ,finance\r\nCy,cy@corp.example,finance\r\n")

    assert read_group_file(file, "finance") == ("cy@corp.example", "dee@corp.example")
    assert read_group_file(file, "release") == ("bo@corp.example",)
    assert read_group_file(file, "Finance") == ()


@pytest.mark.parametrize("shape", ["one", "list", "response"])
def test_scim_groups_are_read_by_their_display_name(tmp_path: Path, shape: str) -> None:
    by_value = {"value": "cy@corp.example", "display": "Cy Cole"}
    by_display = {"value": "26118915", "display": "dee@corp.example"}
    finance = scim("finance", by_value, by_display)
    other = scim("release", {"value": "bo@corp.example"})
    content = {"one": finance, "list": [other, finance], "response": {"Resources": [other, finance]}}[shape]

    found = read_group_file(kept(tmp_path, "groups.json", json.dumps(content)), "finance")

    assert found == ("cy@corp.example", "dee@corp.example")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "mail,group\nx@y.example,finance\n", "line 1: found 'mail,group'; allowed: columns email and group"),
        ("a.csv", "email,group\nx@y.example\n", "line 2: found 1 columns; allowed: 2, as in line 1"),
        ("a.csv", "email,group\nx@y.example,finance\nCy Cole,finance\n", "line 3: found 'Cy Cole'; allowed: a mail"),
        ("a.csv", 'email,group\n"x@y.example,finance\n', "line 2: is no CSV"),
        ("a.csv", "", "line 1: found ''"),
        ("a.csv", b"email,group\n\xff,finance\n", "line 2: is not UTF-8"),
        ("a.csv", "email,group\n" + "x" * 2_000_000, "has more than 2,000,000 bytes"),
        ("a.json", '{\n"displayName": }', "line 2: is no JSON"),
        ("a.json", "[" * 100_000, "is nested too deeply"),
        ("a.json", '{"displayName": "finance", "version": ' + "1" * 5000 + "}", "holds what can't be used: Exceeds"),
        ("a.json", '{"displayName": "\\ud800"}', "holds what can't be used: 'utf-8' codec can't encode"),
        ("a.json", '{"displayName": "release"}', "no group is called 'finance'; there are: release"),
        ("a.json", "[3]", "[0]: allowed: a SCIM group"),
        ("a.json", '[{"members": []}]', "[0].displayName: is missing"),
        ("a.json", '{"displayName": "finance", "members": {}}', "members: allowed: a list"),
        ("a.json", '{"displayName": "finance", "members": [{"value": "26118915"}]}', "members[0]: found '26118915'"),
        ("a.json", '{"displayName": "finance", "members": [3]}', "members[0]: found '3'"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(GroupFileError) as caught:
        read_group_file(kept(tmp_path, name, content), "finance")

    assert str(caught.value).startswith(f"{name}: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GroupFileError, match=r"people.csv: can't be read: No such file"):
        read_group_file(tmp_path / "people.csv", "finance")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("groups")


@given(content=st.binary(max_size=400) | st.text(alphabet='{}[]",:\n\r emailgroup@.', max_size=200).map(str.encode))
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_whatever_a_file_holds_it_is_read_or_refused(folder: Path, name: str, content: bytes) -> None:
    try:
        found = read_group_file(kept(folder, name, content), "finance")
    except GroupFileError:
        return
    assert all("@" in address for address in found)
