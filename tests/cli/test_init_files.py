"""`init` among files as they are on real disks: other encodings, line ends, modes, links, and things in its way."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse_seg.commands.init import init
from warehouse_seg.dbt.package_copy import VENDORED
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError

CHOSEN = {"transactions": "lines", "customer_id_type": "bigint"}
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def put_a_file_at_the_copy(folder: Path) -> None:
    (folder / "vendor").mkdir()
    (folder / VENDORED).touch()


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "Latin-1": (
        lambda folder: (folder / "dbt_project.yml").write_bytes(PROJECT.encode() + b"# caf\xe9\n"),
        "line 4: found bytes that are not UTF-8",
    ),
    "UTF-16, as an editor of Windows saves": (
        lambda folder: (folder / "dbt_project.yml").write_bytes(PROJECT.encode("utf-16")),
        "not UTF-8",
    ),
    "Latin-1 in packages.yml": (
        lambda folder: (folder / "packages.yml").write_bytes(b"packages: []  # \xfc\n"),
        "packages.yml, line 1",
    ),
    "vendor is a file": (
        lambda folder: (folder / "vendor").touch(),
        "needed a folder of that name",
    ),
    "vendor/warehouse_seg is a file": (
        put_a_file_at_the_copy,
        "needed a folder of that name",
    ),
    "a key that stands twice": (
        lambda folder: (folder / "dbt_project.yml").write_text(PROJECT + "name: store\n"),
        "the key name stands there a second time",
    ),
    "a list where a dictionary belongs": (
        lambda folder: (folder / "dbt_project.yml").write_text("- name: shop\n"),
        "needed a dictionary, found list",
    ),
    "packages is a text": (
        lambda folder: (folder / "packages.yml").write_text("packages: none\n"),
        "packages",
    ),
}


@pytest.mark.parametrize(("put", "words"), REFUSED.values(), ids=REFUSED)
def test_what_it_cannot_add_to_is_named_and_nothing_is_written(
    folder: Path, put: Callable[[Path], object], words: str
) -> None:
    put(folder)
    before = files(folder)
    with pytest.raises(UsageError, match=words):
        init(DbtProject(project_dir=folder), CHOSEN)
    assert files(folder) == before


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_keeps_its_mode(folder: Path, mode: int) -> None:
    definition = folder / "dbt_project.yml"
    definition.chmod(mode)
    init(DbtProject(project_dir=folder), CHOSEN)
    assert "warehouse_seg" in definition.read_text()
    assert stat.S_IMODE(definition.stat().st_mode) == mode


def test_a_link_stays_a_link_to_the_file_that_is_changed(folder: Path, tmp_path: Path) -> None:
    definition, real = folder / "dbt_project.yml", tmp_path / "shared.yml"
    definition.rename(real)
    definition.symlink_to(real)
    init(DbtProject(project_dir=folder), CHOSEN)
    assert definition.is_symlink()
    assert "warehouse_seg" in real.read_text()


@pytest.mark.parametrize(
    "before",
    [
        PROJECT.replace("\n", "\r\n").encode(),
        PROJECT.rstrip("\n").encode(),
        b"\xef\xbb\xbf" + PROJECT.encode(),
    ],
    ids=["ends of lines of Windows", "no end of the last line", "a byte order mark"],
)
def test_every_byte_that_was_there_is_there_still(folder: Path, before: bytes) -> None:
    definition = folder / "dbt_project.yml"
    definition.write_bytes(before)
    init(DbtProject(project_dir=folder), CHOSEN)
    after = definition.read_bytes()
    assert after.startswith(before)
    assert b"warehouse_seg" in after
    if b"\r\n" in before:
        assert after.count(b"\n") == after.count(b"\r\n")


def test_a_file_of_ones_own_in_the_copy_does_not_go_unnamed(folder: Path) -> None:
    init(DbtProject(project_dir=folder), CHOSEN)
    own = folder / VENDORED / "macros" / "mine.sql"
    own.write_text("-- mine")
    (change,) = init(DbtProject(project_dir=folder), CHOSEN)
    assert "macros/mine.sql" in change.difference
