"""What is kept compressed and sent to browsers, which do not all read it so."""

import gzip


def accepted_by(header: str) -> set[str]:
    """The encodings an « Accept-Encoding » header names."""
    return {name.split(";")[0].strip() for name in header.split(",")}


def gzip_or_plain(zipped: bytes, header: str) -> tuple[bytes, str]:
    """What to send of a content kept as gzip, and the « Content-Encoding » to say, if any."""
    if "gzip" in accepted_by(header):
        return zipped, "gzip"
    return gzip.decompress(zipped), ""
