"""The checks of order lines that docs/reference/order_lines.md lists are those that there are."""

from __future__ import annotations

import re
from pathlib import Path

from warehouse_seg.resources import dbt_package_path

ROOT = Path(__file__).resolve().parents[3]
MACRO = dbt_package_path() / "macros" / "features" / "seg_order_line_findings.sql"


def test_every_check_is_described_with_its_severity() -> None:
    made = re.findall(r"name='(\w+)', severity='?(\w+)'?", MACRO.read_text("utf-8"))
    page = (ROOT / "docs" / "reference" / "order_lines.md").read_text("utf-8")
    described = re.findall(r"^\| `(\w+)` \| (\w+)", page, re.MULTILINE)
    severities = {"error": "error", "warn": "warning", "rounding": "error"}
    assert len(made) == 17
    assert {(name, severities[severity]) for name, severity in made} == set(described)
