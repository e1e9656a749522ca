"""Where every page finds its template, and the filters that all share."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from archlock.report import audit_text, page_text

FILTERS = (
    page_text.plain,
    page_text.signed,
    page_text.points,
    page_text.percent,
    page_text.whole,
    page_text.si,
    page_text.quantity,
    page_text.interval,
    page_text.yaml_text,
    page_text.summary_sentence,
    audit_text.count_text,
    audit_text.not_run_sentence,
    audit_text.surgery_text,
)


def render(template: str, **values: object) -> str:
    """A page: what it is given is escaped, and a name that it is not given is an error.

    Args:
        template: file in ``templates``.
        values: what the template draws.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("archlock.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {each.__name__: each for each in FILTERS}
    return environment
