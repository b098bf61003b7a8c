"""The command line: `warehouse-seg …`, run inside a dbt project as dbt is.

Results go to stdout, events to stderr. Exit codes: 0 done; 1 a dbt model or test failed; 2 usage, configuration or
environment; 3 refused by a quality gate, nothing changed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from warehouse_seg.cli import (
    model_commands,
    monitoring_commands,
    project_commands,
    result_commands,
)
from warehouse_seg.cli.failures import sentence_of
from warehouse_seg.cli.options import in_project
from warehouse_seg.cli.output import print_on_any_output
from warehouse_seg.cli.reporter import Reporter
from warehouse_seg.dbt.package_version import program_version
from warehouse_seg.errors import SegError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PROJECT_COMMANDS: dict[str, Callable[..., None]] = {
    "init": project_commands.init,
    "run": project_commands.run,
    "debug": project_commands.debug,
    "fit": model_commands.fit,
    "models": model_commands.models,
    "activate": model_commands.activate,
    "rollback": model_commands.rollback,
    "export": model_commands.export,
    "import": model_commands.import_,
    "compile": model_commands.compile_,
    "profile": result_commands.profile,
    "explain": result_commands.explain,
    "validate": result_commands.validate,
    "compare": result_commands.compare,
    "backfill": monitoring_commands.backfill,
    "uninstall": project_commands.uninstall,
}
"""In the order in which `--help` lists them."""


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"warehouse-seg {program_version()}")
        raise typer.Exit


@app.callback()
def program(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the release, and end."
        ),
    ] = False,
) -> None:
    """Customer segments that are probabilities, computed where the data lives."""


app.command("demo")(project_commands.demo)
for name, command in PROJECT_COMMANDS.items():
    app.command(name)(in_project(command))
app.command("dbt-path")(project_commands.dbt_path)


def main() -> None:
    """Run the command line; every error is one message on stderr and an exit code, never a traceback.

    Warnings come last, after the results or the error: nobody scrolls up for them.
    """
    print_on_any_output()
    try:
        exit_code = _run()
        sys.stdout.flush()
    except OSError as error:
        # stdout or stderr is full or closed; Python would try to flush it once more, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
            sys.stderr.flush()
        exit_code = SegError.exit_code
    sys.exit(exit_code)


def _run() -> int | str | None:
    """The exit code of the command that the arguments name."""
    with Reporter() as reporter:
        try:
            app(obj=reporter)
        except SystemExit as end:
            return end.code
        except SegError as error:
            reporter.error(str(error))
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
            reporter.error(sentence_of(error))
            return SegError.exit_code
    return 0
