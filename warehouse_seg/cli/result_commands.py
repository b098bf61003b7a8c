"""Commands that read: profile, explain, validate, compare."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from warehouse_seg.cli.options import ATTRIBUTE, AsJson, StoredVersion, WindowDays
from warehouse_seg.cli.output import out, print_json
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.events import Event


def profile(project: DbtProject, reporter: Reporter, as_json: AsJson = False) -> None:
    """Print who the segments are, what they bring, and what to do about them."""
    project.ask("warehouse_seg.commands.profile", "warehouse_seg.cli.profile_view")
    from warehouse_seg.cli.profile_view import profile_panels
    from warehouse_seg.commands.profile import profile as read_profile

    result = read_profile(project)
    if as_json:
        print_json(asdict(result))
    else:
        for panel in profile_panels(result):
            out.print(panel, soft_wrap=False)
    for text in result.warnings:
        reporter.emit(Event.warning(text))


def explain(
    project: DbtProject,
    reporter: Reporter,
    customer: Annotated[str, typer.Argument(help="The customer's key, as the tables show it.")],
    as_json: AsJson = False,
) -> None:
    """Print why one customer is in its segment, and the nearest change that would move it to another."""
    project.ask("warehouse_seg.commands.explain", "warehouse_seg.cli.explanation_view")
    from warehouse_seg.cli.explanation_view import explanation_lines
    from warehouse_seg.commands.explain import explain as explain_customer

    result = explain_customer(project, customer)
    if as_json:
        print_json(asdict(result))
    else:
        for line in explanation_lines(result):
            out.print(line)
    for text in result.warnings:
        reporter.emit(Event.warning(text))


def validate(
    project: DbtProject,
    reporter: Reporter,
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
    from warehouse_seg.commands.validate import validate as validate_model

    options = Options(version, window_days, reference, protected)
    result = validate_model(project, options, emit=reporter.emit)
    if as_json:
        print_json({**asdict(result.figures), "verdict": result.verdict})
    else:
        out.print(*validation_tables(result), sep="\n")


def compare(
    project: DbtProject,
    reporter: Reporter,
    version: StoredVersion = None,
    window_days: WindowDays = None,
    as_json: AsJson = False,
) -> None:
    """Show the model beside k-means, Ward, DBSCAN, spectral clustering and RFM rules."""
    from warehouse_seg.cli.comparison_view import comparison_tables
    from warehouse_seg.commands.compare import compare as compare_methods

    result = compare_methods(project, version=version, window_days=window_days, emit=reporter.emit)
    if as_json:
        print_json(asdict(result))
    else:
        out.print(*comparison_tables(result), sep="\n")
