"""From raw columns to what a mixture can be fitted on: transforms, clips, centres, scales, rounding variances.

Everything decided here is stored in the model's `Feature`s, so that the warehouse repeats it for every customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.features import diagnostics as diagnosis
from warehouse_seg.model.feature import Category, Feature, TransformName
from warehouse_seg.model.training import ModelWarning
from warehouse_seg.model.transforms import TRANSFORMS, is_measured
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]

MIN_CUSTOMERS = 50
COMFORTABLE_CUSTOMERS = 500
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
LOW_CLIP_QUANTILE = 0.001
NO_SPREAD = 1e-9
HEAVY_SKEW = 1.0
"""Above this skewness a ready-made column is taken on a logarithmic scale."""

KNOWN_TRANSFORMS: dict[str, TransformName] = {
    "recency_days": "log",
    "order_count": "log",
    "average_order_value": "log",
    "tenure_days": "log",
    "net_spend": "signed_log1p",
    "days_between_orders": "log1p",
    "category_count": "log1p",
    "category_entropy": "identity",
}
"""The package's own features; category spend is log1p, category share identity."""

KNOWN_RESOLUTIONS = {"average_order_value": 0.01}
"""Units of measurement that the values do not show: a quotient of cents is no multiple of a cent."""

STRUCTURAL = {
    "days_between_orders": "Whoever bought once has no gap: nothing is missing there, and a segment of one-time buyers "
    "has no gap to tell. Better leave it to the profiles"
}
"""Values that cannot exist for some customers; taken as missing at random they are guessed from the others."""

SMALLEST_SHARE = 0.005
"""A share is told from nothing from here on; below it a ratio of shares would be all noise."""

RESOLUTIONS = (1.0, 0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True)
class Sample:
    """What a fit reads of its customers.

    columns: name → raw values (n,), NaN where nothing was measured
    population_rows: customers that the sample stands for
    categories: those that have columns of their own
    """

    columns: dict[str, Array]
    population_rows: int
    as_of_date: str | None = None
    categories: tuple[Category, ...] = ()

    @property
    def rows(self) -> int:
        """How many customers were read."""
        return len(next(iter(self.columns.values())))

    def weights(self, name: str | None) -> Array | None:
        """The column that says how many customers a row stands for (n,). Raises UsageError where it cannot be one."""
        return _weights(self.columns, name)


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
) -> Prepared:
    """Decide the treatment of every chosen column from its values, and apply it.

    columns: name → raw values (n,), NaN where nothing was measured
    named: whether a person chose the features; otherwise those that tell nothing are left out instead of refused
    weight: the column that says how many customers a row stands for
    Raises UsageError for missing, non-numeric and constant columns and for fewer than 50 customers.
    """
    findings: list[str] = []
    if not named:
        choices, findings = _telling(columns, choices)
    _refuse_unusable(columns, [choice.name for choice in choices])
    doubles = {choice.name: columns[choice.name].astype(float) for choice in choices}
    choices, whole, shares = _without_the_whole(doubles, choices)
    features = tuple(_feature(choice, doubles, whole) for choice in choices)
    features, collinear = _independent(features, doubles)
    return _prepared(doubles, features, [*findings, *shares, *collinear], _weights(columns, weight))


def prepare_as(
    columns: dict[str, Array], features: Sequence[Feature], weight: str | None = None
) -> Prepared:
    """Apply treatments that were decided before, on other customers.

    Only the quantiles, the resolutions and the point masses become those of these customers.
    columns, weight: as `prepare` takes them
    Raises UsageError for missing, non-numeric and constant columns and for fewer than 50 customers.
    """
    names = list(dict.fromkeys(name for feature in features for name in feature.column_names))
    _refuse_unusable(columns, names)
    doubles = {name: columns[name].astype(float) for name in names}
    for feature in features:
        if float(np.nanstd(feature.standardized(feature.measured(doubles)))) < NO_SPREAD:
            raise UsageError(
                f"feature {feature.feature} is constant now: it tells no customers apart. Look at how it is built, or "
                "fit without it (`warehouse-seg fit --reselect`)"
            )
    refreshed = tuple(
        f.model_copy(update={"quantiles": _quantiles(_measured(doubles[f.feature]))})
        for f in features
    )
    return _prepared(doubles, refreshed, (), _weights(columns, weight))


def _prepared(
    columns: dict[str, Array],
    features: tuple[Feature, ...],
    findings: Sequence[str],
    weights: Array | None,
) -> Prepared:
    """Features with their treatment decided, applied to columns."""
    z, rounding_variances, measured_as, found = [], [], [], list(findings)
    for feature in features:
        values = feature.measured(columns)
        standardized = feature.standardized(values)
        known = feature.model_copy(update={"resolution": _resolution(feature, values)})
        widened, point_masses = diagnosis.spread(standardized, rounding_variance(known, values))
        z.append(standardized)
        rounding_variances.append(widened)
        measured_as.append(_with_point_masses(known, values, widened, point_masses))
        found += _missing_in_words(feature.feature, values)
        found += [_point_mass_in_words(feature, values, point_masses)] if point_masses else []
        found += diagnosis.tail_findings(feature.feature, standardized)
    return Prepared(
        tuple(measured_as),
        np.column_stack(z),
        np.column_stack(rounding_variances),
        tuple(found),
        weights,
    )


def rounding_variance(feature: Feature, values: Array) -> Array:
    """Measured values (n,) → (q T'(x) / scale)^2 / 12 (n,), the variance that rounding to unit q left (Sheppard).

    Where the value was clipped its slope is taken at the clip; 0 where nothing was measured.
    """
    slope = TRANSFORMS[feature.transform].derivative(feature.clipped(values))
    result: Array = (feature.resolution * slope / feature.scale) ** 2 / 12
    return np.nan_to_num(result)


def _with_point_masses(
    feature: Feature,
    values: Array,
    rounding_variance: Array,
    point_masses: Sequence[diagnosis.PointMass],
) -> Feature:
    """The feature with the values that many share, so that the warehouse gives them the same rounding variance."""
    clipped = feature.clipped(values)
    shared = tuple(
        (float(clipped[one.rows][0]), float(rounding_variance[one.rows][0])) for one in point_masses
    )
    return feature.model_copy(update={"point_masses": shared})


def _resolution(feature: Feature, values: Array) -> float:
    """Of a plain column its unit; a ratio of shares is exact but for its point masses."""
    return resolution(feature.feature, values) if feature.reference is None else 0.0


def _weights(columns: dict[str, Array], name: str | None) -> Array | None:
    """The column that says how many customers a row stands for. Raises UsageError where it cannot be one."""
    if name is None:
        return None
    if name not in columns:
        raise UsageError(
            f"found no column {name} among the features{nearest(name, columns)}; `model.weight` names a numeric column "
            "that says how many customers a row stands for"
        )
    weights = columns[name].astype(float)
    if not (is_measured(weights) & (weights >= 0)).all() or weights.sum() <= 0:
        raise UsageError(
            f"found weights in {name} that are missing, negative or all zero; a weight says how many customers a row "
            "stands for: give every row one of at least 0"
        )
    return weights


def resolution(name: str, values: Array) -> float:
    """The unit that a column was measured in: the largest power of ten that all values are multiples of, or 0.

    Spend in a category is measured in whole units of money: between nothing and a cent lies nobody's behaviour.
    """
    if name in KNOWN_RESOLUTIONS:
        return KNOWN_RESOLUTIONS[name]
    if name.startswith("spend_"):
        return 1.0
    measured = values[is_measured(values)]
    for unit in RESOLUTIONS:
        steps = measured / unit
        if np.allclose(steps, np.round(steps), rtol=0, atol=1e-6):
            return unit
    return 0.0


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


def _measured(values: Array) -> Array:
    return values[is_measured(values)]


def _quantiles(measured: Array) -> dict[str, float]:
    return {str(q): float(np.quantile(measured, q)) for q in QUANTILES}


def _missing_in_words(name: str, values: Array) -> list[str]:
    missing = 1 - float(is_measured(values).mean())
    if not missing:
        return []
    known = f"{name}: not measured for {missing:.1%} of the customers; their memberships rest on what was measured"
    why = STRUCTURAL.get(name)
    return [known if why is None else f"{known}. {why}"]


def _telling(
    columns: dict[str, Array], choices: Sequence[FeatureChoice]
) -> tuple[list[FeatureChoice], list[str]]:
    """The choices without constants and flags, which a mixture of Gaussians cannot use, and what was left out."""
    kept, findings = [], []
    for choice in choices:
        values = columns[choice.name].astype(float)
        measured = _measured(values)
        if not len(measured) or measured.min() == measured.max():
            findings.append(f"{choice.name}: one value only; left out")
        elif diagnosis.is_flag(measured):
            findings.append(f"{choice.name}: two values only, a group and no measure; left out")
        else:
            kept.append(choice)
    return kept, findings


def _without_the_whole(
    columns: dict[str, Array], choices: Sequence[FeatureChoice]
) -> tuple[Sequence[FeatureChoice], dict[str, str], list[str]]:
    """Shares of one whole without the largest, which is what the others leave and makes every covariance singular.

    The others are taken as logarithms of their ratio to it (Aitchison 1982), but where a person chose a transform.
    Also returned: share → the largest, for the ratios; and what was done, in words.
    """
    parts = diagnosis.parts_of_one(columns, [choice.name for choice in choices])
    if not parts:
        return choices, {}, []
    largest = max(parts, key=lambda name: float(np.nanmean(columns[name])))
    others = [choice for choice in choices if choice.name != largest]
    ratios = {c.name: largest for c in others if c.name in parts and c.transform is None}
    treated = (
        f"{', '.join(ratios)}: taken as ln(share / {largest})" if ratios else "the others tell it"
    )
    together = ", ".join(name for name in parts if name != largest)
    return others, ratios, [f"{largest}: with {together} it sums to 1; left out. {treated}"]


def _independent(
    features: tuple[Feature, ...], columns: dict[str, Array]
) -> tuple[tuple[Feature, ...], list[str]]:
    """The features without those that follow from the ones before them."""
    kept: tuple[Feature, ...] = ()
    findings = []
    for feature in features:
        z = np.column_stack([f.standardized(f.measured(columns)) for f in (*kept, feature)])
        left = float(diagnosis.unexplained(z)[-1])
        if left < diagnosis.EXACTLY_COLLINEAR:
            others = ", ".join(other.feature for other in kept)
            findings.append(f"{feature.feature}: follows from {others}; left out")
            continue
        if left < diagnosis.NEARLY_COLLINEAR:
            findings.append(
                f"{feature.feature}: {1 - left:.1%} of it follows from the features before it; kept, "
                "but leaving it out of `model.features` would cost little"
            )
        kept = (*kept, feature)
    return kept, findings


def _point_mass_in_words(
    feature: Feature, values: Array, point_masses: Sequence[diagnosis.PointMass]
) -> str:
    largest = point_masses[0]
    value = float(feature.clipped(values[largest.rows])[0])
    more = f", {len(point_masses) - 1} more values are like it" if len(point_masses) > 1 else ""
    return (
        f"{feature.feature}: {largest.share:.1%} of the customers have {value:g}{more}; taken as rounded to the width "
        f"over which the values around it are as frequent ({largest.width:.2f} standard deviations)"
    )


def _feature(
    choice: FeatureChoice, columns: dict[str, Array], wholes: Mapping[str, str]
) -> Feature:
    """The treatment of one column. wholes: share → the share that it is divided by."""
    raw = Feature(feature=choice.name)
    if choice.name in wholes:
        raw = raw.model_copy(update={"reference": wholes[choice.name], "floor": SMALLEST_SHARE})
    measured = _measured(raw.measured(columns))
    transform = choice.transform or (
        "log" if raw.reference else _default_transform(choice.name, measured)
    )
    low, high = _clips(choice, transform, measured)
    if raw.floor is not None and choice.clip is None:
        # No ratio lies below it: both parts are at least the floor, and at most one.
        low = raw.floor
    if low is not None and high is not None and high < low:
        raise UsageError(
            f"feature {choice.name}: its upper clip ({high:g}) lies below the lowest value that `{transform}` "
            f"leaves ({low:g}). In `model.features` widen `clip`, or choose another transform"
        )
    own = _measured(columns[choice.name])
    draft = Feature(
        feature=choice.name,
        transform=transform,
        reference=raw.reference,
        floor=raw.floor,
        clip_low=low,
        clip_high=high,
        median=float(np.median(own)),
        quantiles=_quantiles(own),
    )
    transformed = TRANSFORMS[transform].array(draft.clipped(measured))
    scale = float(transformed.std())
    if scale < NO_SPREAD * max(1.0, float(np.abs(transformed).max())):
        raise UsageError(
            f"feature {choice.name} is constant ({measured.flat[0]:g}) after {transform} and clips: "
            "it tells no customers apart. Leave it out of `model.features`, or widen its clip"
        )
    return draft.model_copy(update={"center": float(transformed.mean()), "scale": scale})


def _default_transform(name: str, measured: Array) -> TransformName:
    if name in KNOWN_TRANSFORMS:
        return KNOWN_TRANSFORMS[name]
    if name.startswith("spend_"):
        return "log1p"
    if name.startswith("share_"):
        return "identity"
    spread = float(measured.std())
    skew = float(((measured - measured.mean()) ** 3).mean()) / spread**3 if spread > 0 else 0.0
    if abs(skew) <= HEAVY_SKEW:
        return "identity"
    return "log1p" if measured.min() >= 0 else "signed_log1p"


def _clips(
    choice: FeatureChoice, transform: TransformName, measured: Array
) -> tuple[float | None, float | None]:
    """The raw values at the chosen quantiles; a low clip always where the transform needs one."""
    low_quantile, high_quantile = choice.clip or (None, None)
    low = None if low_quantile is None else float(np.quantile(measured, low_quantile))
    high = None if high_quantile is None else float(np.quantile(measured, high_quantile))
    if TRANSFORMS[transform].lowest is None or (low is not None and low > 0):
        return low, high
    if transform != "log":
        return 0.0, high
    positive = measured[measured > 0]
    if not len(positive):
        raise UsageError(
            f"feature {choice.name} has no positive value, and `log` needs some. "
            "Choose another transform (signed_log1p, identity) in `model.features`"
        )
    return float(np.quantile(positive, LOW_CLIP_QUANTILE)), high


def _refuse_unusable(columns: dict[str, Array], names: Sequence[str]) -> None:
    """Refuse what no treatment can mend, naming the column and the way out."""
    for name in names:
        if name not in columns:
            raise UsageError(
                f"found no column {name} among the features{nearest(name, columns)} "
                f"(there are: {', '.join(columns)}). Correct `model.features`"
            )
        values = columns[name]
        if values.dtype.kind not in "iufb":
            raise UsageError(
                f"feature {name} is not a number; a mixture takes numeric columns only. "
                "Leave it out of `model.features`, or turn it into a number in the feature model"
            )
        needed = max(MIN_CUSTOMERS, 10 * len(names))
        count = int(is_measured(values).sum())
        if count < needed:
            raise UsageError(
                f"feature {name} is measured for {count} customers, needed at least {needed} "
                f"for {len(names)} features. Fit on more customers, or with fewer features"
            )
