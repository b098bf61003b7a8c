"""What is said where a command ends in a way that nobody foresaw: one sentence, and where the details are."""

from __future__ import annotations

import contextlib
import os
import tempfile
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

LOG_FILE = "warehouse_seg.log"


def sentence_of(error: Exception) -> str:
    """What happened and where it is written down, in one sentence; the details go to the log.

    An OSError is the machine's (a full disk, a file that may not be read) and says enough by itself.
    """
    what = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError):
        # It may have come after the model was activated: a result that cannot be printed, for one.
        return f"{what}. Mend that and run the command again; `warehouse-seg models` says which model is active"
    named = f"{type(error).__name__}: {what}" if what else type(error).__name__
    path = _logged(error)
    details = f"the details are in {path}" if path else "no log could be written"
    return f"{named}. That was not foreseen, and is a fault of warehouse-seg; {details}, please report it"


def _logged(error: Exception) -> Path | None:
    """The file that the traceback was added to; None where no folder takes one."""
    time = datetime.now(UTC).isoformat(timespec="seconds")
    text = f"{time}\n{''.join(traceback.format_exception(error))}\n"
    for folder in _folders():
        with contextlib.suppress(OSError), (folder / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(text)
            return Path(log.name)
    return None


def _folders() -> Iterator[Path]:
    """Beside dbt's log where this is a dbt project, else among passing files."""
    for name in ("DBT_ENGINE_LOG_PATH", "DBT_LOG_PATH"):
        if named := os.environ.get(name):
            yield Path(named)
    yield Path.cwd() / "logs"
    yield Path(tempfile.gettempdir())
