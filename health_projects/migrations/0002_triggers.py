from django.db import migrations

# A coordinator and the members among the actors are members of the CPTS of the project: no
# constraint reads another table, a trigger does.
MEMBERS_ONLY = """
CREATE FUNCTION action_sheet_coordinator_is_a_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.coordinator_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM members_member AS member
          JOIN workflow_case AS project ON project.community_id = member.community_id
         WHERE member.id = NEW.coordinator_id AND project.id = NEW.project_id
    ) THEN
        RAISE EXCEPTION 'the coordinator is not a member of this CPTS' USING
            ERRCODE = 'check_violation', CONSTRAINT = 'action_sheet_coordinator_is_a_member';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER action_sheet_coordinator_is_a_member
    BEFORE INSERT OR UPDATE OF coordinator_id, project_id ON health_projects_actionsheet
    FOR EACH ROW EXECUTE FUNCTION action_sheet_coordinator_is_a_member();

CREATE FUNCTION sheet_actor_is_a_member_of_the_cpts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.member_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM members_member AS member
          JOIN workflow_case AS project ON project.community_id = member.community_id
          JOIN health_projects_actionsheet AS sheet ON sheet.project_id = project.id
         WHERE member.id = NEW.member_id AND sheet.id = NEW.sheet_id
    ) THEN
        RAISE EXCEPTION 'the actor is not a member of this CPTS' USING
            ERRCODE = 'check_violation', CONSTRAINT = 'sheet_actor_is_a_member_of_the_cpts';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sheet_actor_is_a_member_of_the_cpts
    BEFORE INSERT OR UPDATE OF member_id, sheet_id ON health_projects_sheetactor
    FOR EACH ROW EXECUTE FUNCTION sheet_actor_is_a_member_of_the_cpts();
"""


class Migration(migrations.Migration):
    dependencies = [("health_projects", "0001_initial")]

    operations = [migrations.RunSQL(MEMBERS_ONLY)]
