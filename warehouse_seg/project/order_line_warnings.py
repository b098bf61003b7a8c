"""What the order lines' judge, seg_order_line_checks, found odd in the last build; what cannot be has stopped it."""

from __future__ import annotations

from warehouse_seg.project.context import Session
from warehouse_seg.warehouse.connection import Warehouse

MODEL = "seg_order_line_checks"


def order_line_warnings(warehouse: Warehouse, session: Session) -> list[str]:
    """One sentence for each odd thing, in the order of the checks' names.

    None where the judge is switched off (`full_scan_tests: false`, or features of one's own) or was never built.
    """
    if not session.manifest.has_model(MODEL):
        return []
    relation = session.manifest.relation(MODEL)
    if not warehouse.has_relation(relation):
        return []
    query = (
        f"select message from {relation} where severity = 'warn' order by check_name asc nulls last"
    )
    return [row["message"] for row in warehouse.rows(query)]
