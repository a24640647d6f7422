from django.urls import path

from contracts.desk import views as desk_views

app_name = "contract-desk"
urlpatterns = [
    path("a-faire/", desk_views.todo, name="todo"),
    path("<uuid:public_id>/", desk_views.contract_page, name="contract"),
]
