"""From raw columns to what a mixture can be fitted on: transforms, clips, centres, scales, rounding variances.

Everything decided here is stored in the model's `Feature`s, so that the warehouse repeats it for every customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.features import diagnostics
from warehouse_seg.features.rounding import MONEY_OF_QUOTIENT, resolution, rounding_variance
from warehouse_seg.features.sample import customer_weights
from warehouse_seg.features.treatment import (
    NO_SPREAD,
    measured_values,
    quantiles_of,
    treated_feature,
)
from warehouse_seg.features.usable_columns import (
    independent_features,
    refuse_missing,
    refuse_unusable,
    usable_choices,
    without_the_whole,
)
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.training import ModelWarning
from warehouse_seg.model.transforms import is_measured
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]


COMFORTABLE_CUSTOMERS = 500


STRUCTURAL = {
    "days_between_orders": "Whoever bought once has no gap: nothing is missing there, and a segment of one-time buyers "
    "has no gap to tell. Better leave it to the profiles"
}
"""Values that cannot exist for some customers; taken as missing at random they are guessed from the others."""


@dataclass(frozen=True)
class Prepared:
    """The training customers as a mixture sees them.

    features: one per column; z: standardised (n, D), NaN where nothing was measured
    rounding_variance: rounding variances in the same units (n, D)
    findings: what was unusual, each with what was done about it
    weights (n,): how many customers each row stands for; None where each is itself
    """

    features: tuple[Feature, ...]
    z: Array
    rounding_variance: Array
    findings: tuple[str, ...] = ()
    weights: Array | None = None


def prepare(
    columns: dict[str, Array],
    choices: Sequence[FeatureChoice],
    *,
    named: bool = True,
    weight: str | None = None,
    references: Mapping[str, str] | None = None,
) -> Prepared:
    """Decide the treatment of every chosen column from its values, and apply it.

    columns: name → raw values (n,), NaN where nothing was measured
    named: whether a person chose the features; otherwise those that tell nothing are left out instead of refused
    weight: the column that says how many customers a row stands for
    references: feature → the column that it is divided by; shares of one whole get theirs here
    Raises UsageError for missing, non-numeric and constant columns and for fewer than 50 customers.
    """
    findings: list[str] = []
    refuse_missing(columns, [choice.name for choice in choices])
    if not named:
        refused = ", ".join(choice.name for choice in choices)
        choices, findings = usable_choices(columns, choices)
        if not choices:
            raise UsageError(
                f"found no feature that tells customers apart ({refused}: one or two values each). Look at how they "
                "are built, or name others in `model.features`"
            )
    given = references or {}
    names = list(dict.fromkeys([*(choice.name for choice in choices), *given.values()]))
    refuse_unusable(columns, names)
    doubles = _doubles(columns, names)
    choices, whole, shares = without_the_whole(doubles, choices)
    features = tuple(treated_feature(choice, doubles, {**whole, **given}) for choice in choices)
    features, collinear = independent_features(features, doubles, keep_near=named)
    return _prepared(
        doubles, features, [*findings, *shares, *collinear], customer_weights(columns, weight)
    )


def prepare_as(
    columns: dict[str, Array], features: Sequence[Feature], weight: str | None = None
) -> Prepared:
    """Apply treatments that were decided before, on other customers.

    Only the quantiles, the resolutions and the point masses become those of these customers.
    columns, weight: as `prepare` takes them
    Raises UsageError for missing, non-numeric and constant columns and for fewer than 50 customers.
    """
    names = list(dict.fromkeys(name for feature in features for name in feature.column_names))
    refuse_unusable(columns, names)
    doubles = _doubles(columns, names)
    for feature in features:
        if float(np.nanstd(feature.standardized(feature.measured(doubles)))) < NO_SPREAD:
            raise UsageError(
                f"feature {feature.feature} is constant now: it tells no customers apart. Look at how it is built, or "
                "fit without it (`warehouse-seg fit --reselect`)"
            )
    refreshed = tuple(
        f.model_copy(update={"quantiles": quantiles_of(measured_values(doubles[f.feature]))})
        for f in features
    )
    return _prepared(doubles, refreshed, (), customer_weights(columns, weight))


def _doubles(columns: dict[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """These columns, and those that say in which unit they were measured."""
    units = [MONEY_OF_QUOTIENT[name] for name in names if name in MONEY_OF_QUOTIENT]
    return {name: columns[name].astype(float) for name in [*names, *units] if name in columns}


def _prepared(
    columns: dict[str, Array],
    features: tuple[Feature, ...],
    findings: Sequence[str],
    weights: Array | None,
) -> Prepared:
    """Features with their treatment decided, applied to columns."""
    z, rounding_variances, measured_as, notes = [], [], [], list(findings)
    for feature in features:
        values = feature.measured(columns)
        standardized = feature.standardized(values)
        known = feature.model_copy(update={"resolution": _resolution(feature, columns)})
        widened, point_masses = diagnostics.spread(standardized, rounding_variance(known, values))
        z.append(standardized)
        rounding_variances.append(widened)
        measured_as.append(_with_point_masses(known, values, widened, point_masses))
        notes += _missing_in_words(feature.feature, values)
        notes += [_point_mass_in_words(feature, values, point_masses)] if point_masses else []
        notes += diagnostics.tail_findings(feature.feature, standardized)
    return Prepared(
        tuple(measured_as),
        np.column_stack(z),
        np.column_stack(rounding_variances),
        tuple(notes),
        weights,
    )


def _with_point_masses(
    feature: Feature,
    values: Array,
    rounding_variance: Array,
    point_masses: Sequence[diagnostics.PointMass],
) -> Feature:
    """The feature with the values that many share, so that the warehouse gives them the same rounding variance."""
    clipped = feature.clipped(values)
    shared = tuple(
        (float(clipped[mass.rows][0]), float(rounding_variance[mass.rows][0]))
        for mass in point_masses
    )
    return feature.model_copy(update={"point_masses": shared})


def _resolution(feature: Feature, columns: dict[str, Array]) -> float:
    """Of a plain column its unit; a ratio of shares is exact but for its point masses."""
    return resolution(feature.feature, columns) if feature.reference is None else 0.0


def warnings_for(prepared: Prepared) -> list[ModelWarning]:
    """What a person should know before trusting a fit on these customers."""
    count = len(prepared.z)
    if count >= COMFORTABLE_CUSTOMERS:
        return []
    few = (
        f"{count} customers are few for a mixture (at least {COMFORTABLE_CUSTOMERS} are comfortable): "
        "expect segments that do not repeat"
    )
    return [ModelWarning(kind="few_customers", text=few)]


def _missing_in_words(name: str, values: Array) -> list[str]:
    missing = 1 - float(is_measured(values).mean())
    if not missing:
        return []
    known = f"{name}: not measured for {missing:.1%} of the customers; their memberships rest on what was measured"
    why = STRUCTURAL.get(name)
    return [known if why is None else f"{known}. {why}"]


def _point_mass_in_words(
    feature: Feature, values: Array, point_masses: Sequence[diagnostics.PointMass]
) -> str:
    largest = point_masses[0]
    value = float(feature.clipped(values[largest.rows])[0])
    more = f", {len(point_masses) - 1} more values are like it" if len(point_masses) > 1 else ""
    return (
        f"{feature.feature}: {largest.share:.1%} of the customers have {value:g}{more}; taken as rounded to the width "
        f"over which the values around it are as frequent ({largest.width:.2f} standard deviations)"
    )
