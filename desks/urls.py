from django.urls import path

from desks import actions, body_views, commune_views, coverage_views, demo_mail, views, years_views

app_name = "desks"
urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("accueil/", views.home, name="home"),
    path("bureau/", views.inbox, name="inbox"),
    path("bureau/dossiers.csv", views.inbox_export, name="inbox-export"),
    path("bureau/avis/", body_views.opinions, name="opinions"),
    path("bureau/avis/mandats/", body_views.mandates, name="mandates"),
    path("bureau/avis/mandats/<int:mandate>/retirer/", body_views.end, name="mandate-end"),
    path("bureau/region/", views.coordinator_board, name="coordinator"),
    path("bureau/region/avis-en-retard/", views.late_opinions, name="late-opinions"),
    path("bureau/annees/", years_views.report, name="years"),
    path("bureau/annees/cpts.csv", years_views.csv_file, name="years-csv"),
    path("bureau/couverture/", coverage_views.page, name="coverage"),
    path("bureau/couverture/carte.json", coverage_views.map_data, name="coverage-map"),
    path("bureau/couverture/communes.csv", coverage_views.csv_file, name="coverage-csv"),
    path(
        "bureau/couverture/communes.geojson", coverage_views.geojson_file, name="coverage-geojson"
    ),
    path("bureau/couverture/carte.svg", coverage_views.svg_file, name="coverage-svg"),
    path("bureau/lot/", actions.bulk, name="bulk"),
    path("bureau/etiquettes/", actions.labels, name="labels"),
    path("bureau/etiquettes/<int:label>/", actions.label, name="label"),
    path("bureau/dossiers/<uuid:case>/suivi/", actions.follow, name="follow"),
    path("bureau/dossiers/<uuid:case>/attribution/", actions.assign, name="assign"),
    path("bureau/dossiers/<uuid:case>/etiquettes/", actions.case_labels, name="case-labels"),
    path("bureau/dossiers/<uuid:case>/note/", actions.note, name="note"),
    # For anybody
    path("communes/", commune_views.search, name="communes"),
    path("communes/<str:code>.json", commune_views.commune_json, name="commune-json"),
    path("communes/<str:code>/", commune_views.commune, name="commune"),
    # Demonstration only: the mails the portal would have sent.
    path("demo/courriels/", demo_mail.mailbox, name="demo-mailbox"),
    path("demo/courriels/<str:name>/<int:rank>/", demo_mail.message, name="demo-message"),
]
