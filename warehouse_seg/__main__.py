"""`python -m warehouse_seg` is `warehouse-seg`."""

from warehouse_seg.cli.app import main

main()
