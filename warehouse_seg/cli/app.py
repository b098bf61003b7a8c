"""The command line: `warehouse-seg …`, run inside a dbt project as dbt is.

Results go to stdout, talk and progress to stderr. Exit codes: 0 done; 1 a dbt model or test failed; 2 usage,
configuration or environment; 3 refused by a quality gate, nothing changed.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.errors import SegError, UsageError
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.scoring.limits import passed_limits, size_of
from warehouse_seg.scoring.statement import DIALECTS
from warehouse_seg.sql.resources import dbt_package_path

if TYPE_CHECKING:
    from warehouse_seg.commands.run import Summary

app = typer.Typer(
    help="Customer segments that are probabilities, computed where the data lives.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
PIPE_WIDTH = 160
"""A table in a file or a log has no window to fit into; eighty columns would cut its cells."""


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out, stderr = _console(), _console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
RegistryName = Annotated[
    str | None,
    typer.Option("--registry", help="Repeat the registry's schema where it is not the target's."),
]
StoredVersion = Annotated[int | None, typer.Option(help="A stored version; else the active one.")]
WindowDays = Annotated[
    int | None,
    typer.Option(
        help="Days to look ahead from an earlier day; 90, or less where the history is short."
    ),
]
ATTRIBUTE = "COLUMN of the features, MODEL.COLUMN or SOURCE.TABLE.COLUMN, by customer_id"
Reason = Annotated[str, typer.Option(help="Why; kept with the activation.")]


def main() -> None:
    """Run the command line; every foreseen error is one message on stderr and an exit code."""
    try:
        app()
    except SegError as error:
        stderr.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(error.exit_code)


def _project(
    project_dir: Annotated[Path, typer.Option(help="Folder of dbt_project.yml.")] = Path(),
    profiles_dir: Annotated[Path | None, typer.Option(help="Folder of profiles.yml.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile to use.")] = None,
    target: Annotated[str | None, typer.Option("--target", "-t", help="Target to use.")] = None,
    target_path: Annotated[Path | None, typer.Option(help="Folder of dbt's artifacts.")] = None,
    variables: Annotated[str, typer.Option("--vars", help="Variables, as YAML or JSON.")] = "{}",
) -> DbtProject:
    """The options that dbt has too; all of them are passed on to it."""
    try:
        given = YAML(typ="safe").load(variables) or {}
    except YAMLError as error:
        raise UsageError(f"--vars is not valid YAML: {error}") from error
    if not isinstance(given, dict):
        raise UsageError(
            f"--vars takes a dictionary such as '{{categories: 4}}', found {variables!r}"
        )
    return DbtProject(project_dir, profiles_dir, profile, target, target_path, given)


def in_project(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets its first argument, a DbtProject, from the options that all commands share."""
    shared = inspect.signature(_project, eval_str=True).parameters
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @wraps(command)
    def with_options(**given: Any) -> None:
        options = {name: given.pop(name) for name in shared}
        command(_project(**options), **given)

    keyword_only = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared.values())
    ]
    with_options.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in keyword_only}
    return with_options


@app.command()
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Folder to make.")] = Path("demo_shop"),
    customers: Annotated[int, typer.Option(min=100, help="Customers of the shop.")] = 60_000,
    seed: Annotated[int, typer.Option(help="Another seed is another shop.")] = 20_260_630,
) -> None:
    """Make a shop of invented customers as a dbt project, and run the whole job on it."""
    from warehouse_seg.commands.demo import demo as job

    summary = job(directory, customers=customers, seed=seed, step=_say, progress=_mutter)
    _print_summary(summary)
    _say(
        f"the project is in {directory}: look at {directory}/README.md, query {directory}/shop.duckdb"
    )


@app.command()
@in_project
def init(
    project: DbtProject,
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
    from warehouse_seg.commands.init import init as job

    given = {
        "transactions": _relation(transactions),
        "feature_table": _relation(feature_table),
        "customer_id_type": customer_id_type,
    }
    changes = job(project, {name: value for name, value in given.items() if value}, _mutter)
    for change in changes:
        out.print(f"{change.path}: {change.difference}", markup=False)
    _say("nothing to change" if not changes else "next: `dbt deps`, then `warehouse-seg run`")


@app.command()
@in_project
def run(project: DbtProject, registry: RegistryName = None, as_json: AsJson = False) -> None:
    """Features, a fit where no model is active, segments: the whole job."""
    from warehouse_seg.commands.run import run as job

    summary = job(project, registry_name=registry, step=_say, progress=_mutter)
    if as_json:
        _print_json(asdict(summary))
    else:
        _print_summary(summary)


@app.command()
@in_project
def fit(
    project: DbtProject,
    registry: RegistryName = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit/--reselect",
            help="Keep features and shape of the active model, or choose them anew.",
        ),
    ] = True,
    population: Annotated[
        bool,
        typer.Option("--population", help="Go on to the best model of all customers, in SQL."),
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes", help="Adopt the model however few customers keep their segment."
        ),
    ] = False,
    notes: Annotated[str, typer.Option(help="Kept with the model.")] = "",
    as_json: AsJson = False,
) -> None:
    """Refit the active model, or fit a first one, and make the result the active model."""
    from warehouse_seg.commands.fit import fit as job

    model = job(
        project,
        registry_name=registry,
        reselect=not refit,
        population=population,
        accept_changes=accept_changes,
        notes=notes,
        progress=_mutter,
    )
    if as_json:
        _print_json(json.loads(model.to_json()))
        return
    _print_candidates(model)
    out.print(
        f"model version {model.model_version} is active: {len(model.components)} segments, "
        f"{model.covariance_type} covariance, fingerprint {model.fingerprint}"
    )


@app.command()
@in_project
def models(project: DbtProject, as_json: AsJson = False) -> None:
    """List the stored models and which one is active."""
    from warehouse_seg.commands.fit import models as job

    stored, activations, matching = job(project)
    active = activations[0]["model_version"] if activations else None
    if as_json:
        _print_json(
            {
                "active": active,
                "models": stored,
                "activations": activations,
                "segment_matches": matching,
            }
        )
        return
    table = Table(
        "", "version", "created (UTC)", "segments", "covariance", "BIC", "customers", "notes"
    )
    for row in stored:
        table.add_row(
            "active" if row["model_version"] == active else "",
            str(row["model_version"]),
            f"{row['created_at']:%Y-%m-%d %H:%M}" if row["created_at"] else "–",
            str(row["n_components"]),
            row["covariance_type"],
            _rounded(row["bic"]),
            f"{row['population_rows']:,}",
            escape(row["notes"]),
        )
    out.print(table if stored else "no model is stored yet; run `warehouse-seg fit`")


@app.command()
@in_project
def activate(
    project: DbtProject,
    version: Annotated[int, typer.Argument(help="A stored version (`warehouse-seg models`).")],
    registry: RegistryName = None,
    reason: Reason = "",
) -> None:
    """Make a stored model the active one; the next `dbt build` scores with it."""
    from warehouse_seg.commands.fit import activate as job

    job(project, version, reason, registry)
    out.print(
        f"model version {version} is active; `dbt build --select +seg_customer_scores+` scores with it"
    )


@app.command()
@in_project
def rollback(project: DbtProject, registry: RegistryName = None, reason: Reason = "") -> None:
    """Make the version that was active before the present one active again."""
    from warehouse_seg.commands.fit import rollback as job

    version = job(project, reason, registry)
    out.print(
        f"model version {version} is active; `dbt build --select +seg_customer_scores+` scores with it"
    )


@app.command("compile")
@in_project
def compile_(
    project: DbtProject,
    version: StoredVersion = None,
    dialect: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(DIALECTS)}; else that of the project's target."),
    ] = None,
    relation: Annotated[
        str, typer.Option(help="The features, as SQL text.")
    ] = "seg_customer_features",
    model: Annotated[
        Path | None, typer.Option(help="A model as JSON, instead of a stored one.")
    ] = None,
) -> None:
    """Print the scoring SQL of a model for any dialect, and say how long it is."""
    from warehouse_seg.commands.compile import compiled as job

    compiled = job(project, version, relation, dialect, _model_in(model) if model else None)
    size = size_of(compiled.text, compiled.model)
    _mutter(str(size))
    for warning in passed_limits(size, compiled.dialect):
        _warn(warning)
    typer.echo(compiled.text, nl=False)


@app.command()
@in_project
def profile(project: DbtProject, as_json: AsJson = False) -> None:
    """Print who the segments are, what they bring, and what to do about them."""
    from warehouse_seg.cli.profile_view import profile_panels
    from warehouse_seg.commands.profile import profile as job

    found = job(project)
    if as_json:
        _print_json(asdict(found))
        return
    for panel in profile_panels(found):
        out.print(panel, soft_wrap=False)


@app.command()
@in_project
def explain(
    project: DbtProject,
    customer: Annotated[str, typer.Argument(help="The customer's key, as the tables show it.")],
    as_json: AsJson = False,
) -> None:
    """Print why one customer is in its segment, and the nearest change that would move it to another."""
    from warehouse_seg.cli.explanation_view import explanation_lines
    from warehouse_seg.commands.explain import explain as job

    found = job(project, customer)
    if as_json:
        _print_json(asdict(found))
    else:
        for line in explanation_lines(found):
            out.print(line)


@app.command()
@in_project
def validate(
    project: DbtProject,
    version: StoredVersion = None,
    reference: Annotated[
        str | None,
        typer.Option(help=f"Segments known otherwise, to agree with: {ATTRIBUTE}."),
    ] = None,
    protected: Annotated[
        str | None,
        typer.Option(help=f"Groups that should be treated alike: {ATTRIBUTE}."),
    ] = None,
    window_days: WindowDays = None,
    as_json: AsJson = False,
) -> None:
    """Show what holds of a model: on unseen customers, on other samples and days, and for what comes next."""
    from warehouse_seg.cli.validation_view import validation_tables
    from warehouse_seg.commands.validate import Options
    from warehouse_seg.commands.validate import validate as job

    options = Options(version, window_days, reference, protected)
    found = job(project, options, progress=_mutter)
    if as_json:
        _print_json(asdict(found))
    else:
        out.print(*validation_tables(found), sep="\n")


@app.command()
@in_project
def compare(
    project: DbtProject,
    version: StoredVersion = None,
    window_days: WindowDays = None,
    as_json: AsJson = False,
) -> None:
    """Show the model beside k-means, Ward, DBSCAN, spectral clustering and RFM rules."""
    from warehouse_seg.cli.validation_view import comparison_tables
    from warehouse_seg.commands.compare import compare as job

    found = job(project, version=version, window_days=window_days, progress=_mutter)
    if as_json:
        _print_json(asdict(found))
    else:
        out.print(*comparison_tables(found), sep="\n")


@app.command()
def dbt_path() -> None:
    """Print where the dbt package lies."""
    typer.echo(str(dbt_package_path()))


def _say(line: str) -> None:
    """One finished step."""
    stderr.print(f"[green]✓[/] {escape(line)}")


def _mutter(line: str) -> None:
    """Progress inside a step."""
    stderr.print(f"  [dim]{escape(line)}[/]")


def _warn(line: str) -> None:
    """Something that a person should look at; the work went on."""
    stderr.print(f"[yellow]warning:[/] {escape(line)}")


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=2, default=str))


def _model_in(path: Path) -> SegmentModel:
    """The model in a JSON file."""
    try:
        return SegmentModel.from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} holds no model as `warehouse-seg fit --json` prints it: {error}"
        ) from error


def _relation(name: str | None) -> str | list[str] | None:
    return name.split(".", 1) if name and "." in name else name


def _print_candidates(model: SegmentModel) -> None:
    table = Table(
        "segments", "covariance", "BIC", "ICL", "smallest", "certainty", "stability", "verdict"
    )
    for candidate in model.candidates:
        table.add_row(
            str(candidate.n_components),
            candidate.covariance_type,
            _rounded(candidate.bic),
            _rounded(candidate.icl),
            _percent(candidate.smallest_weight),
            _percent(candidate.mean_top_membership),
            "–" if candidate.stability is None else f"{candidate.stability:.2f}",
            candidate.reason,
            style="bold" if candidate.chosen else "",
        )
    stderr.print(table)


def _print_summary(summary: Summary) -> None:
    table = Table("segment", "name", "customers", "share", "expected", "mean membership")
    for row in summary.segments:
        table.add_row(
            row["segment_key"],
            escape(row["segment_name"]),
            f"{row['customers']:,}",
            _percent(row["share"]),
            f"{row['expected_customers']:,.0f}",
            "–" if row["mean_membership"] is None else f"{row['mean_membership']:.2f}",
        )
    out.print(table)
    tiers = ", ".join(f"{tier} {count:,}" for tier, count in summary.tiers.items())
    out.print(f"{summary.customers:,} customers as of {summary.as_of_date}: {tiers}")
    out.print(f"model version {summary.model_version}; {summary.seconds:.0f} seconds")
    for warning in summary.warnings:
        _warn(warning)


def _rounded(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
