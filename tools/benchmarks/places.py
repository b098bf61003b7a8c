"""Where one run of a benchmark works: a folder with a DuckDB file and the model that was fitted on its customers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from tools.benchmarks.measuring import Connection, run
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.warehouse.connection import Warehouse, connect


@dataclass(frozen=True)
class Place:
    """The folder of one run."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "shop.duckdb"

    @property
    def _model_file(self) -> Path:
        return self.folder / "model.json"

    @cached_property
    def model(self) -> SegmentModel:
        return SegmentModel.from_json(self._model_file.read_text(encoding="utf-8"))

    def store(self, model: SegmentModel) -> None:
        """Keep the model for the processes that measure."""
        self._model_file.write_text(model.to_json(), encoding="utf-8")

    def connection(self, memory_limit: str | None = None) -> Connection:
        """A connection of DuckDB's own, perhaps with a limit to its memory."""
        connection = duckdb.connect(self.database)
        for statement in self._limits(memory_limit):
            run(connection, statement)
        return connection

    def warehouse(self, memory_limit: str | None = None) -> Warehouse:
        """A connection of the package's, which closes at the end of its `with`."""
        warehouse = connect(self.database)
        for statement in self._limits(memory_limit):
            warehouse.execute(statement)
        return warehouse

    def _limits(self, memory_limit: str | None) -> list[str]:
        # What does not fit into the limit must not end up in another user's folder.
        spill = [f"set temp_directory = '{self.folder / 'spilled'}'"]
        return [*spill, f"set memory_limit = '{memory_limit}'"] if memory_limit else spill
