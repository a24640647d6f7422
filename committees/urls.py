from django.urls import path

from committees import views

app_name = "committees"
urlpatterns = [
    path("", views.sessions, name="sessions"),
    path("nouvelle/", views.plan, name="plan"),
    path("membres/", views.seats, name="seats"),
    path("membres/<int:seat>/fin/", views.end, name="seat-end"),
    path("<uuid:session>/", views.session, name="session"),
    path("<uuid:session>/modifier/", views.change, name="change"),
    path("<uuid:session>/convoquer/", views.call, name="call"),
    path("<uuid:session>/annuler/", views.cancel, name="cancel"),
    path("<uuid:session>/presences/", views.attendance, name="attendance"),
    path("<uuid:session>/points/<int:item>/", views.item, name="item"),
    path("<uuid:session>/points/<int:item>/reporter/", views.postpone, name="postpone"),
    path("<uuid:session>/clore/", views.close, name="close"),
    path("<uuid:session>/seconde-convocation/", views.again, name="again"),
    path("<uuid:session>/documents/<uuid:document>/", views.document, name="document"),
    path("<uuid:session>/seance.ics", views.calendar, name="calendar"),
]
