"""Which of the candidates to recommend, and the sentence that says so.

The rule, in the order of its parts:

1. Degenerate candidates are out: collapsed covariances, segments below `min_segment_share`, no optimum at all.
2. For every number of segments its best covariance type by BIC is asked whether it repeats on bootstrap samples.
3. Of those that repeat (adjusted Rand index at least 0.85, every segment's overlap at least 0.75) the lowest BIC is
   recommended, or fewer segments where that costs next to nothing. Where none repeats, the one that repeats best is
   taken, with a warning.

BIC alone goes on to ever more components on real customers, whose groups are no exact Gaussians; ICL alone stops at one
or two. Both are said, and so is the elbow of the BIC curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse_seg.mixture.curves import below_chord
from warehouse_seg.model.training import Candidate, ModelWarning
from warehouse_seg.settings import ModelSettings

MIN_STABILITY = 0.85
"""Adjusted Rand index over bootstrap refits from which on a segmentation counts as one that repeats."""

MIN_SEGMENT_STABILITY = 0.75
"""Overlap (Jaccard) with its refitted self from which on a single segment is a valid, stable one (Hennig 2007)."""

MIN_GAIN = 0.003
"""Nats per customer that further segments have to be worth, after BIC's penalty. With enough customers BIC notices any
departure from Gaussians, and splits types in two whose orders are whole numbers."""

MIN_STRUCTURE_GAIN = 0.02
"""Nats per customer that segments have to say about how features go together, beyond what they say of each alone."""

UNSTABLE = "there is no stable segmentation"


@dataclass(frozen=True)
class Recommendation:
    """The chosen candidate, why, in a sentence, and what a person should know before using it."""

    chosen: Candidate
    sentence: str
    warnings: tuple[ModelWarning, ...]


def usable(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that are not refused, fitted to the whole sample."""
    return [
        candidate
        for candidate in candidates
        if candidate.bic is not None and candidate.status != "refused"
    ]


def best_of_each_count(candidates: Sequence[Candidate]) -> list[Candidate]:
    """For every number of segments the usable candidate with the lowest BIC, by number of segments."""
    best: dict[int, Candidate] = {}
    for candidate in usable(candidates):
        other = best.get(candidate.n_components)
        if other is None or _bic(candidate) < _bic(other):
            best[candidate.n_components] = candidate
    return [best[count] for count in sorted(best)]


def recommend(
    candidates: Sequence[Candidate], settings: ModelSettings, customers: int
) -> Recommendation:
    """Choose by the rule above.

    candidates: at least one usable; stability measured for those of `best_of_each_count`
    customers: how many they were fitted on
    """
    compared = best_of_each_count(candidates)
    stable = [candidate for candidate in compared if is_stable(candidate)]
    if stable:
        enough = min(map(_bic, stable)) + 2 * MIN_GAIN * customers
        chosen = min(
            (candidate for candidate in stable if _bic(candidate) <= enough),
            key=lambda candidate: candidate.n_components,
        )
    else:
        chosen = most_stable(compared)
    sentence = _sentence(chosen, compared, settings)
    return Recommendation(chosen, sentence, tuple(warnings_for_choice(chosen, settings)))


def most_stable(candidates: Sequence[Candidate]) -> Candidate:
    """What is taken where none repeats: the candidate that repeats best, of equals the one with the lowest BIC."""
    return max(candidates, key=lambda candidate: (_stability(candidate), -_bic(candidate)))


def marked(candidates: Sequence[Candidate], chosen: Candidate) -> tuple[Candidate, ...]:
    """All candidates with their final reason, the chosen one marked."""
    return tuple(_marked(candidate, chosen) for candidate in candidates)


def is_stable(candidate: Candidate) -> bool:
    """Whether bootstrap refits give the same segmentation, as a whole and segment by segment."""
    if candidate.n_components == 1:
        return True
    return (
        _stability(candidate) >= MIN_STABILITY
        and (candidate.smallest_jaccard or 0.0) >= MIN_SEGMENT_STABILITY
    )


def elbow(candidates: Sequence[Candidate]) -> Candidate | None:
    """Where the BIC curve bends most: the greatest distance below the line from its first to its lowest point.

    None for fewer than three points, and where the curve bends nowhere (Satopää et al. 2011, *Finding a "Kneedle" in a
    Haystack*).
    """
    curve = best_of_each_count(candidates)
    lowest = min(range(len(curve)), key=lambda index: _bic(curve[index]), default=0)
    falling = curve[: lowest + 1]
    if len(falling) < 3:
        return None
    bic = np.array([_bic(candidate) for candidate in falling])
    count = np.array([candidate.n_components for candidate in falling], dtype=float)
    below = below_chord(count, bic)
    return falling[int(below.argmax())] if below.max() > 0 else None


def structure_warning(gain: float) -> ModelWarning | None:
    """What to say where shuffled columns would give as good a segmentation.

    gain: nats per customer by which the mixture describes the customers better than shuffled ones, beyond correlations
    """
    if gain >= MIN_STRUCTURE_GAIN:
        return None
    return ModelWarning(
        kind="no_structure",
        text=f"{UNSTABLE}: the segments describe the features one by one, and customers with shuffled columns as well "
        f"({gain:+z.3f} nats per customer, at least {MIN_STRUCTURE_GAIN:g} is structure). They are no groups of people",
    )


def _sentence(chosen: Candidate, compared: Sequence[Candidate], settings: ModelSettings) -> str:
    """As in: 5 segments (full): lowest BIC among stable models …; BIC alone would take 9 (not stable, …)."""
    head = f"{segments_in_words(chosen.n_components)} ({chosen.covariance_type}): "
    share = f"with every segment ≥ {settings.min_segment_share:z.0%}"
    if is_stable(chosen):
        reason = f"lowest BIC among stable models {share} (stability {_stability(chosen):z.2f})"
    else:
        reason = f"most stable {share}, but not stable (stability {_stability(chosen):z.2f}, needed {MIN_STABILITY})"
    parts = [head + reason]
    lowest = min(compared, key=_bic)
    if lowest.n_components != chosen.n_components:
        parts.append(f"BIC alone would take {lowest.n_components} ({_why_not(lowest)})")
    bend = elbow(compared)
    if bend is not None and bend.n_components not in (chosen.n_components, lowest.n_components):
        parts.append(f"its curve bends at {bend.n_components}")
    by_icl = min(compared, key=lambda candidate: candidate.icl or 0.0)
    parts.append(f"ICL says {by_icl.n_components}")
    return "; ".join(parts)


def warnings_for_choice(chosen: Candidate, settings: ModelSettings) -> list[ModelWarning]:
    """What a person should know before using the chosen candidate."""
    warnings = []
    if not is_stable(chosen):
        warnings.append(
            ModelWarning(
                kind="no_stable_segmentation",
                text=f"{UNSTABLE}: of every number of segments tried, refits on bootstrap samples move too many "
                f"customers (adjusted Rand index at most {_stability(chosen):z.2f}, {MIN_STABILITY} would repeat)",
            )
        )
    if chosen.n_components == settings.segments.max > settings.segments.min:
        warnings.append(
            ModelWarning(
                kind="bound_of_segments",
                text=f"{chosen.n_components} segments are the most that were tried: raise `model.segments.max` to see "
                "whether more would be better",
            )
        )
    if (
        chosen.n_components == settings.segments.min > 1
        and settings.segments.max > settings.segments.min
    ):
        warnings.append(
            ModelWarning(
                kind="bound_of_segments",
                text=f"{chosen.n_components} segments are the fewest that were tried: with `model.segments.min: 1` a "
                "single group is tried as well",
            )
        )
    if chosen.search_failures == 1:
        warnings.append(
            ModelWarning(
                kind="search_failures",
                text="on no bootstrap sample did a search that knows nothing reach as good a model that has not "
                "collapsed: it repeats only from where it stands. `fit --reselect` may find another one; "
                "fewer segments are safer",
            )
        )
    return warnings


def _marked(candidate: Candidate, chosen: Candidate) -> Candidate:
    if candidate is chosen:
        return candidate.model_copy(update={"status": "chosen", "reason": "recommended"})
    if candidate.status == "refused":
        return candidate
    if candidate.stability is None:
        reason = f"higher BIC than another covariance type with {candidate.n_components}"
    elif is_stable(candidate):
        reason = "higher BIC" if _bic(candidate) >= _bic(chosen) else "hardly better"
    else:
        reason = _why_not(candidate)
    return candidate.model_copy(update={"reason": reason})


def _why_not(candidate: Candidate) -> str:
    """Why a usable candidate with a low BIC was not taken."""
    if is_stable(candidate):
        return "hardly better"
    if _stability(candidate) < MIN_STABILITY:
        return f"not stable, stability {_stability(candidate):z.2f}"
    return f"one of its segments is not stable, overlap {candidate.smallest_jaccard or 0:z.2f}"


def segments_in_words(count: int) -> str:
    """`1 segment`, `6 segments`."""
    return "1 segment" if count == 1 else f"{count} segments"


def _bic(candidate: Candidate) -> float:
    return float("inf") if candidate.bic is None else candidate.bic


def _stability(candidate: Candidate) -> float:
    """0 where it was not measured; a single segment repeats always."""
    if candidate.n_components == 1:
        return 1.0
    return candidate.stability or 0.0
