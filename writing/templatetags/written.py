"""Addresses of the pages of a written case, whatever its kind."""

from django import template

from writing import links

register = template.Library()
register.simple_tag(links.page)
