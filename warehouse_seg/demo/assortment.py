"""What the shop sells: products with list prices in cents, a few of which nobody put into a category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from warehouse_seg.demo.customer_types import CATEGORIES
from warehouse_seg.demo.streams import random_stream

VARIANTS = ("mini", "small", "classic", "large", "double", "box")
UNCATEGORISED_SHARE = 0.02
NO_CATEGORY = -1

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Shelf(NamedTuple):
    """What a category holds, and its lowest and highest list price in euros."""

    goods: tuple[str, ...]
    lowest: float
    highest: float


SHELVES = {
    "Pantry": Shelf(
        ("Flour", "Spaghetti", "Tinned tomatoes", "Rice", "Muesli", "Honey", "Olive oil"), 0.79, 39
    ),
    "Household & cleaning": Shelf(
        ("Sponges", "Bin bags", "Glass cleaner", "Kitchen roll", "Dishwasher tabs", "Detergent"),
        0.99,
        59,
    ),
    "Fresh food": Shelf(
        ("Salad", "Bread", "Apples", "Yoghurt", "Eggs", "Cheese", "Salmon"), 0.89, 49
    ),
    "Baby & child": Shelf(
        ("Porridge", "Baby wipes", "Formula milk", "Bodysuit", "Nappies"), 2.49, 79
    ),
    "Wine & spirits": Shelf(
        ("Riesling", "Chianti", "Rioja", "Pinot noir", "Crémant", "Gin"), 4.99, 149
    ),
    "Drinks": Shelf(("Mineral water", "Cola", "Apple juice", "Elderflower syrup"), 0.69, 29),
    "Delicatessen": Shelf(
        ("Antipasti", "Pesto", "Pralines", "Serrano ham", "Truffle oil"), 3.49, 99
    ),
    "Toys & gifts": Shelf(
        ("Scented candle", "Puzzle", "Board game", "Plush bear", "Vase"), 4.99, 159
    ),
    "Beauty & care": Shelf(("Toothpaste", "Shampoo", "Hand cream", "Perfume"), 1.49, 69),
    "Pets": Shelf(("Cat food", "Dog food", "Cat litter"), 0.99, 49),
    "Café & tea": Shelf(("Green tea", "Drinking chocolate", "Espresso beans"), 2.99, 39),
    "Home textiles": Shelf(("Tea towels", "Towel", "Cushion cover", "Bed linen"), 3.99, 89),
    "Stationery": Shelf(("Greeting card", "Notebook"), 1.99, 29),
}


@dataclass(frozen=True)
class Assortment:
    """One entry for each product; the products of one category lie together, the cheapest first.

    category_index: position in `CATEGORIES`, or `NO_CATEGORY`; shelf_start: first product of each category, and the end
    """

    names: tuple[str, ...]
    category_index: IntArray
    list_price_cents: IntArray
    shelf_start: IntArray

    def nearest_in_price(self, category: IntArray, price_cents: FloatArray) -> IntArray:
        """For each wish (category, price) the position of the product whose price comes nearest, in ratio."""
        nearest = np.empty(category.size, dtype=np.int64)
        for index in range(len(CATEGORIES)):
            wishes = np.flatnonzero(category == index)
            start, end = self.shelf_start[index : index + 2]
            prices = self.list_price_cents[start:end]
            borders = np.sqrt(prices[:-1] * prices[1:])
            nearest[wishes] = start + np.searchsorted(borders, price_cents[wishes])
        return nearest


def draw_assortment(seed: int) -> Assortment:
    """The products of the shop: always the same, but for those that are in no category."""
    names: list[str] = []
    prices: list[IntArray] = []
    for category in CATEGORIES:
        goods, lowest, highest = SHELVES[category]
        names += [f"{good}, {variant}" for variant in VARIANTS for good in goods]
        prices.append(_price_points(lowest, highest, len(VARIANTS) * len(goods)))
    sizes = [shelf.size for shelf in prices]
    category_index = np.repeat(np.arange(len(CATEGORIES)), sizes)
    is_uncategorised = random_stream(seed, "assortment").random(len(names)) < UNCATEGORISED_SHARE
    return Assortment(
        names=tuple(names),
        category_index=np.where(is_uncategorised, NO_CATEGORY, category_index),
        list_price_cents=np.concatenate(prices),
        shelf_start=np.concatenate([[0], np.cumsum(sizes)]),
    )


def _price_points(lowest: float, highest: float, count: int) -> IntArray:
    """Prices in equal steps of the logarithm, each ending in 9 cents as on a shelf."""
    tenths = np.rint(np.geomspace(lowest, highest, count) * 10).astype(np.int64)
    cents: IntArray = 10 * tenths - 1
    return cents
