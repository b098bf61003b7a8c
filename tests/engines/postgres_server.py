"""A Postgres of the tests' own: a new data folder, a free port on loopback, stopped and removed afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "warehouse"
PASSWORD = "loopback only"  # noqa: S105 - of a server that lives as long as a test run
PATIENCE_SECONDS = 60

QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "work_mem": "64MB"}
"""A server that is thrown away need not survive a crash."""


@contextmanager
def postgres_server() -> Iterator[dict[str, Any]]:
    """The output of a dbt profile that reaches the server, without a schema."""
    # Beside pytest's own folders, which nobody but their owner may enter: the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="warehouse-seg-postgres-"))
    try:
        _own(folder)
        _initialise(folder)
        port = _free_port()
        with _running(folder, port):
            yield {
                "type": "postgres",
                "host": "127.0.0.1",
                "port": port,
                "user": USER,
                "password": PASSWORD,
                "dbname": "postgres",
                "threads": 2,
            }
    finally:
        shutil.rmtree(folder)


def _initialise(folder: Path) -> None:
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    _own(password_file)
    # Texts in the order of a language, as most servers have them: it is not the order of the other engines.
    done = subprocess.run(
        [
            program("initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--no-sync",
        ],
        capture_output=True,
        text=True,
        check=False,
        **_server_user(),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _running(folder: Path, port: int) -> Iterator[None]:
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **QUICK}
    options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
    log = folder / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [program("postgres"), "-D", str(folder / "data"), "-p", str(port), *options],
            stdout=stream,
            stderr=subprocess.STDOUT,
            **_server_user(),
        )
    try:
        _wait_for(port, server, log)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # a "fast" shutdown: open sessions are ended
        server.wait(PATIENCE_SECONDS)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "ready to accept connections" not in log.read_text():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"port {port}: {log.read_text()}"
        time.sleep(0.1)


def program(name: str) -> str:
    """A program of the server; Debian keeps them off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    program = str(places[0]) if places else shutil.which(name)
    assert program, f"found no {name}: `make test-engines` installs Debian's package postgresql"
    return program


def _server_user() -> dict[str, Any]:
    """Postgres refuses to be root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
