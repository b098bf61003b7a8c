"""How features, categories and numbers are put into words."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_COLUMN_WORDS = 26
"""Characters of a column's or a category's words in a name; further words are left out."""

LONGEST_WORD = 60
"""A name has room for two such words, graded. What is longer is nobody's word: an address, a code."""

UNREADABLE = "a long name"
"""Stands for a word that is longer than that: a part of it would be another word."""

OF_THEIR_MONEY = " of their money"
"""Stands once in a sentence."""


@dataclass(frozen=True)
class Words:
    """How a feature is put into words.

    low, high: as a part of a name
    verb, phrase: as a part of a sentence, over the typical value; `{unit}` is the singular or the plural
    """

    low: str
    high: str
    verb: str
    phrase: str
    unit: tuple[str, str] = ("", "")

    def clause(self, value: str) -> str:
        """The phrase with this value and its unit. No str.format: a column may be named {0}."""
        unit = self.unit[0 if value == "1" else 1]
        return self.phrase.replace("{unit}", unit).replace("{value}", value)


DAYS = ("day", "days")

KNOWN_WORDS = {
    "recency_days": Words("recent", "lapsed", "last ordered", "{value} {unit} ago", DAYS),
    "order_count": Words("infrequent", "frequent", "placed", "{value} {unit}", ("order", "orders")),
    "average_order_value": Words("small baskets", "large baskets", "spend", "{value} an order"),
    "net_spend": Words("low spend", "high spend", "spent", "{value} in all"),
    "tenure_days": Words("new", "long-standing", "first ordered", "{value} {unit} ago", DAYS),
    "days_between_orders": Words(
        "short gaps", "long gaps", "let", "{value} {unit} pass between orders", DAYS
    ),
    "category_count": Words(
        "few categories", "many categories", "buy in", "{value} {unit}", ("category", "categories")
    ),
    "category_entropy": Words("focused", "varied", "spread their spend by", "{value} nats"),
}

RATIO_WORDS = {
    ("recency_days", "tenure_days"): Words(
        "recent", "lapsed", "have ordered nothing for", "{value} of their time as customers"
    ),
}
"""Ratios that people have words for; their values are said in percent."""

GRADED_WORDS = {
    "very lapsed": "long lapsed",
    "rather lapsed": "fading",
    "very one-time": "one-time",
    "rather one-time": "one-time",
}
"""Where people have another word for a graded adjective, or do not grade it."""


def place_in_order_history(feature: str) -> int:
    """Where a feature stands in names and sentences: recency first, unknown features last."""
    names = list(KNOWN_WORDS)
    return names.index(feature) if feature in names else len(names)


def words_of_column(name: str) -> str:
    """A column's name as words: whole ones, and an ellipsis where further ones are left out.

    >>> words_of_column("share_of_purchases_in_the_first_week")
    'share of purchases in …'
    """
    first, *others = name.replace("_", " ").split() or [name]
    text = first if len(first) <= LONGEST_WORD else UNREADABLE
    for place, word in enumerate(others):
        room = LONGEST_COLUMN_WORDS - (0 if place == len(others) - 1 else len(" …"))
        if len(text) + 1 + len(word) > room:
            return f"{text} …"
        text = f"{text} {word}"
    return text


def readable_number(value: float) -> str:
    """A number for reading: two digits below ten, whole above."""
    text = f"{value:z,.0f}" if abs(value) >= 9.95 else f"{value:z.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
