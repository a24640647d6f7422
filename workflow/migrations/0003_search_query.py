"""A word that reads the same with its accents and without is looked for once, not twice."""

from django.db import migrations

ONCE = """
CREATE OR REPLACE FUNCTION search_query(words text[], ending text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET client_min_messages = 'warning' AS $function$
DECLARE
    word text;
    found tsquery := '';
    plain tsquery;
    accented tsquery;
BEGIN
    FOREACH word IN ARRAY words LOOP
        accented := to_tsquery('pg_catalog.french'::regconfig, word || ending);
        CONTINUE WHEN numnode(accented) = 0;
        plain := to_tsquery('public.portal_french'::regconfig, word || ending);
        accented := public.unaccent('public.unaccent'::regdictionary, accented::text)::tsquery;
        found := found && CASE WHEN plain = accented THEN plain ELSE plain || accented END;
    END LOOP;
    RETURN found;
END
$function$;
"""
TWICE = """
CREATE OR REPLACE FUNCTION search_query(words text[], ending text) RETURNS tsquery
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


class Migration(migrations.Migration):
    dependencies = [("workflow", "0002_triggers")]

    operations = [migrations.RunSQL(ONCE, reverse_sql=TWICE)]
