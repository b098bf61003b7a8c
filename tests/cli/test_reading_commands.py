"""Commands that only read ask dbt to parse once, and again where anything has changed; never another dbt's manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process_runner import Finished
from tests.small_shop import CREDENTIALS, Shop, Stages

PARSED = "project parsed by dbt"
OTHER = CREDENTIALS | {"schema": "{{ env_var('SHOP_SCHEMA', 'other') }}"}


@pytest.fixture(scope="module")
def shop(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A scored shop whose profile has another target too, with a schema of the environment; one answer is kept."""
    shop = stages.scored().copy(tmp_path_factory.mktemp("reading") / "shop")
    profiles = {"small_shop": {"target": "dev", "outputs": {"dev": CREDENTIALS, "prod": OTHER}}}
    (shop.folder / "profiles.yml").write_text(json.dumps(profiles))
    assert PARSED in models(shop).err
    return shop


def models(shop: Shop, *arguments: str) -> Finished:
    return shop.warehouse_seg("models", *arguments)


def test_dbt_is_asked_to_parse_once(shop: Shop) -> None:
    for command in ("models", "profile", "compile"):
        done = shop.warehouse_seg(command)
        assert done.exit_code == 0, done.stderr
        assert "project and profile read by dbt (" in done.err
        assert PARSED not in done.err


def test_another_target_parsed_by_somebody_else_is_not_believed(shop: Shop) -> None:
    assert shop.dbt("parse", "--target", "prod").exit_code == 0
    manifest = (shop.folder / "target" / "manifest.json").read_text()
    assert '"schema": "other"' in manifest, "dbt's own folder is of the other target"
    done = models(shop)
    assert done.exit_code == 0, done.stderr
    assert PARSED not in done.err
    assert "no model is stored yet" not in done.out


def test_another_target_is_asked_for(shop: Shop) -> None:
    done = models(shop, "--target", "prod")
    assert PARSED in done.err
    assert "no model is stored yet" in done.out


def test_the_environment_of_a_profile_decides(shop: Shop) -> None:
    assert "no model is stored yet" in models(shop, "--target", "prod").out
    done = subprocess.run(
        [sys.executable, "-m", "warehouse_seg", "models", "--target", "prod"],
        cwd=shop.folder,
        env={**os.environ, "SHOP_SCHEMA": "main"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert PARSED in done.stderr
    assert "no model is stored yet" not in done.stdout


def test_variables_of_the_command_line_decide(shop: Shop) -> None:
    done = models(shop, "--vars", "{registry_schema: elsewhere}")
    assert PARSED in done.err
    assert "no model is stored yet" in done.out


def test_an_edited_file_decides(shop: Shop, tmp_path: Path) -> None:
    own = shop.copy(tmp_path / "shop")
    assert PARSED in models(own).err, "another folder is another project"
    own.set_variable("registry_schema", value="elsewhere")
    done = models(own)
    assert PARSED in done.err
    assert "no model is stored yet" in done.out
