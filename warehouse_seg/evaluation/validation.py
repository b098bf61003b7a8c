"""Everything that `warehouse-seg validate` measures of one model.

Each figure answers one doubt: does the model describe customers that it was not fitted on (`likelihood`), do other
starts, samples and days give the same segments (`starts`, `mixture/stability`, `windows`), are the segments apart
(`separation`), do they predict what customers do next (`predictive_power`), do they agree with a known segmentation
(`reference`), do they treat groups alike (`audit`). `validation_verdict` puts it into a sentence.

Arrays in, figures out; `commands/validate.py` reads the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_seg.evaluation.audit import GroupShare
from warehouse_seg.evaluation.certainty import Certainty
from warehouse_seg.evaluation.likelihood import Likelihood
from warehouse_seg.evaluation.predictive_power import PredictivePower
from warehouse_seg.evaluation.reference import ReferenceAgreement
from warehouse_seg.evaluation.separation import SegmentPair
from warehouse_seg.evaluation.simpler_methods import SimplerMethods
from warehouse_seg.evaluation.starts import StartStability
from warehouse_seg.evaluation.windows import Window
from warehouse_seg.mixture.stability import Stability
from warehouse_seg.project.time_split import Unavailable


@dataclass(frozen=True)
class Validation:
    """The figures of one model.

    segments: their keys; customers: how many rows were read
    windows: earlier days, each with the share of every segment; shares: those of today, by membership
    certainty: how certain memberships are, and what pattern makes them so
    predictive_power: Unavailable, with a reason, where no earlier day can be looked at
    simpler_methods: the same verdict as `compare` gives
    reference: None, protected: empty where no such column was asked for
    warnings: texts stored with the model
    """

    model_version: int
    segments: tuple[str, ...]
    customers: int
    likelihood: Likelihood
    starts: StartStability
    bootstraps: Stability
    windows: tuple[Window, ...]
    shares: tuple[float, ...]
    certainty: Certainty
    pairs: tuple[SegmentPair, ...]
    predictive_power: PredictivePower | Unavailable
    simpler_methods: SimplerMethods
    reference: ReferenceAgreement | None
    protected: tuple[GroupShare, ...]
    warnings: tuple[str, ...] = ()
