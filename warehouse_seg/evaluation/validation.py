"""What can be said of a fitted segmentation to somebody who does not believe in it.

Arrays in, figures out; `commands/validate.py` reads the warehouse. Each figure answers one doubt: does the model
describe customers that it has not seen, does it come out again, are its segments apart, do they tell what customers do
next (`evaluation/predictive_power.py`), do they agree with what is known otherwise, whom do they treat differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from warehouse_seg.evaluation.predictive_power import Prediction
from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import held_out_log_likelihood
from warehouse_seg.mixture.search import COLD_START_MARGIN, Shape, best_nondegenerate_fit
from warehouse_seg.mixture.selection import MIN_SEGMENT_STABILITY, MIN_STABILITY
from warehouse_seg.mixture.stability import Stability, refitted, top_components
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.segments.matching import affinities

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

SEARCHES = 3
MERGE = float(np.exp(-0.5))
"""Bhattacharyya coefficient of two equal round Gaussians two standard deviations apart; nearer ones have one peak."""

UNEQUAL = (0.8, 1.25)
"""The four-fifths rule, both ways: a group's share in a segment over its share of all customers."""

ENOUGH = 3.0
"""Standard errors: a share that differs by less may differ by chance."""


# ------------------------------------------------------------------------------------------------ unseen customers


@dataclass(frozen=True)
class Likelihood:
    """Log density per customer in nats; higher is better.

    training: of the customers that the model was fitted on
    held_out: of every fifth customer, under the model refitted without them
    single_gaussian: of the same held-out customers, under one Gaussian for everybody
    """

    training: float
    held_out: float | None
    single_gaussian: float | None


def likelihood(
    statistics: em.SufficientStatistics, parameters: em.Parameters, shape: Shape
) -> Likelihood:
    """How well the model describes customers that it has seen, and customers that it has not."""
    _, objective = em.expectation(statistics, parameters)
    single = em.from_responsibilities(statistics, np.ones((1, len(statistics))), "full")
    return Likelihood(
        training=objective / statistics.total,
        held_out=held_out_log_likelihood(statistics, parameters, shape),
        single_gaussian=held_out_log_likelihood(statistics, single, Shape(1, "full")),
    )


# ------------------------------------------------------------------------------------------------ coming out again


@dataclass(frozen=True)
class Starts:
    """The model beside searches for its shape that know nothing of it.

    sound: of the searches, those whose best optimum has not collapsed; the figures are theirs, None without any
    agreement: mean adjusted Rand index of the top segments
    gain: nats per customer by which the best search ended better
    """

    searches: int
    sound: int
    agreement: float | None
    gain: float | None


def start_stability(
    statistics: em.SufficientStatistics, parameters: em.Parameters, shape: Shape, seed: int
) -> Starts:
    """Search the shape anew from other random starts."""
    original = top_components(statistics, parameters)
    _, objective = em.expectation(statistics, parameters)
    found = [
        fit
        for number in range(SEARCHES)
        if (fit := best_nondegenerate_fit(statistics, shape, seed + 1 + number)) is not None
    ]
    if not found:
        return Starts(SEARCHES, 0, None, None)
    again = [top_components(statistics, fit.parameters) for fit in found]
    return Starts(
        searches=SEARCHES,
        sound=len(found),
        agreement=float(np.mean([adjusted_rand_score(original, labels) for labels in again])),
        gain=(max(fit.objective for fit in found) - objective) / statistics.total,
    )


@dataclass(frozen=True)
class Window:
    """Customers as of an earlier day.

    agreement: adjusted Rand index of their top segments under the model and under a refit to them; None where that
        collapses
    """

    as_of_date: str
    customers: int
    agreement: float | None


def window_agreement(
    statistics: em.SufficientStatistics, parameters: em.Parameters, shape: Shape, seed: int
) -> float | None:
    """Whether the segments would have been the same ones on an earlier day.

    moments: the customers of that day, in the model's feature space
    """
    refit, _ = refitted(statistics, parameters, shape, seed)
    if refit is None:
        return None
    then, now = (top_components(statistics, p) for p in (refit.parameters, parameters))
    return float(adjusted_rand_score(now, then))


# ------------------------------------------------------------------------------------------------ being apart


@dataclass(frozen=True)
class Pair:
    """Two segments. affinity: Bhattacharyya coefficient, 0 apart to 1 equal; merge: whether to read them as one."""

    first: str
    second: str
    affinity: float
    merge: bool


def separation(model: SegmentModel) -> tuple[Pair, ...]:
    """Every pair of segments, those that overlap most first."""
    keys = [component.segment_key for component in model.components]
    affinity = affinities(model, model)
    pairs = [
        Pair(keys[i], keys[j], float(affinity[i, j]), bool(affinity[i, j] >= MERGE))
        for i in range(len(keys))
        for j in range(i + 1, len(keys))
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.affinity))


# ------------------------------------------------------------------------------------------------ other groupings


Counts = Sequence[Mapping[str, Any]]
"""Rows with `customers` and what they are counted by."""


@dataclass(frozen=True)
class Agreement:
    """The top segments beside a reference segmentation of the same customers; 1 where both are one, 0 as by chance."""

    reference: str
    groups: int
    customers: int
    adjusted_rand: float
    normalized_mutual_information: float


def agreement(reference: str, counts: Counts) -> Agreement:
    """counts: customers by attribute (the reference's groups) and segment_key; those without a group are left out."""
    rows = [row for row in counts if row["attribute"] is not None]
    customers = [int(row["customers"]) for row in rows]
    groups, segments = (
        np.repeat([str(row[name]) for row in rows], customers)
        for name in ("attribute", "segment_key")
    )
    return Agreement(
        reference=reference,
        groups=len(np.unique(groups)),
        customers=sum(customers),
        adjusted_rand=float(adjusted_rand_score(groups, segments)),
        normalized_mutual_information=float(normalized_mutual_info_score(groups, segments)),
    )


@dataclass(frozen=True)
class GroupShare:
    """A group of customers in one segment or tier.

    share: of the customers there; overall_share: of all customers; ratio: share / overall_share
    flagged: the ratio is below 0.8 or above 1.25, and by more than chance
    """

    kind: Literal["segment", "tier"]
    place: str
    group: str
    customers: int
    share: float
    overall_share: float
    ratio: float
    flagged: bool


def audit(counts: Counts) -> tuple[GroupShare, ...]:
    """counts: customers by attribute, segment_key and action_tier. Who is told nothing of is a group of its own."""
    kinds: tuple[tuple[Literal["segment", "tier"], str], ...] = (
        ("segment", "segment_key"),
        ("tier", "action_tier"),
    )
    overall = _sums((_group(row), row) for row in counts)
    total = sum(overall.values())
    found = []
    for kind, column in kinds:
        there = _sums((row[column], row) for row in counts)
        both = _sums(((row[column], _group(row)), row) for row in counts)
        for place in sorted(there):
            for group in sorted(overall):
                customers = both.get((place, group), 0)
                shares = customers / there[place], overall[group] / total
                found.append(_group_share(kind, place, group, customers, there[place], shares))
    return tuple(found)


def _group_share(
    kind: Literal["segment", "tier"],
    place: str,
    group: str,
    customers: int,
    there: int,
    shares: tuple[float, float],
) -> GroupShare:
    share, overall = shares
    ratio = share / overall
    error = np.sqrt(overall * (1 - overall) / there)
    unequal = not UNEQUAL[0] <= ratio <= UNEQUAL[1]
    return GroupShare(
        kind=kind,
        place=place,
        group=group,
        customers=customers,
        share=share,
        overall_share=overall,
        ratio=ratio,
        flagged=bool(unequal and abs(share - overall) > ENOUGH * error),
    )


def _group(row: Mapping[str, Any]) -> str:
    return "not told" if row["attribute"] is None else str(row["attribute"])


def _sums(keyed: Iterable[tuple[Any, Mapping[str, Any]]]) -> dict[Any, int]:
    """Key → customers of its rows."""
    sums: dict[Any, int] = {}
    for key, row in keyed:
        sums[key] = sums.get(key, 0) + int(row["customers"])
    return sums


# ------------------------------------------------------------------------------------------------ in a sentence


@dataclass(frozen=True)
class PredictivePower:
    """An earlier day, the days after it, and what descriptions of the day's customers say about them.

    bought: share of the customers who bought in the window
    """

    as_of_date: str
    window_days: int
    customers: int
    bought: float
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Validation:
    """Everything that `warehouse-seg validate` says of one model.

    segments: their keys; customers: how many were read
    time_split: None, with the reason in `without_time_split`, where there is none
    warnings: stored with the model; verdict: everything in a sentence
    """

    model_version: int
    segments: tuple[str, ...]
    customers: int
    likelihood: Likelihood
    starts: Starts
    bootstraps: Stability
    windows: tuple[Window, ...]
    pairs: tuple[Pair, ...]
    time_split: PredictivePower | None
    without_time_split: str
    reference: Agreement | None
    protected: tuple[GroupShare, ...]
    warnings: tuple[str, ...] = ()
    verdict: str = ""


def verdict(validation: Validation) -> str:
    """One sentence for whoever reads nothing else."""
    parts = [
        _on_repeating(validation),
        _on_starts(validation.starts),
        _on_overlap(validation.pairs),
        _on_the_future(validation.time_split),
        _on_groups(validation.protected),
    ]
    stored = [f" Stored with the model: {text}." for text in validation.warnings]
    return "; ".join(part for part in parts if part) + "." + "".join(stored)


def _on_repeating(validation: Validation) -> str:
    what = f"The {len(validation.segments)} segments of version {validation.model_version}"
    bootstraps = validation.bootstraps
    figure = f"{bootstraps.agreement:.2f}"
    if bootstraps.agreement < MIN_STABILITY:
        return f"{what} do not repeat on bootstrap samples ({figure}, {MIN_STABILITY} is needed): do not build on them"
    weak = [
        f"{key} {overlap:.2f}"
        for key, overlap in zip(validation.segments, bootstraps.jaccard, strict=True)
        if overlap < MIN_SEGMENT_STABILITY
    ]
    but = f", but not one by one ({', '.join(weak)})" if weak else ""
    return (
        f"{what} repeat on bootstrap samples ({figure}){but}{_on_earlier_days(validation.windows)}"
    )


def _on_starts(starts: Starts) -> str:
    if starts.gain is None:
        return "searches from other starts only collapse: fit fewer segments"
    if starts.gain > COLD_START_MARGIN:
        return (
            f"a search from other starts ends {starts.gain:.3f} nats per customer better: look at it "
            "(`warehouse-seg fit --reselect`)"
        )
    return ""


def _on_earlier_days(windows: Sequence[Window]) -> str:
    measured = [window.agreement for window in windows if window.agreement is not None]
    if not measured:
        return "; on earlier days mixtures of this shape only collapse" if windows else ""
    figure = f"{np.mean(measured):.2f}"
    if np.mean(measured) >= MIN_STABILITY:
        return f" and on earlier days ({figure})"
    return f"; a fit on an earlier day would have drawn them otherwise ({figure}): refit them as time goes on"


def _on_overlap(pairs: Sequence[Pair]) -> str:
    near = [f"{pair.first} and {pair.second}" for pair in pairs if pair.merge]
    if not near:
        return "every two of them are apart"
    return f"{', '.join(near)} overlap so much that they are better read as one"


def _on_the_future(split: PredictivePower | None) -> str:
    if split is None:
        return ""
    against = {p.by: p for p in split.predictions if p.spend or p.buying}
    said = [
        f"{_judged_in_words(against[name])} {name}"
        for name in ("RFM quintiles", "k-means labels")
        if name in against
    ]
    if not said:
        return ""
    return f"about the next {split.window_days} days memberships say {' and '.join(said)}"


def _judged_in_words(prediction: Prediction) -> str:
    words = {"better": "more than", "alike": "as much as", "worse": "less than"}
    spend, buying = prediction.spend, prediction.buying
    if spend is None or buying is None or spend == buying:
        return words[spend or buying or "alike"]
    return f"(on spend) {words[spend]} and (on buying at all) {words[buying]}"


def _on_groups(protected: Sequence[GroupShare]) -> str:
    if not protected:
        return ""
    flagged = [one for one in protected if one.flagged]
    if not flagged:
        return "no segment and no tier treats a protected group differently"
    places = sorted({one.place for one in flagged})
    return (
        f"protected groups are spread unevenly over {', '.join(places)}: see before acting on these"
    )
