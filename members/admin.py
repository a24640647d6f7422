"""Members in the administration site: to look; their team keeps them."""

from django.contrib import admin

from communities.admin import ReadOnlyAdmin
from members.models import Member


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("name", "community", "kind", "joined_on", "left_on")
    list_filter = ("kind",)
    list_select_related = ("community",)
    search_fields = ("sort_key", "community__name")
