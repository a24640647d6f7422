"""A case written from a region's form: what it holds, its steps, its pages, its deposit.

Nothing here knows a letter from a health project. To add a written kind:

1. A model on `writing.models.WrittenCase` (no table of its own; `written_commitment` gives the
   constraint), with its state machine on the predicates of `writing.rules`.
2. In `ready()`, `declare_written(WrittenKind(...))`: its model, the namespace of its addresses,
   how sentences name it, and what only this kind knows (`writing.kinds` says each of them).
3. `urlpatterns = patterns(written(KIND))` in its `urls.py`, beside its own pages.

A field that the kind keeps as rows of its own, on pages of its own, is a `writing.kinds.OwnField`.
"""
