"""The options that every command shares: those that dbt has too, and how much the command says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.project import DbtProject, default_project_dir
from warehouse_seg.errors import UsageError

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
Reason = Annotated[str, typer.Option(help="Why; kept with the activation.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result and warnings.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Every candidate and other details of each step.")
]
ATTRIBUTE = "COLUMN of the features, MODEL.COLUMN or SOURCE.TABLE.COLUMN, by customer_id"


def reporter_for(
    context: typer.Context, quiet: Quiet = False, verbose: Verbose = False
) -> Reporter:
    """The reporter of this run of the program, set to what the options ask for.

    Raises UsageError where both are given.
    """
    if quiet and verbose:
        raise UsageError("found --quiet and --verbose, needed one of them at most")
    reporter: Reporter = context.obj
    reporter.verbosity = "quiet" if quiet else "verbose" if verbose else "default"
    return reporter


def _project(
    project_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of dbt_project.yml; else this one or the nearest above."),
    ] = None,
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
    folder = project_dir or default_project_dir()
    return DbtProject(folder, profiles_dir, profile, target, target_path, given)


def in_project(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first two arguments, project and reporter, come from the options that all commands share."""
    shared = [
        inspect.signature(function, eval_str=True).parameters
        for function in (_project, reporter_for)
    ]
    own = list(inspect.signature(command, eval_str=True).parameters.values())[2:]

    @wraps(command)
    def with_options(**given: Any) -> None:
        project_options, report_options = (
            {name: given.pop(name) for name in parameters} for parameters in shared
        )
        reporter = reporter_for(**report_options)
        project = replace(_project(**project_options), emit=reporter.emit)
        command(project, reporter, **given)

    keyword_only = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for p in (*own, *(p for parameters in shared for p in parameters.values()))
    ]
    with_options.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in keyword_only}
    return with_options
