"""The command line as people expect it: `--version`, `-h`, completion."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from warehouse_seg.cli.app import PROJECT_COMMANDS, app
from warehouse_seg.dbt.package_version import program_version

COMMANDS = ["demo", *PROJECT_COMMANDS, "dbt-path"]


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"warehouse-seg {program_version()}\n")


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_in_short(arguments: list[str]) -> None:
    short, long = (CliRunner().invoke(app, [*arguments, option]) for option in ("-h", "--help"))
    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert "Usage:" in short.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "true")
    result = CliRunner().invoke(app, ["--show-completion", shell], prog_name="warehouse-seg")
    assert result.exit_code == 0, result.output
    assert "_WAREHOUSE_SEG_COMPLETE" in result.stdout


def test_completion_offers_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {
        "_WAREHOUSE_SEG_COMPLETE": "complete_bash",
        "COMP_WORDS": "warehouse-seg ro",
        "COMP_CWORD": "1",
    }
    result = CliRunner().invoke(app, [], prog_name="warehouse-seg", env=asked)
    assert result.stdout.split() == ["rollback"]
