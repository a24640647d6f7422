"""The pages a personal link opens: a code is asked for, then the answer given by a button.

Members sign a campaign and parties a contract the same way; whom the link names, what is signed
and what each page shows are said by the pages of each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from signatures.codes import Seen, WrongCodeError
from signatures.forms import CodeForm
from signatures.models import PersonalLink
from workflow.services import ActionRefusedError, AlreadyDoneError

Held = TypeVar("Held", bound=PersonalLink)


def seen_of(request: HttpRequest) -> Seen:
    """Where a request comes from, as far as its evidence goes."""
    try:
        ip = get_adapter().get_client_ip(request)
    except PermissionDenied:
        ip = ""
    return Seen(ip=ip or "", user_agent=request.headers.get("User-Agent", "")[:300])


class LinkPages(ABC, Generic[Held]):
    """What two kinds of personal links share. The views that call it carry the decorators."""

    # Of the addresses: `<namespace>:page` and `<namespace>:answer` take the link's secret.
    namespace: str
    unknown_template: str
    answer_template: str
    # Shown to who has just declined; empty: the first page of the link says it.
    declined_template: str = ""
    form_class: type[CodeForm] = CodeForm

    @abstractmethod
    def find(self, token: str) -> Held | None:
        """The row a link names, with all that its pages show."""

    @abstractmethod
    def context(self, one: Held, token: str) -> dict[str, Any]:
        """What every page of the link shows."""

    @abstractmethod
    def may_answer(self, one: Held) -> bool:
        """Whether the page of the answer still has a purpose."""

    @abstractmethod
    def send_code(self, one: Held) -> None:
        """Raises AlreadyDoneError, or ActionRefusedError with what to do."""

    @abstractmethod
    def sign(self, one: Held, *, code: str, seen: Seen) -> None:
        """Raises WrongCodeError, AlreadyDoneError or ActionRefusedError."""

    @abstractmethod
    def decline(self, one: Held, *, code: str, reason: str, seen: Seen) -> None:
        """Raises as `sign` does, and ActionRefusedError without a reason."""

    def to_page(self, token: str) -> HttpResponse:
        """To the first page of the link."""
        return redirect(f"{self.namespace}:page", token)

    def unknown(self, request: HttpRequest) -> HttpResponse:
        """The page of a link that names nobody."""
        return render(request, self.unknown_template, status=404)

    def code(self, request: HttpRequest, token: str) -> HttpResponse:
        """Send a code to the holder's own address, whoever holds the link."""
        one = self.find(token)
        if one is None:
            return self.unknown(request)
        try:
            self.send_code(one)
        except AlreadyDoneError:
            return self.to_page(token)
        except ActionRefusedError as error:
            context = {"notice": error.message}
            return self._answering(request, one, token, self.form_class(), context, status=429)
        return redirect(f"{self.namespace}:answer", token)

    def answer(self, request: HttpRequest, token: str) -> HttpResponse:
        """The code, then the answer, by the button pressed."""
        one = self.find(token)
        if one is None:
            return self.unknown(request)
        if request.method == "POST":
            return self._answered(request, one, token)
        if not self.may_answer(one):
            return self.to_page(token)
        return self._answering(request, one, token, self.form_class())

    def _answered(self, request: HttpRequest, one: Held, token: str) -> HttpResponse:
        form = self.form_class(request.POST)
        declines = request.POST.get("answer") == "decline"
        if form.is_valid():
            try:
                self._record(request, one, form)
            except WrongCodeError as error:
                form.add_error("code", error.message)
            except AlreadyDoneError:
                return self.to_page(token)
            except ActionRefusedError as error:
                lacks_reason = declines and not form.cleaned_data["reason"]
                form.add_error("reason" if lacks_reason else None, error.message)
            else:
                if declines and self.declined_template:
                    return render(request, self.declined_template, self.context(one, token))
                return self.to_page(token)
        return self._answering(request, one, token, form, status=422)

    def _record(self, request: HttpRequest, one: Held, form: CodeForm) -> None:
        code, seen = form.cleaned_data["code"], seen_of(request)
        match request.POST.get("answer"):
            case "sign":
                self.sign(one, code=code, seen=seen)
            case "decline":
                self.decline(one, code=code, reason=form.cleaned_data["reason"], seen=seen)
            case _:
                raise ActionRefusedError("Rien n’a été choisi : utilisez l’un des deux boutons.")

    def _answering(
        self,
        request: HttpRequest,
        one: Held,
        token: str,
        form: CodeForm,
        more: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        context = self.context(one, token) | {"form": form, **(more or {})}
        return render(request, self.answer_template, context, status=status)
