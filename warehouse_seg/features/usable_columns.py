"""Which columns a mixture can be fitted on: those that tell customers apart and do not follow from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.features import diagnostics
from warehouse_seg.features.treatment import measured_values
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.transforms import is_measured
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]


MIN_CUSTOMERS = 50


def usable_choices(
    columns: dict[str, Array], choices: Sequence[FeatureChoice]
) -> tuple[list[FeatureChoice], list[str]]:
    """The choices without constants and flags, which a mixture of Gaussians cannot use, and what was left out."""
    kept, findings = [], []
    for choice in choices:
        values = columns[choice.name].astype(float)
        measured = measured_values(values)
        if not len(measured) or measured.min() == measured.max():
            findings.append(f"{choice.name}: one value only; left out")
        elif diagnostics.is_flag(measured):
            findings.append(f"{choice.name}: two values only, a group and no measure; left out")
        else:
            kept.append(choice)
    return kept, findings


def without_the_whole(
    columns: dict[str, Array], choices: Sequence[FeatureChoice]
) -> tuple[Sequence[FeatureChoice], dict[str, str], list[str]]:
    """Shares of one whole without the largest, which is what the others leave and makes every covariance singular.

    The others are taken as logarithms of their ratio to it (Aitchison 1982), but where a person chose a transform.
    Also returned: share → the largest, for the ratios; and what was done, in words.
    """
    parts = diagnostics.parts_of_one(columns, [choice.name for choice in choices])
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


def independent_features(
    features: tuple[Feature, ...], columns: dict[str, Array], *, keep_near: bool
) -> tuple[tuple[Feature, ...], list[str]]:
    """The features without those that follow from the ones before them.

    keep_near: whether those that nearly follow stay, since a person named them; two that say the same fight in every
        reason
    """
    kept: tuple[Feature, ...] = ()
    findings = []
    for feature in features:
        z = np.column_stack([f.standardized(f.measured(columns)) for f in (*kept, feature)])
        left = float(diagnostics.unexplained(z)[-1])
        others = ", ".join(other.feature for other in kept)
        if left < diagnostics.EXACTLY_COLLINEAR:
            findings.append(f"{feature.feature}: follows from {others}; left out")
            continue
        if left < diagnostics.NEARLY_COLLINEAR and not keep_near:
            findings.append(
                f"{feature.feature}: {1 - left:.1%} of it follows from {others}; left out"
            )
            continue
        if left < diagnostics.NEARLY_COLLINEAR:
            findings.append(
                f"{feature.feature}: {1 - left:.1%} of it follows from the features before it; kept, "
                "but leaving it out of `model.features` would cost little"
            )
        kept = (*kept, feature)
    return kept, findings


def refuse_missing(columns: dict[str, Array], names: Sequence[str]) -> None:
    """Refuse columns that are not there, naming the nearest."""
    for name in names:
        if name not in columns:
            raise UsageError(
                f"found no column {name} among the features{nearest(name, columns)} "
                f"(there are: {', '.join(columns)}). Correct `model.features`"
            )


def refuse_unusable(columns: dict[str, Array], names: Sequence[str]) -> None:
    """Refuse what no treatment can mend, naming the column and the way out."""
    refuse_missing(columns, names)
    for name in names:
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
