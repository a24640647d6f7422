"""What every document found is sorted by stands at the head of its row, before its words.

A search reads the day of hundreds of documents, and the words of a hundred: behind the words, the
day was as long to read. Nothing is found along the days any more.
"""

from django.db import migrations

DAY_FIRST = """
CREATE TEMP TABLE kept ON COMMIT DROP AS
    SELECT case_id, deposited_at, case_kind, lists, names, texts, body
      FROM workflow_searchdocument;
DROP TABLE workflow_searchdocument;
CREATE TABLE workflow_searchdocument (
    case_id bigint NOT NULL PRIMARY KEY,
    deposited_at timestamp with time zone,
    case_kind varchar(30) NOT NULL,
    lists varchar(30)[] NOT NULL,
    names tsvector NOT NULL,
    texts tsvector NOT NULL,
    body text NOT NULL
);
INSERT INTO workflow_searchdocument SELECT * FROM kept;
CREATE INDEX search_names ON workflow_searchdocument USING gin (names) WITH (fastupdate = off);
CREATE INDEX search_texts ON workflow_searchdocument USING gin (texts) WITH (fastupdate = off);
ALTER TABLE workflow_searchdocument
    ADD CONSTRAINT workflow_searchdocument_case_id_fk_workflow_case_id
        FOREIGN KEY (case_id) REFERENCES workflow_case (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TRIGGER workflow_search_write BEFORE INSERT
    ON workflow_searchdocument FOR EACH ROW EXECUTE FUNCTION workflow_search_write();
"""


class Migration(migrations.Migration):
    dependencies = [("workflow", "0004_contracted_territory")]

    operations = [
        migrations.RunSQL(
            DAY_FIRST,
            reverse_sql="CREATE INDEX search_newest"
            " ON workflow_searchdocument (deposited_at, case_id);",
            state_operations=[migrations.RemoveIndex("searchdocument", "search_newest")],
        ),
    ]
