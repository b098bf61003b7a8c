"""What a model says of time that nothing has seen, measured when it is fitted and stored with it.

How well its segments predict is measured by a mixture of its shape that is fitted on the first day and frozen. What the
customers of each segment do is counted in the segments that people know: the model as it is, applied to what was known
on the second day. Only where the segments lie was learnt later; no outcome is in them. A mixture of the first day has
other segments, and EM that starts from today's moves them to others: neither says what today's do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from warehouse_seg.evaluation.prediction import Prediction
from warehouse_seg.evaluation.predictive_power import (
    MEMBERSHIPS,
    RFM_QUINTILES,
    PredictivePower,
    predictive_power,
)
from warehouse_seg.events import Emit, Event, silent
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.predictive_selection import figures_in_words
from warehouse_seg.model.forecast import ModelForecast, SegmentForecast, SourceForecast
from warehouse_seg.model.gaussian import memberships_of
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.time_split import TimeSplit, Unavailable

Array = NDArray[np.float64]

QUANTILE = 1.959964
"""Of the normal distribution, for intervals of 95 %."""


def with_forecast(
    model: SegmentModel, time_split: TimeSplit | Unavailable, seed: int, emit: Emit = silent
) -> SegmentModel:
    """The model with its forecast, where the history allows one."""
    if isinstance(time_split, Unavailable):
        return model
    shape = Shape(len(model.components), model.covariance_type)
    with threadpool_limits(1):
        power = predictive_power(time_split, model.features, shape, seed)
        if isinstance(power, Unavailable):
            emit(Event.progress(f"no forecast: {power.reason}"))
            return model
        segments = segment_forecasts(model, time_split)
    emit(Event.step(_in_words(power)))
    forecast = ModelForecast(
        fitted_as_of_date=power.fitted_as_of_date,
        as_of_date=power.as_of_date,
        window_days=power.window_days,
        customers=power.customers,
        bought=power.bought,
        sources=tuple(map(_source, power.predictions)),
        segments=segments,
    )
    training = model.training.model_copy(update={"forecast": forecast})
    return model.model_copy(update={"training": training})


def segment_forecasts(model: SegmentModel, time_split: TimeSplit) -> tuple[SegmentForecast, ...]:
    """What the customers of each segment, as the model tells them apart, did in the second window."""
    second = time_split.second
    memberships = memberships_of(model.log_joint(second.columns)).T
    bought = second.next_orders > 0
    return tuple(
        _segment_forecast(component.segment_key, own, bought, second.next_spend)
        for component, own in zip(model.components, memberships, strict=True)
    )


def _segment_forecast(
    key: str, memberships: Array, bought: NDArray[np.bool_], spend: Array
) -> SegmentForecast:
    """Means by membership (n,); the interval of a share is Wilson's, that of spend normal."""
    total = float(memberships.sum())
    # By membership as many customers tell as much as so many whole ones (Kish 1965).
    effective = total**2 / max(float((memberships**2).sum()), 1e-300)
    share = float((memberships * bought).sum()) / total
    mean = float((memberships * spend).sum()) / total
    error = float(np.sqrt((memberships**2 * (spend - mean) ** 2).sum())) / total
    low, high = wilson_interval(share, effective)
    return SegmentForecast(
        segment_key=key,
        customers=total,
        bought=share,
        bought_low=low,
        bought_high=high,
        spend=mean,
        spend_low=mean - QUANTILE * error,
        spend_high=mean + QUANTILE * error,
    )


def wilson_interval(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share of so many (Wilson 1927).

    >>> [round(bound, 3) for bound in wilson_interval(0.1, 100)]
    [0.055, 0.174]
    """
    widened = 1 + QUANTILE**2 / count
    center = share + QUANTILE**2 / (2 * count)
    half = QUANTILE * np.sqrt(share * (1 - share) / count + QUANTILE**2 / (4 * count**2))
    return float((center - half) / widened), float((center + half) / widened)


def _source(prediction: Prediction) -> SourceForecast:
    spend, auc = prediction.spend_r2_ahead, prediction.buying_auc_ahead
    return SourceForecast(
        source=prediction.source,
        spend_r2=prediction.spend_r2,
        buying_auc=prediction.buying_auc,
        buying_log_loss=prediction.buying_log_loss,
        spend_r2_ahead=spend.value if spend else None,
        spend_r2_error=spend.standard_error if spend else None,
        buying_auc_ahead=auc.value if auc else None,
        buying_auc_error=auc.standard_error if auc else None,
    )


def _in_words(power: PredictivePower) -> str:
    """What is said after a fit."""
    by_source = {prediction.source: prediction for prediction in power.predictions}
    own, rfm = by_source[MEMBERSHIPS], by_source[RFM_QUINTILES]
    figures = figures_in_words(own.spend_r2, own.buying_auc)
    if not figures:
        return f"too few bought in the {power.window_days} days after {power.as_of_date} to measure a prediction"
    return (
        f"of the {power.window_days} days after {power.as_of_date}, which nothing has seen, memberships predict: "
        f"{figures} (RFM quintiles: {figures_in_words(rfm.spend_r2, rfm.buying_auc)})"
    )
