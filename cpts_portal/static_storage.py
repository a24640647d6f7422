"""Static files under names that change with their content, modules and what they import alike."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModulesStorage(ManifestStaticFilesStorage):
    """The files of a workstation. An import names the hashed file, the only one kept."""

    support_js_module_import_aggregation = True


class CompressedModulesStorage(CompressedManifestStaticFilesStorage):
    """The files of a server: the same, compressed once."""

    support_js_module_import_aggregation = True
