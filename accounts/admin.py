"""People, organisations and roles in the administration site."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from accounts import services
from accounts.invitations import InvitationError
from accounts.models import (
    Membership,
    Organisation,
    OrganisationInvitation,
    SecondFactor,
    User,
)


class PersonCreationForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class PersonChangeForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("organisation",)


@admin.register(User)
class PersonAdmin(UserAdmin):
    form = PersonChangeForm
    add_form = PersonCreationForm
    list_display = ("email", "last_name", "first_name", "profession", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("last_name", "first_name", "email")
    readonly_fields = ("date_joined", "last_login")
    filter_horizontal = ("user_permissions",)
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Qui c’est", {"fields": ("first_name", "last_name", "profession")}),
        (
            "Ce que cette personne peut faire ici",
            {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")},
        ),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email", "usable_password", "password1", "password2"),
                "description": (
                    "À sa première connexion, la personne recevra un lien pour confirmer son "
                    "adresse. Pour lui confier un rôle, préférez une invitation."
                ),
            },
        ),
    )


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    list_display = ("name", "kind", "region", "department", "email", "to_complete", "is_demo")
    list_filter = ("to_complete", "kind", "is_demo", "region")
    list_select_related = ("region", "department")
    search_fields = ("name", "code", "email")
    autocomplete_fields = ("parent",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ("user", "role", "organisation", "department", "is_active", "created_at")
    list_filter = ("is_active", "role", "organisation__kind", "organisation__region")
    list_select_related = ("user", "organisation", "department")
    search_fields = ("user__email", "user__last_name", "organisation__name")
    autocomplete_fields = ("user", "organisation")


class InvitationAdminForm(forms.ModelForm):
    """Sends on a valid form: the service's refusals then show beside the fields."""

    giver: User
    sent: OrganisationInvitation

    class Meta:
        model = OrganisationInvitation
        fields = ("organisation", "email", "role", "department")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            self.sent = services.invite_to_role(by=self.giver, **data)
        except InvitationError as error:
            raise ValidationError(error.message) from error
        except PermissionDenied as error:
            raise ValidationError(
                "Ce rôle n’existe pas dans cet organisme, ou vous ne pouvez pas le donner."
            ) from error
        return data


@admin.register(OrganisationInvitation)
class OrganisationInvitationAdmin(admin.ModelAdmin):
    """Adding an invitation here sends it, as a coordinator's button does."""

    form = InvitationAdminForm
    list_display = ("email", "role", "organisation", "invited_by", "expires_at", "accepted_at")
    list_filter = ("role", "organisation__kind", "organisation__region")
    list_select_related = ("organisation", "invited_by")
    search_fields = ("email", "organisation__name")
    autocomplete_fields = ("organisation",)

    def has_change_permission(
        self, request: HttpRequest, obj: OrganisationInvitation | None = None
    ) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return type("Form", (super().get_form(request, *args, **kwargs),), {"giver": request.user})

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> OrganisationInvitation:  # noqa: ARG002, FBT001 - Django's signature
        return form.sent

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        """Nothing left to do: sending has saved the invitation."""

    def save_related(self, *args: Any, **kwargs: Any) -> None:
        """An invitation has no related rows."""


@admin.register(SecondFactor)
class SecondFactorAdmin(admin.ModelAdmin):
    """Seen and removed: for who has lost both the telephone and the recovery codes."""

    list_display = ("user", "created_at", "used_at")
    search_fields = ("user__email", "user__last_name")
    fields = readonly_fields = ("user", "created_at", "used_at")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False
