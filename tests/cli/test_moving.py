"""`export` and `import` as programs, and a registry of a newer release in Python and in dbt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_shop import Shop, environment_of
from warehouse_seg.commands.export import export
from warehouse_seg.commands.import_model import import_model
from warehouse_seg.commands.models import models
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Event
from warehouse_seg.registry.tables import TABLES


@pytest.fixture(autouse=True)
def known_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DbtProject, "environment", property(environment_of))


@pytest.fixture
def exported_file(scored_shop: Shop, tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_text(export(scored_shop.project, 1), "utf-8")
    return path


def test_a_model_moves_into_an_empty_registry_once(scored_shop: Shop, exported_file: Path) -> None:
    before = models(scored_shop.project).models[0]
    for table in TABLES:
        scored_shop.execute(f"drop table if exists {table}")

    stored = import_model(scored_shop.project, exported_file)
    again = import_model(scored_shop.project, exported_file, activate=True, reason="moved")
    third = import_model(scored_shop.project, exported_file)

    assert (stored.version, stored.was_stored, stored.is_active) == (1, False, False)
    assert (again.version, again.was_stored, again.is_active) == (1, True, True)
    assert (third.version, third.was_stored, third.is_active) == (1, True, True)
    listed = models(scored_shop.project)
    assert [row["fingerprint"] for row in listed.models] == [before["fingerprint"]]
    assert [(row["action"], row["reason"]) for row in listed.activations] == [("import", "moved")]


def test_a_target_without_a_column_of_the_model_refuses_it(
    scored_shop: Shop, exported_file: Path
) -> None:
    for table in TABLES:
        scored_shop.execute(f"drop table if exists {table}")
    scored_shop.execute("alter table seg_customer_rfm rename column recency_days to elsewhere")
    with pytest.raises(UsageError) as caught:
        import_model(scored_shop.project, exported_file)
    assert "recency_days" in str(caught.value)
    assert not models(scored_shop.project).models


def test_features_that_are_not_built_are_a_warning(scored_shop: Shop, exported_file: Path) -> None:
    for table in (*TABLES, "seg_customer_rfm"):
        scored_shop.execute(f"drop table if exists {table}")
    events: list[Event] = []
    assert import_model(scored_shop.project, exported_file, emit=events.append).version == 1
    assert [event.level for event in events] == ["warning"]
    assert "nobody could check" in events[0].text


def test_a_newer_registry_is_refused_by_the_program_and_by_dbt(scored_shop: Shop) -> None:
    scored_shop.execute("insert into seg_registry_schema values (99, now()::timestamp, '9.0.0')")
    with pytest.raises(UsageError, match=r"schema version 99.*pip install -U warehouse-seg"):
        models(scored_shop.project)
    for model in ("seg_customer_scores", "seg_segments"):
        built = scored_shop.dbt("build", "--select", model)
        assert built.exit_code != 0
        assert "schema version 99" in built.stderr
