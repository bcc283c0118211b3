"""The page as a Jinja template; every value is escaped by the environment it is rendered in."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1040px; padding: 0 24px 40px; color: #1d2733; background: #fff;
  font: 15px/1.45 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
.banner { margin: 0 -24px; padding: 6px 16px; text-align: center; font-weight: 700; letter-spacing: .06em;
  color: #7a1d00; background: #ffe9dc; border-bottom: 2px solid #7a1d00; }
h1 { margin: 22px 0 4px; font-size: 25px; }
h2 { margin: 30px 0 10px; padding-bottom: 4px; font-size: 18px; border-bottom: 2px solid #1d2733; }
table { width: 100%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 7px; text-align: left; vertical-align: top; border-bottom: 1px solid #d5dbe1;
  overflow-wrap: anywhere; }
thead th { background: #f1f4f6; border-bottom: 1px solid #1d2733; overflow-wrap: normal; }
td.n, th.n { text-align: right; }
td.code { white-space: nowrap; font-weight: 600; }
.quiet { color: #5a6672; font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 8px; }
.facts div { padding: 8px 14px; background: #f1f4f6; border-radius: 6px; font-size: 13px; }
.facts b { display: block; font-size: 20px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 14px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 12px; }
figure { margin: 0; break-inside: avoid; font-size: 12px; }
figure img { display: block; width: 100%; height: auto; background: #000; }
svg { display: block; width: 100%; height: auto; }
.key span { margin-right: 14px; white-space: nowrap; }
.key i { display: inline-block; width: 11px; height: 11px; margin-right: 4px; border-radius: 2px; }
@media print { body { font-size: 10pt; } table { font-size: 8pt; } tr { break-inside: avoid; } }
"""

TEMPLATE: Final = """\
{%- macro spread(value) -%}
{% if value %}{% for name in ("min", "median", "max") %}<td class="n">{{ "%g" | format(value[name]) }}</td>{% endfor %}
{%- else %}<td class="n">-</td><td class="n">-</td><td class="n">-</td>{% endif -%}
{%- endmacro -%}
{%- macro words(name) -%}{{ name | replace("_", " ") }}{%- endmacro -%}
{%- macro pictures(shown) -%}
<div class="pictures">
{% for picture in shown -%}
<figure><img src="{{ picture.png | data_uri }}" alt="Case {{ picture.case }}: a slice with the mask's outlines">
<figcaption>{{ picture.case }}<br><span class="quiet">{{ picture.about }}</span></figcaption></figure>
{% endfor -%}
</div>
{%- endmacro -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Data sheet of {{ sheet.dataset }}</title>
<style>{{ style }}</style>
</head>
<body>
<div class="banner" role="note">RESEARCH USE ONLY - TRAINING DATA, NOT FOR DIAGNOSIS</div>
<h1>Data sheet of {{ sheet.dataset }}</h1>
<p class="quiet">Made by sidewall-train {{ version }}; the data are called {{ sheet.trained_on }}. Names of cases are
the table's own, or pseudonyms. The pictures are of patients: keep this page where the images may be kept.</p>
<div class="facts">
{% for name, count in sheet.counts.items() %}<div><b>{{ count }}</b>{{ name }}</div>
{% endfor %}</div>

<h2>Hospitals, node status and folds</h2>
<table><thead><tr><th>hospital</th><th>node status</th><th class="n">cases</th>
{% for fold in range(fold_count) %}<th class="n">fold {{ fold }}</th>{% endfor %}
<th class="n">shared run</th><th class="n">test</th></tr></thead><tbody>
{% for group in sheet.groups -%}
<tr><td>{{ group.hospital }}</td><td>{{ words(group.node_status) }}</td><td class="n">{{ group.cases }}</td>
{%- for count in group.folds %}<td class="n">{{ count }}</td>{% endfor -%}
<td class="n">{{ group.shared }}</td><td class="n">{{ group.test }}</td></tr>
{% endfor %}</tbody></table>
<p class="quiet">Cases under a fold are those it is validated on; it is trained on the others. A case is positive
with any positive node.{% if not fold_count %} No folds could be dealt.{% endif %}</p>

<h2>Voxels</h2>
<table><thead><tr><th></th><th class="n">least</th><th class="n">median</th><th class="n">most</th></tr></thead><tbody>
{% for name, value in sheet.voxels.items() %}<tr><td>{{ name }}</td>{{ spread(value) }}</tr>
{% endfor %}</tbody></table>

<h2>Scanners</h2>
<table><thead><tr><th>manufacturer</th><th>model</th><th class="n">field, T</th><th class="n">cases</th></tr>
</thead><tbody>
{% for scanner in sheet.scanners -%}
<tr><td>{{ scanner.manufacturer }}</td><td>{{ scanner.model }}</td>
<td class="n">{{ scanner.field_strength_t if scanner.field_strength_t is not none else "not stated" }}</td>
<td class="n">{{ scanner.cases }}</td></tr>
{% endfor %}</tbody></table>

<h2>Short axes of the nodes</h2>
<p class="key quiet"><span><i style="background: {{ negative_fill }}"></i>negative</span>
<span><i style="background: {{ positive_fill }}"></i>positive</span>
<span>dashed: {{ cutoff_mm }} mm, from which the study calls a node positive</span></p>
<div class="charts">
{% for chart in charts -%}
<figure><figcaption><b>{{ words(chart.station) if chart.station != "none" else "outside every station" }}</b>,
{{ chart.side }}: {{ chart.negative | length }} negative, {{ chart.positive | length }} positive</figcaption>
{{ chart.svg }}</figure>
{% endfor %}</div>

<h2>Rejected cases</h2>
{% if sheet.rejected -%}
<table><thead><tr><th>case</th><th>reason</th><th>what was got, and what is allowed</th></tr></thead><tbody>
{% for case in sheet.rejected %}{% for reason in case.reasons -%}
<tr><td>{{ case.case }}</td><td class="code">{{ reason.code }}</td><td>{{ reason.message }}</td></tr>
{% endfor %}{% endfor %}</tbody></table>
{% if rejected_pictures %}<p></p>{{ pictures(rejected_pictures) }}{% endif %}
{%- else %}<p>None.</p>{% endif %}

<h2>Warnings</h2>
{% if sheet.warnings -%}
<table><thead><tr><th>case</th><th>warning</th><th>what was found</th></tr></thead><tbody>
{% for warning in sheet.warnings -%}
<tr><td>{{ warning.case }}</td><td class="code">{{ warning.code }}</td><td>{{ warning.message }}</td></tr>
{% endfor %}</tbody></table>
{%- else %}<p>None.</p>{% endif %}

<h2>Cases</h2>
<p class="key quiet">{% for name, colour in label_colours -%}
<span><i style="background: {{ colour }}"></i>{{ words(name) }}</span>
{% endfor %}</p>
{% if case_pictures -%}
{{ pictures(case_pictures) }}
{% if left_out %}<p class="quiet">{{ left_out }} more cases are not shown.</p>{% endif %}
{%- else %}<p>None.</p>{% endif %}
</body>
</html>
"""
