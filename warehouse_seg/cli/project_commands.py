"""Commands around a dbt project: demo, init, run, dbt-path."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from warehouse_seg.cli.options import AsJson, Quiet, RegistryName, Verbose, reporter_for
from warehouse_seg.cli.output import out, print_json
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import UsageError
from warehouse_seg.events import Event
from warehouse_seg.resources import dbt_package_path


def demo(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("--dir", help="Folder to make.")] = Path("demo_shop"),
    customers: Annotated[int, typer.Option(min=100, help="Customers of the shop.")] = 60_000,
    seed: Annotated[int, typer.Option(help="Another seed is another shop.")] = 20_260_630,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a shop of invented customers as a dbt project, and run the whole job on it."""
    from warehouse_seg.cli.run_view import summary_lines
    from warehouse_seg.commands.demo import demo as make_demo

    reporter = reporter_for(context, quiet, verbose)
    summary = make_demo(directory, customers=customers, seed=seed, emit=reporter.emit)
    out.print(*summary_lines(summary), sep="\n")
    reporter.emit(
        Event.step(
            f"the project is in {directory}: look at {directory}/README.md, query {directory}/shop.duckdb"
        )
    )


def init(
    project: DbtProject,
    reporter: Reporter,
    transactions: Annotated[
        str | None, typer.Option(help="Model, or SOURCE.TABLE, with one row per order line.")
    ] = None,
    feature_table: Annotated[
        str | None, typer.Option(help="Instead: model with one row per customer, ready columns.")
    ] = None,
    customer_id_type: Annotated[
        str | None, typer.Option(help="SQL type of the customer's key (varchar, bigint, uuid).")
    ] = None,
) -> None:
    """Add the dbt package and its variables to a dbt project, and show what changed."""
    from warehouse_seg.commands.init import init as add_package

    given = {
        "transactions": _relation(transactions),
        "feature_table": _relation(feature_table),
        "customer_id_type": customer_id_type,
    }
    variables = {name: value for name, value in given.items() if value}
    changes = add_package(project, variables, reporter.emit)
    for change in changes:
        out.print(f"{change.path}: {change.difference}", markup=False)
    done = "nothing to change" if not changes else "next: `dbt deps`, then `warehouse-seg run`"
    reporter.emit(Event.step(done))


def run(
    project: DbtProject,
    reporter: Reporter,
    registry: RegistryName = None,
    with_parents: Annotated[
        bool,
        typer.Option(
            "--with-parents",
            help="Build and test all that the package reads, not only what the warehouse lacks.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Features, a fit where no model is active, segments: the whole job."""
    from warehouse_seg.cli.run_view import summary_lines
    from warehouse_seg.commands.run import run as run_job

    summary = run_job(
        project, registry_name=registry, with_parents=with_parents, emit=reporter.emit
    )
    if as_json:
        print_json(asdict(summary))
    else:
        out.print(*summary_lines(summary), sep="\n")


def debug(project: DbtProject, _reporter: Reporter, as_json: AsJson = False) -> None:
    """Print what dbt, package, order lines, registry and model are, what is wrong, and what to do next."""
    from warehouse_seg.cli.debug_view import diagnosis_lines
    from warehouse_seg.commands.debug import debug as look_at

    diagnosis = look_at(project)
    if as_json:
        print_json({**asdict(diagnosis), "next": diagnosis.next_step})
    else:
        out.print(*diagnosis_lines(diagnosis), sep="\n")
    if not diagnosis.is_fine:
        raise typer.Exit(UsageError.exit_code)


def uninstall(
    project: DbtProject,
    reporter: Reporter,
    registry: Annotated[
        str | None,
        typer.Option(
            help="Name the registry's schema to remove fitted models and history as well."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take the package out of a dbt project: its tables, its lines in YAML files, its copy."""
    from warehouse_seg.cli.uninstall_view import plan_lines
    from warehouse_seg.commands.uninstall import planned
    from warehouse_seg.commands.uninstall import uninstall as remove

    plan = planned(project, registry, reporter.emit)
    for line in plan_lines(plan):
        out.print(line, markup=False)
    if dry_run or plan.is_empty:
        return
    if not yes and not sys.stdin.isatty():
        raise UsageError("found no terminal to ask whether to remove this, needed --yes")
    if not yes and not typer.confirm("remove all of this?"):
        raise typer.Exit(UsageError.exit_code)
    remove(project, plan)
    reporter.emit(Event.step("removed; `dbt deps` brings package-lock.yml up to date"))


def dbt_path() -> None:
    """Print where the dbt package lies."""
    typer.echo(str(dbt_package_path()))


def _relation(name: str | None) -> str | list[str] | None:
    return name.split(".", 1) if name and "." in name else name
