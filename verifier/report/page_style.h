/* How reports/index.html looks. Colours have a contrast of 4.5:1 and more to what they stand on, in
 * the light and in the dark; no meaning is in a colour alone. */
#ifndef REPORT_PAGE_STYLE_H
#define REPORT_PAGE_STYLE_H

static const char page_style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--faint:#57606a;--rule:#d0d7de;"
    "--good:#116329;--good-paper:#dafbe1;--bad:#a40e26;--bad-paper:#ffebe9;--doubt:#6f4400;"
    "--doubt-paper:#fff1cc;--line:#0550ae}"
    "@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--faint:#9aa4af;"
    "--rule:#3d444d;--good:#7ee2a0;--good-paper:#0f2a18;--bad:#ffa198;--bad-paper:#3c1216;"
    "--doubt:#f2cc60;--doubt-paper:#33280a;--line:#79c0ff}}"
    "body{margin:0 auto;max-width:110rem;padding:1rem;background:var(--paper);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif}"
    "h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.25rem;margin:0 0 .5rem}"
    "h3{font-size:1rem;margin:1rem 0 .25rem}"
    "a{color:var(--line)}p{margin:.25rem 0}.faint,figcaption,dt{color:var(--faint)}"
    ".badge{display:inline-block;padding:0 .5rem;border-radius:.25rem;border:1px solid;"
    "font-size:.9rem;font-weight:600;margin-right:.5rem}"
    ".good{color:var(--good);background:var(--good-paper)}"
    ".bad{color:var(--bad);background:var(--bad-paper)}"
    ".doubt{color:var(--doubt);background:var(--doubt-paper)}"
    "section{border-top:2px solid var(--rule);padding:1rem 0}"
    ".strip{list-style:none;display:flex;flex-wrap:wrap;gap:2px;margin:0;padding:0}"
    ".strip li{width:1.3rem;height:1.3rem;line-height:1.3rem;text-align:center;font-size:.85rem;"
    "border-radius:.2rem}"
    ".strip .none{color:var(--faint);outline:1px dashed var(--rule);outline-offset:-1px}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}"
    "dd{margin:0;overflow-wrap:anywhere}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem}"
    "figure{margin:0}figure svg{width:100%;max-width:30rem;height:auto;display:block}"
    "svg text{fill:var(--faint);font:11px system-ui,sans-serif}"
    "svg path{stroke:var(--rule);fill:none}svg "
    "polyline{stroke:var(--line);stroke-width:2;fill:none}"
    "svg circle{fill:var(--line);fill-opacity:0}svg circle:hover{fill-opacity:1}"
    ".wide{overflow-x:auto}table{border-collapse:collapse}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;"
    "border-bottom:1px solid var(--rule)}"
    "td.number{text-align:right;white-space:nowrap}td.text{overflow-wrap:anywhere;min-width:12rem}"
    "summary{cursor:pointer;padding:.25rem 0}"
    ".bars rect{fill:var(--line)}.bars rect.harder{fill:var(--bad)}"
    "@media print{details{display:block}a{color:inherit}.wide{overflow:visible}"
    "table{font-size:.7rem}td.text{min-width:0}td.number{white-space:normal}}";

#endif
