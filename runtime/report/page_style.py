"""The style sheet of the HTML page; it prints on A4."""

from typing import Final

from runtime.report.appearance import BANNER_FILL, BANNER_INK, INK, MARK_INKS, QUIET_INK, RULE, SHADE

_COLOURS: Final = "".join(f".mark-{mark} {{ color: {ink}; }}\n" for mark, ink in MARK_INKS.items())

STYLE: Final = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; color: {INK}; background: #fff;
  font: 15px/1.45 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }}
.banner {{ position: sticky; top: 0; z-index: 1; padding: 6px 16px; text-align: center; font-weight: 700;
  letter-spacing: .06em; color: {BANNER_INK}; background: {BANNER_FILL}; border-bottom: 2px solid {BANNER_INK}; }}
main, header, footer {{ max-width: 1040px; margin: 0 auto; padding: 0 24px; }}
h1 {{ margin: 22px 0 4px; font-size: 25px; line-height: 1.2; }}
h2 {{ margin: 30px 0 10px; padding-bottom: 4px; font-size: 18px; border-bottom: 2px solid {INK}; }}
h3 {{ margin: 0 0 8px; font-size: 15px; }}
p {{ margin: 0 0 8px; }}
table {{ width: 100%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }}
caption {{ padding: 0 0 4px; text-align: left; color: {QUIET_INK}; }}
th, td {{ padding: 5px 7px; text-align: left; vertical-align: top; border-bottom: 1px solid {RULE};
  overflow-wrap: break-word; }}
thead th {{ background: {SHADE}; border-bottom: 1px solid {INK}; vertical-align: bottom; overflow-wrap: normal; }}
code {{ display: block; font: 11px ui-monospace, Menlo, Consolas, monospace; color: {QUIET_INK}; }}
dl {{ display: grid; grid-template-columns: minmax(110px, max-content) minmax(0, 1fr); gap: 2px 14px; margin: 0;
  font-size: 13px; }}
dt {{ color: {QUIET_INK}; }}
dd {{ margin: 0; min-width: 0; overflow-wrap: break-word; }}
.case {{ display: flex; flex-wrap: wrap; gap: 8px 32px; align-items: flex-start; }}
.case > dl {{ flex: 1 1 340px; }}
.verdict {{ min-width: 200px; padding: 8px 14px; border: 2px solid currentcolor; border-radius: 6px;
  text-align: center; }}
.verdict b {{ display: block; font-size: 20px; text-transform: uppercase; letter-spacing: .04em; }}
.verdict span {{ display: block; max-width: 230px; font-size: 12px; }}
.summary {{ padding: 12px 18px 6px; background: {SHADE}; border-left: 5px solid {INK}; }}
.summary p:first-child {{ font-size: 18px; font-weight: 600; line-height: 1.35; }}
.diagram {{ max-width: 800px; margin: 0 auto 18px; }}
.diagram svg {{ display: block; width: 100%; height: auto; }}
.node {{ padding: 14px 0; border-bottom: 1px solid {RULE}; break-inside: avoid; }}
.node .body {{ display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: flex-start; }}
.node .body > * {{ flex: 3 1 340px; min-width: 0; }}
.node .body > dl {{ flex: 2 1 260px; grid-template-columns: minmax(90px, 42%) minmax(0, 1fr); }}
figure {{ margin: 0 0 14px; break-inside: avoid; }}
figcaption {{ color: {QUIET_INK}; font-size: 13px; }}
img {{ display: block; max-width: 100%; height: auto; }}
.provenance {{ columns: 2 320px; column-gap: 32px; }}
.provenance section {{ margin-bottom: 16px; }}
.provenance h3 {{ break-after: avoid; }}
.mark {{ font-weight: 700; }}
footer {{ margin-top: 28px; padding-top: 8px; padding-bottom: 28px; color: {QUIET_INK}; font-size: 12px; }}
{_COLOURS}
/* Not in print: a sheet of A4 is narrower than that, and has room for two columns. */
@media screen and (max-width: 720px) {{
  main, header, footer {{ padding: 0 12px; }}
  .banner {{ padding: 5px 8px; font-size: 13px; letter-spacing: 0; }}
  .scroll {{ overflow-x: auto; }}
  .verdict span {{ max-width: none; }}
  dl {{ grid-template-columns: minmax(90px, 40%) minmax(0, 1fr); }}
}}
@page {{ size: A4; margin: 18mm 12mm 16mm;
  @top-center {{ content: "RESEARCH USE ONLY - NOT FOR DIAGNOSIS"; font: 700 9pt Helvetica, Arial, sans-serif; }}
  @bottom-right {{ content: counter(page) " / " counter(pages); font: 8pt Helvetica, Arial, sans-serif; }}
}}
@media print {{
  body {{ font-size: 10pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
  .banner {{ position: static; border: 2px solid {BANNER_INK}; }}
  main, header, footer {{ max-width: none; padding: 0; }}
  h1 {{ font-size: 17pt; }} h2 {{ font-size: 12.5pt; break-after: avoid; }}
  .summary p:first-child {{ font-size: 12.5pt; }}
  table {{ font-size: 8pt; }} th, td {{ padding: 3px 4px; }}
  dl {{ font-size: 8pt; }}
  .node .body > * {{ flex-basis: 95mm; }} .node .body > dl {{ flex-basis: 65mm; }}
  tr, .summary, .diagram {{ break-inside: avoid; }} thead {{ display: table-header-group; }}
  .diagram {{ max-width: 150mm; }}
}}
"""
