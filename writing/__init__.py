"""A case written from a region's form: what it holds, its steps, its pages, its deposit.

Nothing here knows a letter from a health project. To add a written kind:

1. A model on `writing.models.WrittenCase`, which is abstract: its columns are the kind's own.
   `written_commitment` gives its constraint; its state machine stands on the predicates of
   `writing.rules`, and may say more than `missing_for` does.
2. A `writing.kinds.WrittenKind`: the model, the namespace of its addresses, how sentences name
   it, its official document, and what only this kind knows. `letters/writing.py` is one.
3. In `ready()`, first `writing.declaring.declare_written(…)`, which gives it its clock, its
   documents and what goes with its acts; then its own `prepares` and `records`, which stand
   instead of those for the same act and may call them; then `workflow.kinds.declare_kind`.
4. `urlpatterns = [*its own, *patterns(written(KIND))]` in its `urls.py`. Pages lead to each
   other by `writing.links.page(case, "step", key)`, in a template `{% page case 'step' key %}`.

A field that the kind keeps as rows of its own, on pages of its own, is a `writing.kinds.OwnField`,
declared by its kind of field. A page of the kind's own begins with `writing.views.access`.
"""
