"""The feature sets that compete where the user named no features: a handful of treatments of one order history.

Each set has a name, which the candidates of a fit carry, and a sentence on what it is for. Which of them is taken is
decided by what it predicts (`mixture/selection.py`), and the smaller one where two predict alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warehouse_seg.features.category_information import informative_categories
from warehouse_seg.features.sample import Sample
from warehouse_seg.settings import FeatureChoice

WORDS = {"recency_days": "recency", "tenure_days": "tenure", "order_count": "orders"}
"""Columns whose names are no plain words; of the others the underscores are left out."""

TASTES = 3
"""Dimensions that tastes may have: more describe who never bought what."""


@dataclass(frozen=True)
class FeatureSet:
    """Features that are fitted together.

    purpose: what it is for, in words; references: feature → the column that it is divided by
    """

    name: str
    purpose: str
    choices: tuple[FeatureChoice, ...]
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """Its features, as in `recency, orders and net spend`."""
        words = [_words(choice.name, self.references.get(choice.name)) for choice in self.choices]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

    @property
    def column_names(self) -> list[str]:
        """The columns that it is made of."""
        return list(dict.fromkeys([*(c.name for c in self.choices), *self.references.values()]))


def named_features(choices: Sequence[FeatureChoice]) -> FeatureSet:
    """The set of the features that the user named in `model.features`."""
    return FeatureSet("named", "the features of `model.features`", tuple(choices))


def order_history_sets(sample: Sample) -> list[FeatureSet]:
    """The sets of an order history; tastes only where there are categories that tell customers apart.

    sample: with the package's columns of order histories and of its categories
    """
    tastes = informative_categories(sample)
    if len(tastes) < 2:
        return list(ORDER_HISTORY_SETS)
    # All are compared with the one that most money goes to.
    whole, *others = [f"share_{category.column_suffix}" for category in tastes]
    preferred = others[:TASTES]
    return [
        *ORDER_HISTORY_SETS,
        FeatureSet(
            "tastes",
            "what customers are worth and which categories they prefer",
            _choices("recency_days", "order_count", "net_spend", *preferred),
            dict.fromkeys(preferred, whole),
        ),
    ]


def _choices(*names: str) -> tuple[FeatureChoice, ...]:
    return tuple(FeatureChoice(name=name) for name in names)


def _words(feature: str, reference: str | None) -> str:
    own = WORDS.get(feature, feature.removeprefix("share_").replace("_", " "))
    if reference is None:
        return own
    return f"{own} relative to {_words(reference, None)}"


ORDER_HISTORY_SETS = (
    FeatureSet(
        "recency and spend",
        "who is active and worth much, in two features",
        _choices("recency_days", "net_spend"),
    ),
    FeatureSet(
        "orders",
        "order behaviour: how lately, how often, how much at a time",
        _choices("recency_days", "order_count", "average_order_value"),
    ),
    FeatureSet(
        "value",
        "what customers are worth: net spend in place of the average order",
        _choices("recency_days", "order_count", "net_spend"),
    ),
    FeatureSet(
        "value and order size",
        "what customers are worth, and whether in few large orders",
        _choices("recency_days", "net_spend", "average_order_value"),
    ),
    FeatureSet(
        "rhythm",
        "recency relative to tenure, which does not age by itself with the shop",
        _choices("recency_days", "order_count", "net_spend"),
        {"recency_days": "tenure_days"},
    ),
)
"""The sets that need no categories."""
