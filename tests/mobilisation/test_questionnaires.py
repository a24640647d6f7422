"""A questionnaire from its draft to its end: the lead prepares it, the URPS opens it with them."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from mobilisation import services
from mobilisation.models import Questionnaire
from notifications.models import Notification
from outbox.services import deliver_pending
from procedures.questionnaires import (
    QuestionnaireFileError,
    choose_model,
    model_for_region,
    models,
    parse_models,
)
from procedures.registry import registry
from tests import factories
from tests.mobilisation import polling
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


# --- The questions of a region --------------------------------------------------------------------


def test_a_region_without_questions_of_its_own_asks_the_national_ones() -> None:
    assert [model_for_region(code).key for code in ("76", "32", "11")] == [
        "occitanie", "national", "national"]  # fmt: skip


def test_the_questions_of_a_day_are_those_that_have_begun() -> None:
    first = min(one.valid_from for one in models())
    with pytest.raises(LookupError, match="Aucun modèle"):
        choose_model(models(), "76", first - timedelta(days=1))


def test_every_place_a_model_names_is_in_the_letter_of_its_procedure() -> None:
    letters = {one.key: one for one in registry().procedures}
    for model in models():
        for places in model.letters:
            procedure = letters[places.procedure]
            keys = {field.key for field in procedure.answer_fields}
            named = {places.counts, places.team, places.methodology, places.meetings} - {""}
            assert (named - keys, places.annex in {s.key for s in procedure.attachments}) == (
                set(), True)  # fmt: skip
            if places.counts:
                table = procedure.field(places.counts)
                assert {row.key for row in table.fixed_rows} == {p.key for p in model.professions}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"extends": "inconnu"}, "il n’y a pas de modèle « inconnu »"),
        ({"professions": None}, "il manque"),
        ({"missions": [{"key": "a", "label": "A"}] * 2}, "y est deux fois"),
        ({"questions": [{"key": "q", "kind": "choice", "label": "Q"}]}, "n’en a aucun"),
        ({"questions": [{"key": "q", "kind": "file", "label": "Q"}]}, "sorte de question"),
        ({"letters": [{"procedure": "occitanie", "ailleurs": "x"}]}, "pas attendue"),
    ],
)
def test_a_file_of_questions_that_is_wrong_is_refused(
    change: dict[str, object], fault: str
) -> None:
    base = {
        "key": "essai", "version": 1, "valid_from": timezone.localdate(), "introduction": "Bonjour",
        "professions": [{"key": "a", "label": "A"}], "missions": [], "questions": [],
    }  # fmt: skip
    data = {key: value for key, value in (base | change).items() if value is not None}
    with pytest.raises(QuestionnaireFileError) as refused:
        parse_models({"essai-1.toml": data})
    assert fault in str(refused.value).replace("\u00a0", " ")


# --- Preparing ------------------------------------------------------------------------------------


def test_a_questionnaire_on_an_empty_territory_is_refused() -> None:
    community = polling.community(communes=())
    with pytest.raises(ActionRefusedError, match="aucune commune"):
        polling.draft(community)
    assert not community.questionnaires.exists()


def test_a_territory_emptied_meanwhile_is_refused_to_the_urps_too() -> None:
    made = polling.submitted()
    made.community.territory.parts.all().delete()
    with pytest.raises(ActionRefusedError, match="aucune commune"):
        services.approve_questionnaire(made, by=polling.president(made.urps))


def test_one_questionnaire_at_a_time_for_a_cpts() -> None:
    made = polling.draft()
    with pytest.raises(ActionRefusedError, match="déjà en cours"):
        polling.draft(made.community)


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_the_last_day_is_to_come_and_within_a_year(days: int) -> None:
    with pytest.raises(ActionRefusedError):
        polling.draft(closes_on=timezone.localdate() + timedelta(days=days))


def test_an_urps_of_another_region_is_refused() -> None:
    factories.region("32", "Hauts-de-France")
    elsewhere = factories.organisation("urps", region=factories.region("32"))
    with pytest.raises(ActionRefusedError, match="de la région"):
        polling.draft(urps=elsewhere)


def test_a_reader_of_the_team_prepares_nothing_and_an_editor_submits_nothing() -> None:
    community = polling.community()
    reader = factories.team_member(community, role="reader").user
    editor = factories.team_member(community, role="editor").user
    with pytest.raises(PermissionDenied):
        services.prepare_questionnaire(community, polling.values(), by=reader)
    made = services.prepare_questionnaire(community, polling.values(), by=editor)
    with pytest.raises(PermissionDenied):
        services.submit_questionnaire(made, by=editor)


# --- With the URPS --------------------------------------------------------------------------------


def test_it_opens_when_the_urps_agrees_and_each_side_is_told() -> None:
    made = polling.draft()
    president = polling.president(made.urps)
    reviewer = polling.president(made.urps, "reviewer")
    services.submit_questionnaire(made, by=made.created_by)
    deliver_pending()
    told = Notification.objects.filter(kind="questionnaire_submitted")
    assert [one.user for one in told] == [president]

    with pytest.raises(PermissionDenied):
        services.approve_questionnaire(made, by=reviewer)
    with pytest.raises(PermissionDenied):
        services.approve_questionnaire(made, by=polling.president(polling.urps("URPS Pharmaciens")))
    services.approve_questionnaire(made, by=president)
    deliver_pending()
    made = polling.fresh(made)
    assert (made.state, made.approved_by, made.is_open) == ("open", president, True)
    assert Notification.objects.get(kind="questionnaire").user == made.created_by


def test_the_urps_refuses_with_a_reason_and_the_team_asks_again() -> None:
    made = polling.submitted()
    president = polling.president(made.urps)
    with pytest.raises(ActionRefusedError, match="Dites pourquoi"):
        services.refuse_questionnaire(made, "  ", by=president)
    services.refuse_questionnaire(made, "Le mot de l’équipe est trop long.", by=president)
    made = polling.fresh(made)
    assert (made.state, made.refusal_reason) == ("draft", "Le mot de l’équipe est trop long.")
    services.change_questionnaire(made, polling.values(message="Court."), by=made.created_by)
    services.submit_questionnaire(made, by=made.created_by)
    assert polling.fresh(made).refusal_reason == ""


def test_nothing_is_open_without_the_urps_even_in_the_database() -> None:
    made = polling.submitted()
    with pytest.raises(IntegrityError, match="opened_with_the_urps"), transaction.atomic():
        Questionnaire.objects.filter(pk=made.pk).update(state="open", opened_at=timezone.now())


def test_a_questionnaire_taken_back_waits_for_nobody() -> None:
    made = polling.submitted()
    services.take_back(made, by=made.created_by)
    with pytest.raises(ActionRefusedError, match="n’attend plus"):
        services.approve_questionnaire(made, by=polling.president(made.urps))
    services.discard_questionnaire(made, by=made.created_by)
    assert not Questionnaire.objects.exists()


# --- The end --------------------------------------------------------------------------------------


def test_it_closes_once_its_last_day_has_passed() -> None:
    made = polling.opened()
    assert services.close_due(made.closes_on) == 0
    assert services.close_due(made.closes_on + timedelta(days=1)) == 1
    assert services.close_due(made.closes_on + timedelta(days=1)) == 0
    made = polling.fresh(made)
    assert (made.state, made.is_open) == ("closed", False)
    with pytest.raises(ActionRefusedError, match="n’est pas ouvert"):
        services.move_closing(made, timezone.localdate() + timedelta(days=9), by=made.created_by)
