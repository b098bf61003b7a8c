"""History of real shops, month by month, under a frozen model: `make evidence-history`, some ten minutes.

Each shop is fitted as its project in tests/real_data asks for, then filled in by `warehouse-seg backfill`. Printed:
whether flows add up to each date's customers, how long customers stay, where they go, and whether the date of the next
segment is the first on which a customer who buys nothing is scored otherwise, day by day.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.process_runner import dbt, warehouse_seg
from tests.real_data.project import Project, complete_journey_folder, data_folder, installed
from tools.evidence.tables import heading, show, table, tell
from warehouse_seg.commands.models import stored_model
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.demo import write_shop
from warehouse_seg.features.missing_patterns import missing_patterns
from warehouse_seg.sql.rendering import render
from warehouse_seg.warehouse.connection import Warehouse

MONITORING = {"rooms": {"monitoring": True}}
CUSTOMERS, DAYS = 2000, 200
TIERS = {"dominant": 0.8, "hybrid": 0.3}

INTRODUCTION = """# History

Made by `make evidence-history`: nothing here was typed. What the words mean stands in
[history.md](../guides/history.md).
"""

SUMS = (
    "shop",
    "dates",
    "from, to",
    "sums compared",
    "customers apart",
    "expected customers apart",
    "stay in their segment a month",
)
LARGEST = ("shop", "from", "to", "customers", "expected", "share of the segment left")
RIGHT = ("shop", "customers", "segments change", "right", "tiers change", "right")

RECONCILED = """
with sizes as (
    select as_of_date, segment_key, count(*) as customers from {schema}.seg_segment_history group by all
),
flows as (
    select as_of_date, segment_key, sum(customers) as customers, sum(expected_customers) as expected_customers
    from {schema}.seg_segment_transitions where segment_key is not null group by all
    union all
    select previous_as_of_date, previous_segment_key, sum(customers), sum(expected_customers)
    from {schema}.seg_segment_transitions where previous_segment_key is not null group by all
),
memberships as (
    unpivot (
        select as_of_date, {sums} from {schema}.seg_membership_history where basis = 'known' group by as_of_date
    ) on columns(* exclude (as_of_date)) into name segment_key value expected_customers
)
select
    max(abs(flows.customers - coalesce(sizes.customers, 0))) as customers,
    max(abs(flows.expected_customers - memberships.expected_customers)) as expected_customers,
    count(*) as sides
from flows
left join sizes using (as_of_date, segment_key)
left join memberships using (as_of_date, segment_key)
"""

FLOWS = """
with flows as (
    select
        previous_segment_name,
        segment_name,
        sum(customers) as customers,
        sum(expected_customers) as expected_customers
    from {schema}.seg_segment_transitions
    where previous_segment_key is not null and segment_key is not null
    group by previous_segment_name, segment_name
)
select *, expected_customers / sum(expected_customers) over (partition by previous_segment_name) as share
from flows
qualify previous_segment_name <> segment_name
order by expected_customers desc
limit 3
"""


@dataclass(frozen=True)
class Filled:
    """A shop with its history."""

    title: str
    project: DbtProject
    database: Path
    schema: str


def shops(folder: Path) -> Iterator[Filled]:
    """Every shop, one after the other."""
    yield demo(folder)
    data = data_folder()
    for title, name, files in (
        ("CDNOW", "cdnow", data / "cdnow"),
        ("Online Retail", "online_retail", data / "online_retail"),
        ("Complete Journey", "complete_journey", complete_journey_folder()),
    ):
        tell(f"{title} …")
        project = installed(name, files, folder)
        fill(project)
        made = DbtProject(
            project_dir=project.folder,
            profiles_dir=project.folder,
            called_from=project.folder,
            vars={"data_folder": str(files), **MONITORING},
        )
        yield Filled(title, made, project.warehouse, made.credentials["schema"])


def demo(folder: Path) -> Filled:
    tell("demo …")
    shop = folder / "demo"
    write_shop(shop)
    project = Project(shop, shop)
    project.call(warehouse_seg, "init")
    project.call(dbt, "deps")
    fill(project)
    made = DbtProject(project_dir=shop, profiles_dir=shop, called_from=shop, vars=MONITORING)
    return Filled("demo", made, shop / "shop.duckdb", made.credentials["schema"])


def fill(project: Project) -> None:
    project.call(warehouse_seg, "run", "--with-parents", **MONITORING)  # type: ignore[arg-type]
    project.call(warehouse_seg, "backfill", **MONITORING)  # type: ignore[arg-type]


def history_row(shop: Filled) -> list[object]:
    """Dates, customers, and how far flows are from the customers that they should add up to."""
    with duckdb.connect(str(shop.database), read_only=True) as database:
        ((dates, first, last),) = database.execute(
            "select count(distinct as_of_date), min(as_of_date), max(as_of_date) "
            f"from {shop.schema}.seg_segment_history"
        ).fetchall()
        columns = [
            name
            for (name, *_) in database.execute(
                f"describe {shop.schema}.seg_membership_history"
            ).fetchall()
            if name.startswith("membership_")
        ]
        sums = ", ".join(f"sum({name}) as {name.removeprefix('membership_')}" for name in columns)
        ((customers, expected, sides),) = database.execute(
            RECONCILED.format(schema=shop.schema, sums=sums)
        ).fetchall()
        ((stay,),) = database.execute(
            "select sum(case when previous_segment_key = segment_key then expected_customers end) "
            f"/ sum(expected_customers) from {shop.schema}.seg_segment_transitions "
            "where previous_segment_key is not null and segment_key is not null"
        ).fetchall()
    return [
        shop.title,
        dates,
        f"{first} to {last}",
        sides,
        customers,
        f"{expected:.0e}",
        f"{100 * stay:.1f} %",
    ]


def flow_rows(shop: Filled) -> Iterator[list[object]]:
    with duckdb.connect(str(shop.database), read_only=True) as database:
        for source, target, customers, expected, share in database.execute(
            FLOWS.format(schema=shop.schema)
        ).fetchall():
            yield [shop.title, source, target, customers, f"{expected:.0f}", f"{100 * share:.0f} %"]


def next_segment_row(shop: Filled) -> list[object]:
    """Of so many customers, for how many the predicted changes are the first that come, day by day."""
    model = stored_model(shop.project, None)
    manifest = shop.project.last_manifest()
    features, segments = (
        manifest.relation(name) for name in ("seg_customer_features", "seg_customer_segments")
    )
    with shop.project.warehouse() as warehouse:
        warehouse.execute(
            f"create temp table sampled as select * from {features} "
            f"order by md5(cast(customer_id as varchar)) limit {CUSTOMERS}"
        )
        patterns = missing_patterns(warehouse, model.features, "select * from sampled", 32)
        macro = model.to_macro(patterns)
        changes = render("seg_next_changes", macro, "sampled", segments, TIERS, DAYS, "duckdb")
        warehouse.execute(f"create temp table predicted as {changes}")
        create_days(warehouse, macro)
        (row,) = warehouse.rows(
            """
            with first_changes as (
                select
                    days.customer_id,
                    min(case when days.segment_key <> now.segment_key then days.as_of_date end) as segment_date,
                    min(case when days.action_tier <> now.action_tier then days.as_of_date end) as tier_date,
                    arg_min(days.segment_key, case when days.segment_key <> now.segment_key then days.as_of_date end)
                        as segment_key,
                    arg_min(days.action_tier, case when days.action_tier <> now.action_tier then days.as_of_date end)
                        as action_tier
                from days inner join predicted as now using (customer_id)
                group by days.customer_id
            )
            select
                count(*) as customers,
                count(next_segment_date) as segments_change,
                count(*) filter (next_segment_date is not distinct from segment_date
                    and (segment_date is null or next_segment_key = first_changes.segment_key)) as segments_right,
                count(next_tier_date) as tiers_change,
                count(*) filter (next_tier_date is not distinct from tier_date
                    and (tier_date is null or next_action_tier = first_changes.action_tier)) as tiers_right
            from predicted inner join first_changes using (customer_id)
            """
        )
    return [shop.title, *row.values()]


def create_days(warehouse: Warehouse, macro: dict[str, object]) -> None:
    """Every sampled customer scored anew on each day to come."""
    moved = (
        "(select * replace (recency_days + day as recency_days, tenure_days + day as tenure_days, "
        "as_of_date + day as as_of_date) from sampled cross join "
        f"(select cast(unnest(range(1, {DAYS + 1})) as integer) as day)) as moved"
    )
    scores = render("seg_mixture_scores", macro, moved, ["customer_id", "as_of_date"], "duckdb")
    assigned = render("seg_customer_assignment", macro, f"({scores}) as scores", TIERS, "duckdb")
    warehouse.execute(
        "create temp table days as "
        f"select customer_id, as_of_date, segment_key, action_tier from ({assigned})"
    )


def main() -> None:
    sums: list[list[object]] = []
    largest: list[list[object]] = []
    right: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for shop in shops(Path(folder)):
            sums.append(history_row(shop))
            largest += flow_rows(shop)
            right.append(next_segment_row(shop))
            tell((sums[-1], right[-1]))
    show(INTRODUCTION)
    note = "Monthly, by `warehouse-seg backfill` with the model that was fitted last."
    show(heading("Flows add up", note))
    show(table(SUMS, sums))
    show(heading("Where customers go", "The three largest expected flows of each shop."))
    show(table(LARGEST, largest))
    note = f"{CUSTOMERS:,} customers, every one of {DAYS} days scored by itself."
    show(heading("The next segment without a purchase", note))
    show(table(RIGHT, right))


if __name__ == "__main__":
    main()
