"""Prints the connection of a dbt profile as JSON; run as a program, `python -m warehouse_seg.dbt.profile`.

dbt's own loader renders the profile (environment variables, --target, --profile), in a process of its own: there is no
second place to write credentials, and nothing of dbt stays loaded in ours.
"""

from __future__ import annotations

import argparse
import json
import sys


def main() -> int:
    """Print {"type": …, …} for the chosen target, or the loader's error on stderr."""
    parser = argparse.ArgumentParser()
    for option in ("project-dir", "profiles-dir"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--profile")
    parser.add_argument("--target")
    parser.add_argument("--vars", default="{}")
    arguments = parser.parse_args()

    from dbt.config.runtime import load_profile  # noqa: PLC0415 - seconds, and only here
    from dbt.flags import set_from_args  # noqa: PLC0415
    from dbt_common.exceptions import DbtRuntimeError  # noqa: PLC0415

    set_from_args(
        argparse.Namespace(profiles_dir=arguments.profiles_dir, project_dir=arguments.project_dir),
        None,
    )
    try:
        profile = load_profile(
            arguments.project_dir, json.loads(arguments.vars), arguments.profile, arguments.target
        )
    except DbtRuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    credentials = profile.credentials
    sys.stdout.write(json.dumps({"type": credentials.type, **credentials.to_dict()}, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
