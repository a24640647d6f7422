"""The addresses of the pages every deposited case has, under `dossiers/<case>/`."""

from django.urls import path

from workflow.views import (
    clock,
    complements,
    consultations,
    decision,
    documents,
    followups,
    mails,
    messages,
    opinions,
    territory,
    timeline,
    versions,
)

app_name = "cases"
urlpatterns = [
    path("decision/", decision.decision, name="decision"),
    path("decision/proposer/", decision.propose, name="decision-propose"),
    path("decision/apercu.pdf", decision.preview, name="decision-preview"),
    path("decision/reprendre/", decision.take_back, name="decision-take-back"),
    path("decision/signer/", decision.approve, name="decision-approve"),
    path("decision/renvoyer/", decision.send_back, name="decision-send-back"),
    path("decision/retirer/", decision.withdraw, name="decision-withdraw"),
    path("documents/<uuid:document>/", documents.download, name="document"),
    # Opinions
    path("avis/", opinions.opinions, name="opinions"),
    path("avis/communication/", consultations.communication, name="opinions-communication"),
    path("avis/synthese/", consultations.synthesis, name="opinions-synthesis"),
    path("avis/transmettre/", consultations.handover, name="opinions-handover"),
    path("avis/<int:consultation>/", opinions.opinion, name="opinion"),
    path("avis/<int:consultation>/valider/", opinions.validate, name="opinion-validate"),
    path("avis/<int:consultation>/renvoyer/", opinions.return_draft, name="opinion-return"),
    path("avis/<int:consultation>/conflit/", opinions.conflict, name="opinion-conflict"),
    path("avis/<int:consultation>/suivi/", consultations.follow, name="consultation"),
    path(
        "avis/<int:consultation>/prolonger/",
        consultations.extend_page,
        name="consultation-extend",
    ),
    path(
        "avis/<int:consultation>/redemander/",
        consultations.ask_again_page,
        name="consultation-again",
    ),
    path(
        "avis/<int:consultation>/retirer/",
        consultations.revoke_page,
        name="consultation-revoke",
    ),
    # Mails
    path("courriels/", mails.sent, name="mails"),
    # After the decision
    path("suites/", followups.page, name="followups"),
    path("suites/reserves/<int:reserve>/<slug:action>/", followups.reserve, name="reserve"),
    path("suites/aides/accorder/", followups.grant, name="grant"),
    path("suites/aides/<int:grant>/<slug:action>/", followups.settle_grant, name="grant-settle"),
    path("suites/reunion/", followups.plan, name="meeting"),
    path("suites/reunion/<int:meeting>/annuler/", followups.cancel, name="meeting-cancel"),
    path("suites/reunion/<int:meeting>/tenue/", followups.held, name="meeting-held"),
    path("suites/reunion/<int:meeting>/compte-rendu/", followups.minutes, name="minutes"),
    # Territory
    path("territoire/", territory.page, name="territory"),
    path("territoire/<int:other>/arbitrer/", territory.arbitrate, name="arbitrate"),
    path("territoire/annees/<int:effect>/lu/", territory.acknowledge_year, name="year-acknowledge"),
    # Messages
    path("messages/", messages.thread, name="messages"),
    path("messages/<int:message>/clore/", messages.stop_waiting, name="message-stop"),
    path("messages/fichiers/<uuid:attachment>/", messages.download, name="message-file"),
    # Complements
    path("complements/", complements.page, name="complements"),
    path("complements/nouvelle/", complements.start, name="completion-start"),
    path("complements/<int:number>/", complements.completion, name="completion"),
    path("complements/<int:number>/enregistrer/", complements.save, name="completion-save"),
    path("complements/<int:number>/points/", complements.add_item, name="completion-add"),
    path(
        "complements/<int:number>/points/<int:item>/",
        complements.edit_item,
        name="completion-item",
    ),
    path(
        "complements/<int:number>/points/<int:item>/lever/",
        complements.lift,
        name="completion-lift",
    ),
    path(
        "complements/<int:number>/points/<int:item>/mot/",
        complements.note,
        name="completion-note",
    ),
    path("complements/<int:number>/envoyer/", complements.send, name="completion-send"),
    path("complements/<int:number>/supprimer/", complements.discard, name="completion-discard"),
    path("complements/<int:number>/reporter/", complements.extend, name="completion-extend"),
    path("complements/<int:number>/annuler/", complements.cancel, name="completion-cancel"),
    path("complements/<int:number>/clore/", complements.close, name="completion-close"),
    path("complements/<int:number>/deposer/", complements.answer, name="completion-answer"),
    path("versions/", versions.page, name="versions"),
    # Clock
    path("delai/", clock.page, name="clock"),
    path("delai/<int:event>/corriger/", clock.correct, name="clock-correction"),
    # The story
    path("suivi/", timeline.timeline, name="timeline"),
]
