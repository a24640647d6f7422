"""CPTS and their teams in the administration site: to look, and to mend a broken team."""

from django.contrib import admin

from communities.models import Community, OwnershipTransfer, TeamInvitation, TeamMember


class TeamMemberInline(admin.TabularInline):
    model = TeamMember
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Community)
class CommunityAdmin(admin.ModelAdmin):
    list_display = ("name", "region", "created_by", "created_at")
    list_filter = ("region",)
    list_select_related = ("region", "created_by")
    search_fields = ("name", "team_members__user__email")
    readonly_fields = ("public_id", "created_by", "created_at")
    inlines = (TeamMemberInline,)


class ReadOnlyAdmin(admin.ModelAdmin):
    """A trace of what people did: nobody rewrites it."""

    def has_add_permission(self, *_args: object) -> bool:
        return False

    def has_change_permission(self, *_args: object) -> bool:
        return False

    def has_delete_permission(self, *_args: object) -> bool:
        return False


@admin.register(TeamInvitation)
class TeamInvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "community", "role", "invited_by", "expires_at", "accepted_at")
    list_select_related = ("community", "invited_by")
    search_fields = ("email", "community__name")


@admin.register(OwnershipTransfer)
class OwnershipTransferAdmin(ReadOnlyAdmin):
    list_display = ("community", "from_user", "to_user", "offered_at", "accepted_at", "declined_at")
    list_select_related = ("community", "from_user", "to_user")
    search_fields = ("community__name", "from_user__email", "to_user__email")
