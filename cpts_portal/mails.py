"""Mails in the portal's words and look: one text template gives both versions.

A mail is `templates/email/<name>.txt`: its first line is « Objet : … », then, after a blank
line, paragraphs. The HTML version is drawn from the same text, so that both always say the
same thing:

- lines beginning with « - » make a list;
- a label on one line and an address alone on the next make a button;
- any other address becomes a link.

Nothing leaves from here: mails are rows of the outbox, sent once the transaction has committed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape, format_html, format_html_join, urlize
from django.utils.safestring import SafeString, mark_safe

from outbox.models import Mail
from outbox.services import queue_mail

_SUBJECT = "Objet :"
_ADDRESS = re.compile(r"https?://\S+\Z")


@dataclass(frozen=True)
class RenderedMail:
    subject: str
    text: str
    html: str
    # The subject without the case's name and reference, and the words of the button.
    matter: str
    action: str


def render_mail(
    name: str, context: Mapping[str, Any], *, about: str = "", preferences_url: str = ""
) -> RenderedMail:
    """Render `templates/email/<name>.txt`. Raises ValueError if its first line is no subject.

    `about` names the case: every subject about one begins with it. `preferences_url` is where
    the person chooses which mails they receive: the foot of the mail leads there.
    """
    body = render_to_string(
        f"email/{name}.txt",
        {"portal_name": settings.PORTAL_NAME, "portal_url": settings.PORTAL_URL, **context},
    )
    first, _, rest = body.strip().partition("\n")
    if not first.startswith(_SUBJECT):
        raise ValueError(f"The first line of email/{name}.txt must begin with « {_SUBJECT} ».")
    matter = " ".join(first.removeprefix(_SUBJECT).split(" ")).strip()
    subject = f"{about} – {matter}" if about else matter
    text = re.sub(r"\n{3,}", "\n\n", rest.strip())
    signature = f"{settings.PORTAL_NAME} – {settings.PORTAL_OPERATOR}"
    notice = "Ce message est envoyé automatiquement, merci de ne pas y répondre."
    html = render_to_string(
        "email/base.html",
        {
            "subject": subject,
            "body": _as_html(text),
            "signature": signature,
            "notice": notice,
            "portal_name": settings.PORTAL_NAME,
            "preferences_url": preferences_url,
        },
    )
    foot = [signature, notice]
    if preferences_url:
        foot.append(f"Choisir les courriels que vous recevez : {preferences_url}")
    return RenderedMail(
        subject=subject,
        text="\n".join([text, "", "-- ", *foot, ""]),
        html=html,
        matter=matter,
        action=_action(text),
    )


def queue_template_mail(
    *,
    key: str,
    recipient: str,
    template: str,
    context: Mapping[str, Any],
    attachments: Sequence[tuple[str, str]] = (),
) -> Mail:
    """Render a mail and write it to the outbox. `key` names the cause: see `queue_mail`."""
    mail = render_mail(template, context)
    return queue_mail(
        key=key,
        recipient=recipient,
        subject=mail.subject,
        text_body=mail.text,
        html_body=mail.html,
        attachments=attachments,
    )


def _action(text: str) -> str:
    """The words of the button, or nothing when the mail has none."""
    for block in text.split("\n\n"):
        lines = [line.strip() for line in block.strip().splitlines()]
        if _is_button(lines):
            return _button_words(lines)
    return ""


def _is_button(lines: list[str]) -> bool:
    return len(lines) == 2 and _ADDRESS.match(lines[1]) is not None


def _button_words(lines: list[str]) -> str:
    return lines[0].rstrip(" :\u00a0")


def _as_html(text: str) -> SafeString:
    return format_html_join("\n", "{}", ((_block(block),) for block in text.split("\n\n")))


def _block(block: str) -> SafeString:
    lines = [line.strip() for line in block.strip().splitlines()]
    if all(line.startswith("- ") for line in lines):
        items = format_html_join("", "<li>{}</li>", ((_line(line[2:]),) for line in lines))
        return format_html('<ul style="margin:0 0 16px;padding-left:20px">{}</ul>', items)
    if _is_button(lines):
        return format_html(
            '<p style="margin:24px 0 8px"><a href="{1}" style="display:inline-block;'
            "background:#000091;color:#ffffff;padding:12px 20px;text-decoration:none;"
            'font-weight:bold">{0}</a></p><p style="margin:0 0 24px;font-size:13px;color:#5a5a5a;'
            'word-break:break-all">Si le bouton ne répond pas, copiez cette adresse dans votre '
            "navigateur :<br>{1}</p>",
            _button_words(lines),
            lines[1],
        )
    body = format_html_join(mark_safe("<br>"), "{}", ((_line(line),) for line in lines))
    return format_html('<p style="margin:0 0 16px">{}</p>', body)


def _line(line: str) -> SafeString:
    return mark_safe(urlize(escape(line)))  # noqa: S308 - escaped just before
