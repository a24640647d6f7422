from django.urls import path

from contracts import desk_views

app_name = "contract-desk"
urlpatterns = [
    path("a-faire/", desk_views.todo, name="todo"),
    path("<uuid:public_id>/", desk_views.contract_page, name="contract"),
]
