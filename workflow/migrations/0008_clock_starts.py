"""Start the clock of the letters deposited before the portal kept a ledger."""

from django.conf import settings
from django.db import migrations

# The period runs from the first reception (CRPA, L. 114-3); a withdrawal has stopped it.
START = """
    INSERT INTO workflow_clockevent (case_id, kind, effective_on, reason, entered_at)
    SELECT c.id, 'start', (c.deposited_at AT TIME ZONE %(zone)s)::date,
           'Réception de la lettre sur le portail.', now()
      FROM workflow_case c
     WHERE c.deposited_at IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM workflow_clockevent e
            WHERE e.case_id = c.id AND e.kind = 'start' AND e.cancels_id IS NULL
              AND NOT EXISTS (SELECT FROM workflow_clockevent k WHERE k.cancels_id = e.id))
"""
END = """
    INSERT INTO workflow_clockevent (case_id, kind, effective_on, reason, entered_at)
    SELECT c.id, 'end', (log.at AT TIME ZONE %(zone)s)::date,
           'La CPTS a retiré sa lettre.', now()
      FROM workflow_case c
      JOIN LATERAL (
           SELECT max(at) AS at FROM workflow_transitionlog l
            WHERE l.case_id = c.id AND l.transition = 'withdraw') log ON log.at IS NOT NULL
     WHERE c.state = 'withdrawn'
       AND NOT EXISTS (
           SELECT FROM workflow_clockevent e
            WHERE e.case_id = c.id AND e.kind = 'end' AND e.cancels_id IS NULL)
"""
# Every procedure published so far gives two months.
COPY = """
    UPDATE workflow_case c
       SET clock_state = CASE WHEN c.state = 'withdrawn' THEN 'ended' ELSE 'running' END,
           deadline_on = CASE WHEN c.state = 'withdrawn' THEN NULL
               ELSE (started.effective_on + interval '2 months')::date END
      FROM workflow_clockevent started
     WHERE started.case_id = c.id AND started.kind = 'start' AND c.clock_state = 'not_started'
"""


def start_clocks(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for statement in (START, END, COPY):
            cursor.execute(statement, {"zone": settings.TIME_ZONE})


class Migration(migrations.Migration):
    dependencies = [("workflow", "0007_desks")]

    # Lines of the ledger are never deleted: going back leaves them.
    operations = [migrations.RunPython(start_clocks, migrations.RunPython.noop)]
