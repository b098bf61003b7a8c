"""The verdict on a model: its validation, whether a simpler method is enough, its stored warnings."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_seg.evaluation.audit import GroupShare
from warehouse_seg.evaluation.certainty import Certainty
from warehouse_seg.evaluation.repeatability import are_stable, on_earlier_days, repeatability
from warehouse_seg.evaluation.separation import SegmentPair
from warehouse_seg.evaluation.validation import Validation
from warehouse_seg.mixture.selection import MIN_SEGMENT_STABILITY


def verdict(validation: Validation) -> str:
    """For readers who read nothing else: a sentence on the segments, whether a simpler method is enough, warnings."""
    clauses = [
        *_on_stability(validation),
        _on_overlap(validation.pairs),
        *_on_certainty(validation.certainty),
        *_on_groups(validation.protected),
    ]
    warnings = [f"Warning stored with the model: {_sentence(text)}" for text in validation.warnings]
    simpler = validation.simpler_methods.sentence
    return " ".join([_sentence("; ".join(clauses)), _sentence(simpler), *warnings])


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def _on_stability(validation: Validation) -> list[str]:
    """On single segments and earlier days only where the segments are stable as a whole."""
    segments = f"The {len(validation.segments)} segments of version {validation.model_version}"
    bootstraps, windows = validation.bootstraps, validation.windows
    sentence = repeatability(segments, bootstraps, validation.starts, windows)
    if not are_stable([bootstraps.agreement]):
        return [sentence]
    return [sentence, *_on_unstable_segments(validation), *on_earlier_days(windows)]


def _on_unstable_segments(validation: Validation) -> list[str]:
    unstable = [
        f"{key} ({overlap:z.2f})"
        for key, overlap in zip(validation.segments, validation.bootstraps.jaccard, strict=True)
        if overlap < MIN_SEGMENT_STABILITY
    ]
    return [f"single segments are not stable: {', '.join(unstable)}"] if unstable else []


def _on_overlap(pairs: Sequence[SegmentPair]) -> str:
    near = [f"{pair.first} with {pair.second}" for pair in pairs if pair.merge]
    if not near:
        return "all segments are separate"
    return f"some segments overlap so much that each pair is one group: {', '.join(near)}"


def _on_certainty(certainty: Certainty) -> list[str]:
    return [certainty.suspicion] if certainty.suspicion else []


def _on_groups(protected: Sequence[GroupShare]) -> list[str]:
    if not protected:
        return []
    names = sorted({share.name for share in protected if share.flagged})
    if not names:
        return ["no segment and no tier treats a protected group differently"]
    represented = f"protected groups are over- or under-represented in {', '.join(names)}"
    return [f"{represented}: look at their shares before you act on these"]
