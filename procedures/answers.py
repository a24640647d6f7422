"""What people write in the fields of a procedure: read, checked, shown. No database here.

A stored value is JSON:

- text, paragraph, number, date, month, e-mail, phone, choice: a text, "" when blank; a date
  is ISO (2026-12-31), a month too (2027-03), a number its digits, a choice its option's key;
- structure: `{"status", "name", "legal_form", "seat", "created_on"}`, all texts;
- table: a list of rows, each a dict with every column's key; yes/no cells are "yes", "no" or
  "". A table with fixed rows has them all, in order, each with its key under "row" (and under
  "label" what the person typed where the form leaves the label free); or no row at all;
- attachment that may come later: `{"deferred": "yes" or "", "reason"}`.

What cannot be read is kept as typed: `problems()` says what is wrong with it.
"""

from procedures.checking import Problem, attachment_problems, hard_limits, problems
from procedures.reading import is_blank, normalise, read_date, read_month, read_number, read_phone
from procedures.showing import Box, Cell, Display, as_data, display, display_size

__all__ = [
    "Box",
    "Cell",
    "Display",
    "Problem",
    "as_data",
    "attachment_problems",
    "display",
    "display_size",
    "hard_limits",
    "is_blank",
    "normalise",
    "problems",
    "read_date",
    "read_month",
    "read_number",
    "read_phone",
]
