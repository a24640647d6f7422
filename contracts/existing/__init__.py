"""Contracts signed before the portal: read from a file, shown row by row, then taken over.

`columns.py` says what the file holds, `cells.py` how a cell is read, `checking.py` and `checks/`
what each row would do, `applying.py` does it in the worker, `scans.py` attaches the scanned
contracts.
"""
