"""A realistic shop whose customers' types are known, as a small dbt project to look at and to copy."""

from warehouse_seg.demo.shop import DEFAULT_CUSTOMERS, DEFAULT_SEED, Shop, generate_shop
from warehouse_seg.demo.writer import WrittenShop, write_shop

__all__ = [
    "DEFAULT_CUSTOMERS",
    "DEFAULT_SEED",
    "Shop",
    "WrittenShop",
    "generate_shop",
    "write_shop",
]
