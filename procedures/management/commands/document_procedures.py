from cpts_portal.page_commands import PagesCommand
from procedures import documentation


class Command(PagesCommand):
    help = "Écrit les pages docs/formulaires/ d’après les procédures régionales."
    name = "document_procedures"
    what = "Les pages des formulaires"
    gone = "sa procédure n’existe plus"
    folder = staticmethod(lambda: documentation.FORMS_FOLDER)
    pages = staticmethod(documentation.pages)
    stale_pages = staticmethod(documentation.stale_pages)
