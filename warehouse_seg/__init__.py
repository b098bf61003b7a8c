"""Customer segments that are probabilities, computed where the data lives."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warehouse_seg.api import fit as fit
    from warehouse_seg.model.segment_model import SegmentModel as SegmentModel
    from warehouse_seg.warehouse.connection import connect as connect

__all__ = ["SegmentModel", "connect", "fit"]

_HOMES = {
    "SegmentModel": "model.segment_model",
    "connect": "warehouse.connection",
    "fit": "api",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: `import warehouse_seg` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'warehouse_seg' has no attribute {name!r}")
    return getattr(import_module(f"warehouse_seg.{_HOMES[name]}"), name)
