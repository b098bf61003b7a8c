"""What a model says of time that nothing had seen, as it was measured when it was fitted. It changes no score."""

from __future__ import annotations

from warehouse_seg.model.values import Frozen, SegmentKey


class SourceForecast(Frozen):
    """How well one source predicts the window; None where too little was bought to say.

    source: memberships first, then what they have to beat; spend_r2, buying_auc, buying_log_loss: as `validate` gives
    *_ahead: how much better memberships predict, *_error its standard error; None for memberships themselves
    """

    source: str
    spend_r2: float | None = None
    buying_auc: float | None = None
    buying_log_loss: float | None = None
    spend_r2_ahead: float | None = None
    spend_r2_error: float | None = None
    buying_auc_ahead: float | None = None
    buying_auc_error: float | None = None


class SegmentForecast(Frozen):
    """What the customers of one segment did in the window, each counted by membership, with 95 % intervals.

    customers: the sum of the memberships; bought: share who bought; spend: mean net spend, zeros included
    """

    segment_key: SegmentKey
    customers: float
    bought: float
    bought_low: float
    bought_high: float
    spend: float
    spend_low: float
    spend_high: float


class ModelForecast(Frozen):
    """Fitted on one day, frozen, applied to a later one, and measured on the window after that.

    fitted_as_of_date, as_of_date: both days; customers: of the later one
    sources: how well a mixture of the model's shape predicts; segments: what the customers of each of the model's own
        segments did
    """

    fitted_as_of_date: str
    as_of_date: str
    window_days: int
    customers: int
    bought: float
    sources: tuple[SourceForecast, ...] = ()
    segments: tuple[SegmentForecast, ...] = ()
