"""What reaches a terminal: no text of the data's steers it, any encoding will do, and a fault is one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table

from warehouse_seg.cli import app as cli
from warehouse_seg.cli import failures
from warehouse_seg.cli.output import _VisibleConsole
from warehouse_seg.cli.visible import PLAIN, visible
from warehouse_seg.errors import UsageError

STEERING = {
    "an escape sequence": "\x1b[2J\x1b[31mred",
    "a bell and a backspace": "a\x07\x08b",
    "a carriage return": "good\rbad!",
    "delete": "a\x7fb",
    "C1's own escape": "\x9b31mred",
    "the title of the window": "\x1b]0;title\x07",
    "an override of direction": "abc\u202edcba",
    "an isolate": "\u2066abc\u2069",
    "a mark of direction": "a\u200fb",
    "the Arabic letter mark": "a\u061cb",
    "a line separator": "a\u2028b",
    "a byte order mark": "\ufeffa",
    "NUL": "a\x00b",
}


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_what_steers_a_terminal_is_written_out(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["größe", "日本", "עברית", "a\tb\nc", "family 👨\u200d👩", "Z̃"])
def test_every_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_neither_a_line_nor_a_cell_lets_it_through(text: str) -> None:
    console = _VisibleConsole(
        file=StringIO(), force_terminal=True, color_system="standard", highlight=False
    )
    table = Table("name")
    table.add_row(text)
    console.print(text, markup=False)
    console.print(table)
    console.print("[red]ours[/]")
    assert isinstance(console.file, StringIO)
    written = console.file.getvalue()
    assert "\x1b[31mours\x1b[0m" in written
    ours = written.replace("\x1b[31mours\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert visible(ours) == ours


# ------------------------------------------------------------------------------------------ any output

PROGRAM = f"""
import sys
from warehouse_seg.cli import app
from warehouse_seg.cli.output import out
app._run = lambda: out.print({"".join(PLAIN) + "größe 日本"!a}) or 0
app.main()
"""


def printed(
    program: str = PROGRAM, *, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_every_encoding_takes_what_we_print(encoding: str) -> None:
    done = printed(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_ascii_gets_the_nearest_characters() -> None:
    done = printed(LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.stdout == "*#---->...>=<=^2gr??e ??\n"


def test_a_full_output_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = printed(stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_full_output_of_json_is_one_sentence_too() -> None:
    program = PROGRAM.replace("import out", "import print_json").replace(
        "out.print(", "print_json(9 * "
    )
    with Path("/dev/full").open("w") as full:
        done = printed(program, stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_reader_that_goes_early_is_no_fault() -> None:
    """`warehouse-seg models | head -1`."""
    read, write = os.pipe()
    os.close(read)
    done = printed(stdout=write)
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


# ------------------------------------------------------------------------------------- what nobody foresaw


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("in a\nsecond line"),
        KeyError("x"),
        MemoryError(),
        RecursionError("deep"),
        TypeError(),
    ],
)
def test_an_unforeseen_error_is_one_sentence_and_a_log(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    fault: Exception,
) -> None:
    (tmp_path / "logs").mkdir()
    said = ended_by(fault, monkeypatch, capsys, tmp_path)
    log = tmp_path / "logs" / failures.LOG_FILE
    assert said.count("\n") == 1
    assert type(fault).__name__ in said
    assert str(log) in said
    assert "Traceback" not in said
    assert "Traceback (most recent call last)" in log.read_text()


def test_the_next_error_is_added_to_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    for fault in (ValueError("first"), ValueError("second")):
        ended_by(fault, monkeypatch, capsys, tmp_path)
    text = (tmp_path / "logs" / failures.LOG_FILE).read_text()
    assert text.index("first") < text.index("second")


def test_without_a_folder_for_a_log_the_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(failures, "_folders", lambda: iter([tmp_path / "nowhere"]))
    assert "no log could be written" in ended_by(ValueError("x"), monkeypatch, capsys, tmp_path)


def test_what_the_machine_refuses_needs_no_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fault = OSError(28, "No space left on device", "shop.duckdb.wal")
    said = ended_by(fault, monkeypatch, capsys, tmp_path)
    assert "No space left on device: 'shop.duckdb.wal'" in said
    # Nobody knows here how far the command came.
    assert "`warehouse-seg models` says which model is active" in said
    assert not list(tmp_path.iterdir())


def test_a_foreseen_error_keeps_its_words_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = ended_by(UsageError("found a, needed b"), monkeypatch, capsys, tmp_path)
    assert said == "error: found a, needed b\n"


def ended_by(
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
) -> str:
    """What a command says on stderr that raises this in the middle of its work, in this folder."""

    def failing(**_: object) -> None:
        raise fault

    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli, "app", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    return capsys.readouterr().err
