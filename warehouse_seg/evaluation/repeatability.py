"""Whether the segments of a model come out again: one sentence on bootstrap samples, other starts and earlier days.

A refit of a bootstrap sample may start where the model is, so that segments can be stable there which no search from
elsewhere ever finds. Only both together make them repeatable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warehouse_seg.evaluation.starts import StartStability
from warehouse_seg.evaluation.windows import Window
from warehouse_seg.mixture.search import COLD_START_MARGIN
from warehouse_seg.mixture.selection import MIN_STABILITY
from warehouse_seg.mixture.stability import Stability

NO_COLD_SEARCH = "on no bootstrap sample did a search that knows nothing end as well"


def repeatability(
    segments: str, bootstraps: Stability, starts: StartStability, windows: Sequence[Window]
) -> str:
    """The sentence, without a full stop.

    segments: its subject, such as "The 6 segments of version 1"
    """
    agreement = f"{bootstraps.agreement:z.2f}"
    elsewhere = _found_elsewhere(bootstraps, starts)
    if bootstraps.agreement < MIN_STABILITY:
        others = f", and {elsewhere}" if elsewhere else ""
        return (
            f"{segments} are not stable on bootstrap samples ({agreement}, needed {MIN_STABILITY}){others}: "
            "do not use them"
        )
    if elsewhere is not None:
        return (
            f"{segments} are stable on bootstrap samples ({agreement}) only where a refit starts from them, "
            f"since {elsewhere}: {_advice(starts)}"
        )
    days = _agreements(windows)
    where = [f"on bootstrap samples ({agreement})", f"from other starts ({starts.agreement:z.2f})"]
    where += [f"on earlier days ({np.mean(days):z.2f})"] if are_stable(days) else []
    # All to one, as the warning that the fit stores.
    cold = f", though {NO_COLD_SEARCH}" if bootstraps.search_failures == 1 else ""
    return f"{segments} are stable {', '.join(where[:-1])} and {where[-1]}{cold}"


def on_earlier_days(windows: Sequence[Window]) -> list[str]:
    """What speaks against the segments on earlier days."""
    days = _agreements(windows)
    if not windows or are_stable(days):
        return []
    if not days:
        return ["on every earlier day a refit of this shape collapsed"]
    return [
        f"refits on earlier days give other segments ({np.mean(days):z.2f}): refit the model regularly"
    ]


def are_stable(agreements: Sequence[float]) -> bool:
    """Whether segments agree enough, on average."""
    return bool(agreements) and float(np.mean(agreements)) >= MIN_STABILITY


def _found_elsewhere(bootstraps: Stability, starts: StartStability) -> str | None:
    """What speaks against the segments in searches that do not start from them; None where these find them."""
    if starts.gain is None or starts.agreement is None:
        return "every search from other starts collapsed"
    if starts.gain > COLD_START_MARGIN:
        return f"a search from other starts ends {starts.gain:z.3f} nats per customer better"
    if starts.agreement >= MIN_STABILITY:
        return None
    cold = f", and {NO_COLD_SEARCH}" if bootstraps.search_failures == 1 else ""
    return f"searches from other starts do not find them again (agreement {starts.agreement:z.2f}){cold}"


def _advice(starts: StartStability) -> str:
    return "fit fewer segments" if starts.gain is None else "search again with `fit --reselect`"


def _agreements(windows: Sequence[Window]) -> list[float]:
    return [window.agreement for window in windows if window.agreement is not None]
