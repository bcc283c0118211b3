"""The whole fleet on one static page: no script, nothing loaded from anywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from jinja2 import Environment, StrictUndefined

from fleet.channels.content import Holds, time_text
from fleet.inventory.overview import BoxRow
from fleet.inventory.status import COMPONENTS

_TEMPLATE: Final = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sidewall fleet</title>
<style>
body { font: 15px/1.4 sans-serif; margin: 2em; color: #222 } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd; vertical-align: top }
.bad { color: #a00000 } .said { color: #666 }
</style></head><body>
<h1>Sidewall fleet</h1>
<p class="said">{{ made }} · {{ rows|length }} boxes, {{ troubled }} with troubles · research use only</p>
{% if holds.halted %}<p class="bad">Rollouts are halted: {{ holds.halted }}</p>{% endif %}
{% for box, reason in holds.pins.items() %}<p>{{ box }} is pinned: {{ reason }}</p>
{% endfor %}
<table><thead><tr><th>box</th><th>ring</th>{% for each in components %}<th>{{ each }}</th>{% endfor %}
<th>heard of</th><th>oldest study</th><th>audit chain</th><th>troubles</th></tr></thead><tbody>
{% for row in rows %}{% set status = row.status %}<tr><td>{{ row.box }}</td><td>{{ row.ring or "?" }}</td>
{% for each in components %}<td>{% if status and each in status.running -%}
<span title="{{ status.running[each].digest }}">{{ status.running[each].version }}</span>{% endif %}</td>{% endfor %}
<td>{{ time_text(status.written_at) if status else "never" }}</td>
<td>{% if status and status.queue_oldest_s is not none -%}
{{ "%.0f"|format(status.queue_oldest_s / 60) }} min{% endif %}</td>
<td>{% if status and status.audit_entry is not none %}{{ status.audit_entry }}{% endif %}</td>
<td class="bad">{{ row.troubles|join("; ") }}</td></tr>
{% endfor %}</tbody></table></body></html>
"""


def page(rows: Sequence[BoxRow], holds: Holds, now: datetime | None = None) -> str:
    """Return the page as HTML; every text of a box is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_TEMPLATE).render(
        made=time_text(now or datetime.now(UTC)),
        rows=rows,
        troubled=sum(bool(row.troubles) for row in rows),
        holds=holds,
        components=COMPONENTS,
        time_text=time_text,
    )
