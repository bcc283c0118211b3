"""HTML pages that need no other file: templates that escape every value, and pictures inside the page."""

import base64

from jinja2 import Environment, StrictUndefined


def page_environment(
    *, trim_blocks: bool = False, lstrip_blocks: bool = False, keep_trailing_newline: bool = False
) -> Environment:
    """Return where page templates are made: every value is escaped, a name that is not given is an error.

    The filter `data_uri` turns the bytes of a PNG file into an address that needs no request. The arguments are
    Jinja's, for the white space around blocks.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=lstrip_blocks,
        keep_trailing_newline=keep_trailing_newline,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
