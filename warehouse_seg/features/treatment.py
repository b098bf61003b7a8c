"""The treatment of one column: its transform, clips, centre and scale, decided from its values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.transforms import TRANSFORMS, is_measured
from warehouse_seg.model.values import TransformName
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]


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
    "net_spend": "log",
    "days_between_orders": "log1p",
    "category_count": "log1p",
    "category_entropy": "identity",
}
"""The package's own features; spend in a category is log, its share identity.

Money is taken by its logarithm, never by log1p: ln(1 + x) in cents is another shape than in dollars, ln(x) the same one
moved. Nothing, and less than nothing, is taken as the lowest spend that is common among those who spent."""


SMALLEST_SHARE = 0.005
"""A share is told from nothing from here on; below it a ratio of shares would be all noise."""


SMALLEST_DAYS = 1.0
"""Days are counted in whole ones: whoever first bought today has been a customer for one."""


def measured_values(values: Array) -> Array:
    """The values (m,) among (n,) that were measured."""
    return values[is_measured(values)]


def quantiles_of(measured: Array) -> dict[str, float]:
    """Share of the customers → raw value, for profiles and drift."""
    return {str(q): float(np.quantile(measured, q)) for q in QUANTILES}


def treated_feature(
    choice: FeatureChoice, columns: dict[str, Array], references: Mapping[str, str]
) -> Feature:
    """The treatment of one column. references: feature → the column that it is divided by."""
    raw = Feature(feature=choice.name)
    if choice.name in references:
        floor = SMALLEST_SHARE if choice.name.startswith("share_") else SMALLEST_DAYS
        raw = raw.model_copy(update={"reference": references[choice.name], "floor": floor})
    measured = measured_values(raw.measured(columns))
    transform = choice.transform or (
        "log" if raw.reference else _default_transform(choice.name, measured)
    )
    low, high = _clips(choice, transform, measured)
    if raw.floor == SMALLEST_SHARE and choice.clip is None:
        # No ratio lies below it: both parts are at least the floor, and at most one.
        low = raw.floor
    if low is not None and high is not None and high < low:
        raise UsageError(
            f"feature {choice.name}: its upper clip ({high:g}) lies below the lowest value that `{transform}` "
            f"leaves ({low:g}). In `model.features` widen `clip`, or choose another transform"
        )
    own = measured_values(columns[choice.name])
    draft = Feature(
        feature=choice.name,
        transform=transform,
        reference=raw.reference,
        floor=raw.floor,
        clip_low=low,
        clip_high=high,
        median=float(np.median(own)),
        quantiles=quantiles_of(own),
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
        return "log"
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
