"""Amounts and missions as the pages of contracts say them."""

from django import template

from contracts.dialogue.indicators import percent
from contracts.funding.wording import mission_name
from cpts_portal import words

register = template.Library()
register.filter("figure", words.figure)
register.filter("euros", words.euros)
register.filter("mission_name", mission_name)
register.filter("percent", percent)
