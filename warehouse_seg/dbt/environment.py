"""Prints what dbt has in effect for a project, as JSON; run as a program, `python -m warehouse_seg.dbt.environment`.

dbt's own code reads its options, environment variables, dbt_project.yml and profiles.yml, in a process of its own:
nothing is guessed here that dbt decides, there is no second place to write credentials, and nothing of dbt stays loaded
in our process. The answer is passed on explicitly to every call of dbt.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from warehouse_seg.sql.rendering import render

ELSEWHERE = ("Could not find profile", "--profiles-dir")
"""What dbt says where the folder that it is called from leads to no profile."""


@dataclass(frozen=True)
class Environment:
    """What dbt has in effect.

    working_dir: where dbt is called, and relative paths begin
    target_path, log_path: the folders of dbt's artifacts and logs
    dbt_version: of dbt and the profile's adapter; source_folders: of the project and its packages, all that dbt reads
    variables: `vars` of dbt_project.yml as they are written
    credentials: the connection of the profile's target, rendered; `type` names the engine
    opening: of DuckDB, statements that dbt runs on a new connection: extensions, secrets, attachments, settings.
        read_only_opening: the same, with files attached to be read only
    """

    working_dir: str
    project_dir: str
    profiles_dir: str
    profile: str
    target: str
    target_path: str
    log_path: str
    dbt_version: str
    source_folders: list[str]
    variables: dict[str, Any]
    credentials: dict[str, Any]
    opening: list[str]
    read_only_opening: list[str]


def main(project_dir: str, *options: str) -> int:
    """Print the environment for a project and dbt's options, or dbt's own error on stderr."""
    from click import ClickException  # noqa: PLC0415 - dbt and what it brings take seconds, and only here
    from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415

    try:
        # dbt may print: stdout is for the answer alone.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer = _in_effect(project_dir, options)
            except (ClickException, DbtBaseException) as error:
                if not _is_elsewhere(error, project_dir):
                    raise
                os.chdir(project_dir)
                answer = _in_effect(project_dir, options)
    except (ClickException, DbtBaseException) as error:
        sys.stderr.write(f"{_text_of(error)}\n")
        return 2
    except Exception as error:  # noqa: BLE001 - dbt lets some of its faults through; a person gets a sentence
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    sys.stdout.write(json.dumps(answer.__dict__, default=str))
    return 0


def _is_elsewhere(error: Exception, project_dir: str) -> bool:
    """Whether dbt finds no profile from this folder and would from the project's own."""
    beside = Path(project_dir) / "profiles.yml"
    return beside.exists() and any(hint in _text_of(error) for hint in ELSEWHERE)


def _text_of(error: Any) -> str:
    return str(error.format_message() if hasattr(error, "format_message") else error)


def _in_effect(project_dir: str, options: Sequence[str]) -> Environment:
    from dbt.cli.flags import Flags, args_to_context  # noqa: PLC0415
    from dbt.config.project import load_raw_project  # noqa: PLC0415
    from dbt.config.runtime import load_profile, load_project  # noqa: PLC0415
    from dbt.flags import set_flags  # noqa: PLC0415
    from dbt_common.context import set_invocation_context  # noqa: PLC0415

    # env_var() reads the environment from there.
    set_invocation_context(dict(os.environ))
    flags: Any = Flags(args_to_context(["parse", "--project-dir", project_dir, *options]))
    set_flags(flags)  # type: ignore[no-untyped-call]
    profile = load_profile(project_dir, flags.VARS, flags.PROFILE, flags.TARGET)
    project = load_project(project_dir, version_check=False, profile=profile, cli_vars=flags.VARS)
    credentials = profile.credentials
    opening: list[str] = []
    read_only_opening: list[str] = []
    if credentials.type == "duckdb":
        _make_absolute(credentials)
        opening = _opening(credentials)
        _make_read_only(credentials)
        read_only_opening = _opening(credentials)
    return Environment(
        working_dir=str(Path.cwd()),
        project_dir=project_dir,
        profiles_dir=str(Path(flags.PROFILES_DIR).resolve()),
        profile=profile.profile_name,
        target=profile.target_name,
        target_path=str(Path(project_dir) / project.target_path),
        log_path=str(Path(flags.LOG_PATH).resolve()),
        dbt_version=f"{_release('dbt-core')}, {_release(f'dbt-{credentials.type}')}",
        source_folders=_source_folders(project),
        variables=load_raw_project(project_dir).get("vars") or {},
        credentials={"type": credentials.type, **credentials.to_dict()},
        opening=opening,
        read_only_opening=read_only_opening,
    )


def _release(package: str) -> str:
    """`dbt-duckdb 1.10.0`; the name alone of an adapter that comes from elsewhere."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _source_folders(project: Any) -> list[str]:
    """Models, macros, seeds and whatever else has paths in dbt_project.yml, and the installed packages."""
    paths = [
        path for name, value in vars(project).items() if name.endswith("_paths") for path in value
    ]
    return sorted({*paths, project.packages_install_path})


# ------------------------------------------------------------------------------------------------- DuckDB's connection


def _make_absolute(credentials: Any) -> None:
    """Local files by their whole path: a relative one would be another file from another folder."""
    credentials.path = _local_file(credentials.path)
    for attachment in credentials.attach or ():
        attachment.path = _local_file(attachment.path)


def _local_file(path: str) -> str:
    """The same for what is no file here: in memory, a service (`md:shop`), a URL.

    >>> _local_file("md:shop"), _local_file(":memory:"), _local_file("s3://shop/lake.duckdb")
    ('md:shop', ':memory:', 's3://shop/lake.duckdb')
    """
    scheme, colon, _ = path.partition(":")
    if colon and (not scheme or len(scheme) > 1) and os.sep not in scheme:
        return path
    return str(Path(path).expanduser().absolute()) if path else path


def _make_read_only(credentials: Any) -> None:
    """Attached files to be read only, so that others can read them meanwhile."""
    for attachment in credentials.attach or ():
        if (attachment.type or "duckdb") in ("duckdb", "sqlite"):
            attachment.read_only = True
            if attachment.options:
                attachment.options.pop("read_only", None)


def _opening(credentials: Any) -> list[str]:
    """What dbt-duckdb runs on a new connection and its cursors, in its order (its `Environment.initialize_db`)."""
    statements = []
    for extension in credentials.extensions or ():
        name = extension if isinstance(extension, str) else extension["name"]
        source = "" if isinstance(extension, str) else f" from {extension['repo']}"
        statements += [f"install {name}{source}", f"load {name}"]
    statements += credentials.secrets_sql()
    statements += [attachment.to_sql() for attachment in credentials.attach or ()]
    for name, value in (credentials.settings or {}).items():
        statements.append(f"set {name} = {render('seg_literal', str(value), 'duckdb')}")
    return statements


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
