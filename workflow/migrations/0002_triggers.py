"""What no model says: the ledger written once, the words of a search, the copies desks read."""

from django.db import migrations

# Rows are never changed nor deleted, whoever asks; and a counter-event points to an event of
# the same case and kind that is not itself one: what no CHECK can say, since it reads two rows.
# The row pointed to cannot change afterwards, so looking at the insertion is enough.
LEDGER = """
CREATE FUNCTION workflow_clockevent_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'The ledger of a clock is written once: correct it by a counter-event.'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clock_event_written_once';
    END IF;
    IF NEW.cancels_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflow_clockevent AS target
         WHERE target.id = NEW.cancels_id
           AND target.case_id = NEW.case_id
           AND target.kind = NEW.kind
           AND target.cancels_id IS NULL
    ) THEN
        RAISE EXCEPTION 'A counter-event cancels an event of its own case and kind.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'clock_event_cancels_its_own_case';
    END IF;
    RETURN NEW;
END
$guard$;
CREATE TRIGGER workflow_clockevent_guard BEFORE INSERT OR UPDATE OR DELETE
    ON workflow_clockevent FOR EACH ROW EXECUTE FUNCTION workflow_clockevent_guard();
"""

# French words whatever their accents: « communautés » is found by « communaute ». The accents
# that the stemmer knows (« infirmière », « infirmier ») are read a second time with them on.
WORDS = """
CREATE TEXT SEARCH CONFIGURATION portal_french (COPY = pg_catalog.french);
ALTER TEXT SEARCH CONFIGURATION portal_french
    ALTER MAPPING FOR hword, hword_part, word, asciiword, asciihword, hword_asciipart
    WITH public.unaccent, pg_catalog.french_stem;
CREATE FUNCTION sorted_as_written(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $function$
    SELECT lower(public.unaccent('public.unaccent'::regdictionary, written))
$function$;
CREATE FUNCTION search_words(written text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $function$
    SELECT to_tsvector('public.portal_french'::regconfig, written)
        || array_to_tsvector(ARRAY(
               SELECT public.unaccent('public.unaccent'::regdictionary, lexeme)
                 FROM unnest(to_tsvector('pg_catalog.french'::regconfig, written))
                WHERE public.unaccent('public.unaccent'::regdictionary, lexeme) <> ''))
$function$;
CREATE FUNCTION search_query(words text[], ending text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET client_min_messages = 'warning' AS $function$
DECLARE
    word text;
    found tsquery := '';
    accented tsquery;
BEGIN
    FOREACH word IN ARRAY words LOOP
        accented := to_tsquery('pg_catalog.french'::regconfig, word || ending);
        CONTINUE WHEN numnode(accented) = 0;
        found := found && (
            to_tsquery('public.portal_french'::regconfig, word || ending)
            || public.unaccent('public.unaccent'::regdictionary, accented::text)::tsquery);
    END LOOP;
    RETURN found;
END
$function$;
"""

# The lists of each desk copy the case and its desks: what every column sorts by, what is to be
# signed, the state as their desk knows it. Triggers keep the copy, because a case, its desks and
# its signatures are written from many places and a list that lies is worse than none. A contract
# is on the desks of its parties from its draft on: there is something to do on it.
LINES = """
CREATE FUNCTION workflow_inbox_tab(kind text, state text, instructor bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$
    SELECT CASE
        WHEN kind IN ('consulted', 'informed') THEN kind
        WHEN state IN ('deposited', 'under_review') AND instructor IS NULL THEN 'to_take'
        WHEN state IN ('deposited', 'under_review', 'decision_proposed', 'draft', 'to_sign')
            THEN 'to_decide'
        WHEN state = 'in_consultation' THEN 'opinions'
        WHEN state = 'completion_requested' THEN 'lead'
        ELSE 'decided' END
$function$;
CREATE FUNCTION workflow_inbox_to_sign(the_case bigint, desk bigint, kind text) RETURNS boolean
LANGUAGE sql STABLE AS $function$
    SELECT EXISTS (
        SELECT FROM workflow_decision d JOIN workflow_decisionparty p ON p.decision_id = d.id
         WHERE d.case_id = the_case AND d.state = 'proposed'
           AND (p.organisation_id = desk
                OR kind = 'in_charge' AND p.organisation_id = (
                    SELECT o.parent_id FROM accounts_organisation o WHERE o.id = desk))
           AND NOT EXISTS (
               SELECT FROM workflow_approval a WHERE a.party_id = p.id AND a.voided_at IS NULL))
$function$;
CREATE VIEW workflow_inbox_expected AS
    SELECT d.organisation_id, p.code AS department_code, d.case_id, d.kind, c.kind AS case_kind,
           workflow_inbox_tab(d.kind, c.state, c.instructor_id) AS tab,
           CASE WHEN c.state = 'decision_proposed' AND d.kind <> 'in_charge'
                THEN 'under_review' ELSE c.state END AS state,
           CASE WHEN c.state = 'decision_proposed'
                THEN workflow_inbox_to_sign(c.id, d.organisation_id, d.kind)
                ELSE false END AS to_sign,
           c.size_class, c.instructor_id,
           -- A contract is on desks before it is deposited: since it was opened.
           coalesce(c.deposited_at, c.created_at) AS deposited_at, c.deadline_on,
           coalesce(c.reference, '') AS reference, sorted_as_written(c.title) AS title_key,
           c.population, c.department_codes AS departments
      FROM workflow_casedesk d
      JOIN workflow_case c ON c.id = d.case_id
     CROSS JOIN LATERAL (SELECT '' UNION SELECT unnest(c.department_codes)) p (code);
CREATE FUNCTION workflow_inbox_refresh_lines(the_case bigint) RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM workflow_inboxline l
     WHERE l.case_id = the_case
       AND NOT EXISTS (
           SELECT FROM workflow_inbox_expected e
            WHERE e.case_id = the_case AND e.organisation_id = l.organisation_id
              AND e.department_code = l.department_code);
    INSERT INTO workflow_inboxline AS l
           (organisation_id, department_code, case_id, kind, case_kind, tab, state, to_sign,
            size_class, instructor_id, deposited_at, deadline_on, reference, title_key,
            population, departments)
    SELECT e.* FROM workflow_inbox_expected e WHERE e.case_id = the_case
        ON CONFLICT (organisation_id, department_code, case_id) DO UPDATE
       SET (kind, case_kind, tab, state, to_sign, size_class, instructor_id, deposited_at,
            deadline_on, reference, title_key, population, departments)
         = (EXCLUDED.kind, EXCLUDED.case_kind, EXCLUDED.tab, EXCLUDED.state, EXCLUDED.to_sign,
            EXCLUDED.size_class, EXCLUDED.instructor_id, EXCLUDED.deposited_at,
            EXCLUDED.deadline_on, EXCLUDED.reference, EXCLUDED.title_key, EXCLUDED.population,
            EXCLUDED.departments)
     WHERE (l.kind, l.case_kind, l.tab, l.state, l.to_sign, l.size_class, l.instructor_id,
            l.deposited_at, l.deadline_on, l.reference, l.title_key, l.population, l.departments)
           IS DISTINCT FROM
           (EXCLUDED.kind, EXCLUDED.case_kind, EXCLUDED.tab, EXCLUDED.state, EXCLUDED.to_sign,
            EXCLUDED.size_class, EXCLUDED.instructor_id, EXCLUDED.deposited_at,
            EXCLUDED.deadline_on, EXCLUDED.reference, EXCLUDED.title_key, EXCLUDED.population,
            EXCLUDED.departments);
END
$function$;
"""

# The search documents copy the lists their case is on: a search looks in no other table.
SEARCH = """
CREATE VIEW workflow_search_expected AS
    SELECT c.id AS case_id, c.kind AS case_kind, c.deposited_at,
           ARRAY(SELECT l.organisation_id || ':' || l.department_code
                   FROM workflow_inboxline l WHERE l.case_id = c.id
                  ORDER BY l.organisation_id, l.department_code) AS lists
      FROM workflow_case c;
CREATE FUNCTION workflow_search_write() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    SELECT e.case_kind, e.deposited_at, e.lists
      INTO NEW.case_kind, NEW.deposited_at, NEW.lists
      FROM workflow_search_expected e WHERE e.case_id = NEW.case_id;
    RETURN NEW;
END
$function$;
CREATE TRIGGER workflow_search_write BEFORE INSERT
    ON workflow_searchdocument FOR EACH ROW EXECUTE FUNCTION workflow_search_write();
"""

FOLLOW = """
CREATE FUNCTION workflow_inbox_refresh(the_case bigint) RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh_lines(the_case);
    UPDATE workflow_searchdocument s
       SET (case_kind, deposited_at, lists) = (e.case_kind, e.deposited_at, e.lists)
      FROM workflow_search_expected e
     WHERE s.case_id = the_case AND e.case_id = the_case
       AND (s.case_kind, s.deposited_at, s.lists::text[])
           IS DISTINCT FROM (e.case_kind, e.deposited_at, e.lists);
END
$function$;
CREATE FUNCTION workflow_inbox_follow_desk() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(coalesce(NEW.case_id, OLD.case_id));
    RETURN NULL;
END
$function$;
CREATE FUNCTION workflow_inbox_follow_case() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(NEW.id);
    RETURN NULL;
END
$function$;
CREATE FUNCTION workflow_inbox_follow_decision() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(coalesce(NEW.case_id, OLD.case_id));
    RETURN NULL;
END
$function$;
CREATE FUNCTION workflow_inbox_follow_party() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(d.case_id) FROM workflow_decision d
      WHERE d.id = coalesce(NEW.decision_id, OLD.decision_id);
    RETURN NULL;
END
$function$;
CREATE FUNCTION workflow_inbox_follow_approval() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(d.case_id)
       FROM workflow_decisionparty p JOIN workflow_decision d ON d.id = p.decision_id
      WHERE p.id = coalesce(NEW.party_id, OLD.party_id);
    RETURN NULL;
END
$function$;
CREATE FUNCTION workflow_inbox_follow_parent() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM workflow_inbox_refresh(c.id) FROM workflow_case c
      WHERE c.office_id = NEW.id AND c.state = 'decision_proposed';
    RETURN NULL;
END
$function$;
CREATE TRIGGER workflow_inbox_follow_desk AFTER INSERT OR UPDATE OR DELETE
    ON workflow_casedesk FOR EACH ROW EXECUTE FUNCTION workflow_inbox_follow_desk();
CREATE TRIGGER workflow_inbox_follow_case AFTER UPDATE ON workflow_case FOR EACH ROW
    WHEN ((OLD.state, OLD.instructor_id, OLD.size_class, OLD.department_codes, OLD.deposited_at,
           OLD.deadline_on, OLD.reference, OLD.title, OLD.population)
          IS DISTINCT FROM
          (NEW.state, NEW.instructor_id, NEW.size_class, NEW.department_codes, NEW.deposited_at,
           NEW.deadline_on, NEW.reference, NEW.title, NEW.population))
    EXECUTE FUNCTION workflow_inbox_follow_case();
CREATE TRIGGER workflow_inbox_follow_decision AFTER INSERT OR DELETE OR UPDATE OF state
    ON workflow_decision FOR EACH ROW EXECUTE FUNCTION workflow_inbox_follow_decision();
CREATE TRIGGER workflow_inbox_follow_party AFTER INSERT OR UPDATE OR DELETE
    ON workflow_decisionparty FOR EACH ROW EXECUTE FUNCTION workflow_inbox_follow_party();
CREATE TRIGGER workflow_inbox_follow_approval AFTER INSERT OR UPDATE OR DELETE
    ON workflow_approval FOR EACH ROW EXECUTE FUNCTION workflow_inbox_follow_approval();
CREATE TRIGGER workflow_inbox_follow_parent AFTER UPDATE OF parent_id
    ON accounts_organisation FOR EACH ROW EXECUTE FUNCTION workflow_inbox_follow_parent();
"""

# Counts once for each transaction that changes a period, as it commits: nobody waits for another
# longer than that, and no order of locks is at stake.
COVERAGE = """
CREATE FUNCTION workflow_coverage_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workflow_coveragerevision (id, revision, changed_in)
    VALUES (1, 1, txid_current())
    ON CONFLICT (id) DO UPDATE
       SET revision = workflow_coveragerevision.revision + 1, changed_in = excluded.changed_in
     WHERE workflow_coveragerevision.changed_in <> excluded.changed_in;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER workflow_coverage_follows
    AFTER INSERT OR UPDATE OR DELETE ON workflow_territoryperiod
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION workflow_coverage_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("workflow", "0001_initial")]

    operations = [
        migrations.RunSQL(sql) for sql in (LEDGER, WORDS, LINES, SEARCH, FOLLOW, COVERAGE)
    ]
