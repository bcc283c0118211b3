"""The HTML page as a Jinja template; every value is escaped by the environment it is rendered in."""

from typing import Final

TEMPLATE: Final = """\
{%- macro facts(rows) -%}
<dl>{% for row in rows %}<dt>{{ row.name }}</dt><dd>{{ row.value }}</dd>{% endfor %}</dl>
{%- endmacro -%}
{%- macro grid(table) -%}
<div class="scroll" role="region" aria-label="{{ table.caption }}" tabindex="0"><table>
<caption>{{ table.caption }}</caption>
<thead><tr>{% for name in table.header %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for cells in table.rows -%}
{%- set mark = table.marks[loop.index0] if table.marks else "" -%}
<tr><th scope="row">{{ cells[0] }}{% if table.codes %} <code>{{ table.codes[loop.index0] }}</code>{% endif %}</th>
{%- for cell in cells[1:] -%}
<td{% if loop.index == table.marked_column %} class="mark mark-{{ mark }}"{% endif %}>{{ cell }}</td>
{%- endfor %}</tr>
{% endfor -%}
</tbody></table></div>
{%- endmacro -%}
{%- macro figures(pictures) -%}
{% for picture in pictures -%}
<figure><img src="{{ picture.data | data_uri }}" alt="{{ picture.caption }}">
<figcaption>{{ picture.caption }}</figcaption></figure>
{% endfor -%}
{%- endmacro -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{ title }} - case {{ content.case_id }}</title>
<style>{{ style }}</style>
</head>
<body>
<div class="banner" role="note">{{ banner }}</div>
<header>
<h1>{{ title }}</h1>
<div class="case">
{{ facts(content.case_rows) }}
<div class="verdict mark-{{ content.status }}">
<b>{{ content.status }}</b><span>{{ content.status_meaning }}</span></div>
</div>
</header>
<main>
<section aria-labelledby="summary"><h2 id="summary">Summary</h2>
<div class="summary">{% for sentence in content.summary %}<p>{{ sentence }}</p>{% endfor %}</div></section>
{% if content.refusal.rows -%}
<section aria-labelledby="refusal"><h2 id="refusal">Reasons of the refusal</h2>
{{ grid(content.refusal) }}
{{ figures(content.refusal_pictures) }}</section>
{% endif -%}
{% if diagram -%}
<section aria-labelledby="nodes"><h2 id="nodes">Nodes</h2>
{% if content.node_table.rows %}{{ grid(content.node_table) }}
{% else %}<p>No lateral lymph node was found.</p>{% endif %}</section>
<section aria-labelledby="stations"><h2 id="stations">Stations</h2>
<div class="diagram">{{ diagram }}</div>
{% if content.stations.rows %}{{ grid(content.stations) }}{% else %}<p>No station was assessed.</p>{% endif %}</section>
{% endif -%}
{% for part in content.further -%}
<section aria-label="{{ part.heading }}"><h2>{{ part.heading }}</h2>{{ facts(part.rows) }}</section>
{% endfor -%}
{% if content.nodes -%}
<section aria-labelledby="images"><h2 id="images">Images and measurements of each node</h2>
{% for node in content.nodes -%}
<article class="node"><h3>{{ node.heading }} <span class="mark mark-{{ node.status }}">({{ node.status }})</span></h3>
<div class="body">
{% if node.picture %}<div><img src="{{ node.picture | data_uri }}" alt="{{ node.picture_text }}"></div>
{% else %}<p>No picture of this node.</p>
{% endif -%}
{{ facts(node.rows) }}</div></article>
{% endfor -%}
</section>
{% endif -%}
{% if content.pictures -%}
<section aria-labelledby="pictures"><h2 id="pictures">Further images</h2>
{{ figures(content.pictures) }}</section>
{% endif -%}
<section aria-labelledby="quality"><h2 id="quality">Quality checks</h2>
{% if content.gates.rows %}{{ grid(content.gates) }}
{% else %}<p>No check was made.</p>{% endif %}
{{ figures(content.gate_pictures) }}</section>
<section aria-labelledby="warnings"><h2 id="warnings">Warnings</h2>
{% if content.warnings %}<ul>{% for text in content.warnings %}<li>{{ text }}</li>{% endfor %}</ul>
{% else %}<p>None.</p>{% endif %}</section>
<section aria-labelledby="provenance"><h2 id="provenance">Provenance</h2>
<div class="provenance">
{% for part in content.provenance -%}
<section><h3>{{ part.heading }}</h3>{{ facts(part.rows) }}</section>
{% endfor -%}
</div></section>
</main>
<footer>{{ banner }}. Case {{ content.case_id }}. Sidewall {{ version }}.</footer>
</body>
</html>
"""
