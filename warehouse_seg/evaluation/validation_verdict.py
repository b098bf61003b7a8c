"""The verdict on a model: its validation in one sentence, then its stored warnings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warehouse_seg.evaluation.audit import GroupShare
from warehouse_seg.evaluation.prediction import Judgement, Prediction
from warehouse_seg.evaluation.predictive_power import PredictivePower
from warehouse_seg.evaluation.separation import SegmentPair
from warehouse_seg.evaluation.starts import StartStability
from warehouse_seg.evaluation.validation import Validation
from warehouse_seg.evaluation.windows import Window
from warehouse_seg.mixture.search import COLD_START_MARGIN
from warehouse_seg.mixture.selection import MIN_SEGMENT_STABILITY, MIN_STABILITY
from warehouse_seg.project.time_split import Unavailable

RIVALS = ("RFM quintiles", "k-means labels")
"""Sources of predictions that memberships have to beat."""

COMPARED: dict[Judgement, str] = {
    "better": "better than",
    "alike": "as well as",
    "worse": "worse than",
}


def verdict(validation: Validation) -> str:
    """One sentence for readers who read nothing else, then one for each warning that is stored with the model."""
    clauses = [
        *_on_stability(validation),
        *_on_starts(validation.starts),
        _on_overlap(validation.pairs),
        *_on_predictive_power(validation.predictive_power),
        *_on_groups(validation.protected),
    ]
    warnings = [f"Warning stored with the model: {_sentence(text)}" for text in validation.warnings]
    return " ".join([_sentence("; ".join(clauses)), *warnings])


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def _on_stability(validation: Validation) -> list[str]:
    """On bootstrap samples; on earlier days only where the segments are stable on those."""
    segments = f"The {len(validation.segments)} segments of version {validation.model_version}"
    bootstraps = validation.bootstraps
    agreement = f"{bootstraps.agreement:.2f}"
    if bootstraps.agreement < MIN_STABILITY:
        return [
            f"{segments} are not stable on bootstrap samples ({agreement}, needed {MIN_STABILITY}): do not use them"
        ]
    windows = [w.agreement for w in validation.windows if w.agreement is not None]
    days = f" and on earlier days ({np.mean(windows):.2f})" if _are_stable(windows) else ""
    return [
        f"{segments} are stable on bootstrap samples ({agreement}){days}",
        *_on_unstable_segments(validation),
        *_on_windows(validation.windows),
    ]


def _on_unstable_segments(validation: Validation) -> list[str]:
    unstable = [
        f"{key} ({overlap:.2f})"
        for key, overlap in zip(validation.segments, validation.bootstraps.jaccard, strict=True)
        if overlap < MIN_SEGMENT_STABILITY
    ]
    return [f"single segments are not stable: {', '.join(unstable)}"] if unstable else []


def _on_windows(windows: Sequence[Window]) -> list[str]:
    """What speaks against the segments on earlier days."""
    agreements = [window.agreement for window in windows if window.agreement is not None]
    if not windows or _are_stable(agreements):
        return []
    if not agreements:
        return ["on every earlier day a refit of this shape collapsed"]
    mean = f"{np.mean(agreements):.2f}"
    return [f"refits on earlier days give other segments ({mean}): refit the model regularly"]


def _are_stable(agreements: Sequence[float]) -> bool:
    return bool(agreements) and float(np.mean(agreements)) >= MIN_STABILITY


def _on_starts(starts: StartStability) -> list[str]:
    if starts.gain is None:
        return ["every search from other starts collapsed: fit fewer segments"]
    if starts.gain > COLD_START_MARGIN:
        gain = f"{starts.gain:.3f} nats per customer better"
        return [f"a search from other starts ends {gain}: search again with `fit --reselect`"]
    return []


def _on_overlap(pairs: Sequence[SegmentPair]) -> str:
    near = [f"{pair.first} with {pair.second}" for pair in pairs if pair.merge]
    if not near:
        return "all segments are separate"
    return f"some segments overlap so much that each pair is one group: {', '.join(near)}"


def _on_predictive_power(power: PredictivePower | Unavailable) -> list[str]:
    if isinstance(power, Unavailable):
        return []
    by_source = {prediction.source: prediction for prediction in power.predictions}
    compared = [
        clause
        for source in RIVALS
        if source in by_source
        for clause in [_compared(by_source[source])]
        if clause is not None
    ]
    if not compared:
        return []
    return [f"memberships predict the next {power.window_days} days {' and '.join(compared)}"]


def _compared(rival: Prediction) -> str | None:
    """How memberships predict beside a rival; None where neither spend nor buying was measured."""
    spend, buying = rival.spend_comparison, rival.buying_comparison
    if spend and buying and spend != buying:
        return f"{COMPARED[spend]} {rival.source} for spend, {COMPARED[buying]} {rival.source} for buying at all"
    either = spend or buying
    return f"{COMPARED[either]} {rival.source}" if either else None


def _on_groups(protected: Sequence[GroupShare]) -> list[str]:
    if not protected:
        return []
    names = sorted({share.name for share in protected if share.flagged})
    if not names:
        return ["no segment and no tier treats a protected group differently"]
    represented = f"protected groups are over- or under-represented in {', '.join(names)}"
    return [f"{represented}: look at their shares before you act on these"]
