"""The customer types planted in the demo shop: who shops there, and how.

Each type is what a marketer would write on one card: how many there are, how lately and how often they buy, what a
basket is worth, what is in it. Within one type the logarithms of these are nearly normal, so the truth is a mixture of
the kind that is fitted to it. The types overlap as real ones do: fitted with six segments to recency, order count and
order value, the mean top membership is 0.90, and one customer in five stays below 0.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CATEGORIES = (
    "Pantry",
    "Household & cleaning",
    "Fresh food",
    "Baby & child",
    "Wine & spirits",
    "Drinks",
    "Delicatessen",
    "Toys & gifts",
    "Beauty & care",
    "Pets",
    "Café & tea",
    "Home textiles",
    "Stationery",
)

AGE_BANDS = ("18-29", "30-44", "45-59", "60+")


@dataclass(frozen=True)
class CustomerType:
    """One planted type; medians in plain units, spreads as standard deviations of logarithms."""

    name: str
    share_of_customers: float
    recency_days: float
    recency_spread: float
    order_count: float
    order_count_spread: float
    basket_value: float
    basket_value_spread: float
    lines_per_order: float
    days_between_orders: float
    gift_pull: float
    """How much more than others the type buys on the best day of the gift season, in usual days."""
    discount: float
    """Share of the lines bought at a reduced price."""
    basket: Mapping[str, float]
    """Relative frequency of a category among the lines; a category left out is hardly bought."""
    age_shares: tuple[float, float, float, float]
    leans_to: tuple[str, ...]
    """The types with which a blended customer of this type may share habits."""


CUSTOMER_TYPES = (
    CustomerType(
        name="premium parents",
        share_of_customers=0.09,
        recency_days=20,
        recency_spread=0.75,
        order_count=12,
        order_count_spread=0.50,
        basket_value=84,
        basket_value_spread=0.30,
        lines_per_order=4.4,
        days_between_orders=60,
        gift_pull=0.2,
        discount=0.10,
        basket={
            "Baby & child": 30,
            "Fresh food": 28,
            "Pantry": 14,
            "Household & cleaning": 12,
            "Drinks": 6,
            "Beauty & care": 5,
            "Toys & gifts": 3,
            "Wine & spirits": 2,
        },
        age_shares=(0.17, 0.70, 0.12, 0.01),
        leans_to=("thrifty households", "wine & deli lovers"),
    ),
    CustomerType(
        name="thrifty households",
        share_of_customers=0.16,
        recency_days=30,
        recency_spread=0.80,
        order_count=10,
        order_count_spread=0.55,
        basket_value=36,
        basket_value_spread=0.30,
        lines_per_order=3.4,
        days_between_orders=66,
        gift_pull=0.1,
        discount=0.40,
        basket={
            "Pantry": 44,
            "Household & cleaning": 30,
            "Drinks": 12,
            "Fresh food": 7,
            "Pets": 4,
            "Beauty & care": 2,
            "Café & tea": 1,
        },
        age_shares=(0.20, 0.35, 0.28, 0.17),
        leans_to=("premium parents", "lapsed regulars"),
    ),
    CustomerType(
        name="wine & deli lovers",
        share_of_customers=0.08,
        recency_days=65,
        recency_spread=0.75,
        order_count=4.5,
        order_count_spread=0.50,
        basket_value=124,
        basket_value_spread=0.35,
        lines_per_order=3.6,
        days_between_orders=120,
        gift_pull=1.5,
        discount=0.08,
        basket={
            "Wine & spirits": 52,
            "Delicatessen": 30,
            "Fresh food": 7,
            "Café & tea": 5,
            "Drinks": 4,
            "Toys & gifts": 2,
        },
        age_shares=(0.06, 0.24, 0.42, 0.28),
        leans_to=("premium parents", "occasional gift buyers"),
    ),
    CustomerType(
        name="lapsed regulars",
        share_of_customers=0.15,
        recency_days=270,
        recency_spread=0.40,
        order_count=5,
        order_count_spread=0.50,
        basket_value=45,
        basket_value_spread=0.35,
        lines_per_order=3.2,
        days_between_orders=80,
        gift_pull=0.1,
        discount=0.25,
        basket={
            "Pantry": 42,
            "Household & cleaning": 28,
            "Fresh food": 10,
            "Drinks": 10,
            "Beauty & care": 3,
            "Baby & child": 4,
            "Pets": 3,
        },
        age_shares=(0.28, 0.34, 0.24, 0.14),
        leans_to=("thrifty households",),
    ),
    CustomerType(
        name="occasional gift buyers",
        share_of_customers=0.19,
        recency_days=196,
        recency_spread=0.18,
        order_count=1.0,
        order_count_spread=0.20,
        basket_value=70,
        basket_value_spread=0.35,
        lines_per_order=1.8,
        days_between_orders=170,
        gift_pull=4.0,
        discount=0.08,
        basket={
            "Toys & gifts": 56,
            "Wine & spirits": 16,
            "Delicatessen": 12,
            "Beauty & care": 9,
            "Stationery": 4,
            "Café & tea": 3,
        },
        age_shares=(0.22, 0.30, 0.30, 0.18),
        leans_to=("wine & deli lovers", "one-time bargain hunters"),
    ),
    CustomerType(
        name="one-time bargain hunters",
        share_of_customers=0.33,
        recency_days=265,
        recency_spread=0.38,
        order_count=1,
        order_count_spread=0.0,
        basket_value=18,
        basket_value_spread=0.35,
        lines_per_order=2.0,
        days_between_orders=60,
        gift_pull=0.0,
        discount=0.70,
        basket={
            "Home textiles": 32,
            "Beauty & care": 26,
            "Toys & gifts": 16,
            "Stationery": 9,
            "Household & cleaning": 6,
            "Pantry": 6,
            "Café & tea": 5,
        },
        age_shares=(0.34, 0.31, 0.22, 0.13),
        leans_to=("occasional gift buyers",),
    ),
)
