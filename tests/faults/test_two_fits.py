"""Two fits at once, as two programs: one of them says so, and neither harms the other or the active model."""

from __future__ import annotations

import subprocess
import sys

from tests.dbt_folder import succeeded
from tests.small_shop import DATABASE, Shop
from warehouse_seg.registry.store import Registry
from warehouse_seg.registry.tables import TABLES
from warehouse_seg.warehouse.connection import connect


def test_two_fits_at_once(scored_shop: Shop) -> None:
    # A refit is another model than what a search gives; that of version 1 again would not be stored.
    succeeded(scored_shop.warehouse_seg("fit"))
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", "warehouse_seg", "fit", "--reselect"],
            cwd=scored_shop.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    printed = [program.communicate() for program in programs]
    codes = [program.returncode for program in programs]

    assert 0 in codes, printed
    for code, (out, err) in zip(codes, printed, strict=True):
        if code == 0:
            assert " is active" in out
        else:
            assert code == 2, err
            assert "another fit or activation made version 3 active (it was 2)" in err
            assert "`warehouse-seg activate 4`" in err
    with connect(scored_shop.folder / DATABASE, read_only=True) as warehouse:
        registry = Registry(warehouse, {name: name for name in TABLES}, "main")
        # Where both end well, the later one has seen what the other had stored, and stores nothing.
        versions = [3, 2, 1] if codes == [0, 0] else [4, 3, 2, 1]
        assert [row["model_version"] for row in registry.models()] == versions
        searched = {registry.read(version).fingerprint for version in versions if version != 2}
        assert len(searched) == 1, "all searches are of the same customers"
        assert registry.active_version() == 3
