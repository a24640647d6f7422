from django.urls import path

from contracts.drafts import views

_DRAFT = "<uuid:public_id>/projet"

urlpatterns = [
    path("cpts/<uuid:public_id>/ouvrir/", views.open_draft, name="draft-open"),
    path(f"{_DRAFT}/", views.draft_page, name="draft"),
    path(f"{_DRAFT}/partie/<slug:section>/", views.section_page, name="draft-section"),
    path(f"{_DRAFT}/partie/<slug:section>/echanges/", views.remark, name="draft-remark"),
    path(f"{_DRAFT}/indicateurs/ajouter/", views.indicator_page, name="draft-indicator-add"),
    path(f"{_DRAFT}/indicateurs/<slug:key>/", views.indicator_page, name="draft-indicator"),
    path(
        f"{_DRAFT}/indicateurs/<slug:key>/retirer/",
        views.remove_indicator,
        name="draft-indicator-remove",
    ),
    path(f"{_DRAFT}/propositions/<int:pk>/", views.answer_proposal, name="draft-proposal"),
    path(f"{_DRAFT}/reprendre-les-donnees/<slug:what>/", views.refresh, name="draft-refresh"),
    path(f"{_DRAFT}/accord/", views.agree, name="draft-agree"),
    path(f"{_DRAFT}/figer/", views.freeze, name="draft-freeze"),
    path(f"{_DRAFT}/reprendre/", views.take_back, name="draft-take-back"),
    path(f"{_DRAFT}/abandonner/", views.give_up, name="draft-give-up"),
    path(f"{_DRAFT}/versions/", views.versions, name="draft-versions"),
    path(f"{_DRAFT}/texte/", views.text, name="draft-text"),
    path("<uuid:public_id>/contrat.json", views.data_file, name="data-file"),
    path("<uuid:public_id>/contrat.pdf", views.document, name="document"),
]
