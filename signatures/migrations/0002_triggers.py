from django.db import migrations

# A signature is written once, and only while its campaign is open: what no CHECK can say, since
# it reads another row. FOR SHARE: whoever closes the campaign waits for the signatures under way,
# and those that come after it are refused.
GUARD = """
CREATE FUNCTION signatures_signature_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'signature_written_once: a signature is never changed nor deleted.'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'signature_written_once';
    END IF;
    PERFORM FROM signatures_campaign
      WHERE id = NEW.campaign_id AND state = 'open' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'signature_campaign_open: nothing is signed in a campaign that has ended.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'signature_campaign_open';
    END IF;
    RETURN NEW;
END
$guard$;
CREATE TRIGGER signatures_signature_guard BEFORE INSERT OR UPDATE OR DELETE
    ON signatures_signature FOR EACH ROW EXECUTE FUNCTION signatures_signature_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("signatures", "0001_initial")]

    operations = [migrations.RunSQL(GUARD)]
