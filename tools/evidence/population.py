"""Is the sample enough, and what a fit to all customers adds: `python -m tools.evidence.population`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pandas as pd

from tools.evidence.shops import Shop, built, places
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.parameters import parameters_of
from warehouse_seg.mixture.population_em import Population, fit_to_population
from warehouse_seg.model.segment_model import KEYS
from warehouse_seg.settings import Segments
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

SHAPE = 4
ALL_CUSTOMERS = 10_000_000
QUERY = "select * from customers"
COLUMNS = (
    "shop",
    "sample",
    "customers",
    "log density of the sample",
    "of all",
    "objective of all: the sample's model",
    "after the fit to all",
    "iterations",
)


def row(shop: Shop, read: int) -> tuple[object, ...]:
    """One line: a model of the first `read` customers in md5 order, the sample, and then of all."""
    columns = shop.sample.columns
    sample = replace(shop.sample, columns={name: values[:read] for name, values in columns.items()})
    settings = shop.settings.model_copy(
        update={
            "segments": Segments(min=SHAPE, max=SHAPE),
            "covariance": ("full",),
            "min_segment_share": 0.0,
        }
    )
    model = fit_model(sample, shop.choices, settings)
    with duckdb.connect() as connection:
        connection.register("customers", pd.DataFrame(columns).assign(**dict.fromkeys(KEYS, 1)))
        warehouse = Warehouse(DuckDB(connection))
        patterns = missing_patterns(warehouse, model.features, QUERY, settings.missing_patterns)
        population = Population(warehouse, model, QUERY, patterns)
        before = population.em_step(parameters_of(model))[1] / population.customers
        refined = fit_to_population(population)
        assert refined.objective >= before
        return (
            shop.name,
            f"{sample.rows:,}",
            f"{population.customers:,.0f}",
            f"{model.training.sample_log_density:.4f}",
            f"{population.log_density(model):.4f}",
            f"{before:.5f}",
            f"{refined.objective:.5f}",
            refined.iterations,
        )


def rows() -> Iterator[tuple[object, ...]]:
    """Every shop with its default sample, and with a small one."""
    for title, build in places():
        tell(f"  {title}")
        shop = built(title, build, sample_size=ALL_CUSTOMERS)
        count = shop.sample.rows
        for read in sorted({min(20_000, count), min(2_000, count)}):
            yield row(shop, read)


def main() -> None:
    """Print the section."""
    show(heading("The sample and all customers", "Seed 1."))
    show(
        f"{SHAPE} segments with full covariances, in nats per customer. The objective is of values known up to their "
        "rounding.\n"
    )
    show(table(COLUMNS, rows()))


if __name__ == "__main__":
    main()
