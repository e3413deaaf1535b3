/** The page's own style: no font, picture or rule from anywhere else. On paper it is A4, without its switch. */
export const style = `
:root{color-scheme:light;--ink:#1b2420;--soft:#54625b;--line:#dde3df;--paper:#f5f7f4;--card:#fff;--good:#0f7b4f;--amber:#8a4b00;--bad:#b42318}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;-webkit-text-size-adjust:100%}
#language-zh:checked~* .en,#language-en:checked~* .zh{display:none}
.choice{position:absolute;opacity:0;pointer-events:none}
.switch{position:sticky;top:0;z-index:1;display:flex;justify-content:flex-end;gap:2px;padding:8px 16px;background:var(--card);border-bottom:1px solid var(--line)}
.switch label{padding:3px 14px;border:1px solid var(--line);cursor:pointer;border-radius:6px}
#language-zh:checked~.switch [for=language-zh],#language-en:checked~.switch [for=language-en]{background:var(--ink);border-color:var(--ink);color:#fff}
#language-zh:focus-visible~.switch [for=language-zh],#language-en:focus-visible~.switch [for=language-en]{outline:3px solid #1f6fb2;outline-offset:2px}
main{max-width:860px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 10px}
p{margin:0 0 10px}
small,.note,.quiet,caption,figcaption small,footer{color:var(--soft)}
.note,footer{font-size:13px}
a{color:#17598f}
header p{color:var(--soft);margin:0}
.verdict{margin:16px 0 0;padding:12px 16px;border-radius:10px;border:1px solid;font-weight:600}
.verdict p{margin:0;color:inherit}
.verdict.kept{color:#0a5737;background:#e8f5ee;border-color:#9ed3b8}
.verdict.unkept{color:#744000;background:#fdf3e2;border-color:#e6bf80}
.verdict.broken{color:#8e1b12;background:#fdebe9;border-color:#eaa49d}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(138px,1fr));gap:10px;margin:16px 0 0;padding:0;list-style:none}
.tiles li,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tiles li{padding:10px 14px}
.tiles b{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles small{display:block;line-height:1.3}
.good{color:var(--good)}.amber{color:var(--amber)}.bad{color:var(--bad)}
section{padding:18px 20px;margin-top:16px}
nav.contents{margin-top:16px}
nav.contents ul{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0;padding:0;list-style:none}
figure{margin:0 0 14px}
figcaption{font-weight:600;margin-bottom:2px}
figcaption small{font-weight:400}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 4px;padding:0;list-style:none;font-size:13px}
.legend svg{vertical-align:-1px;width:auto}
figure svg{display:block;width:100%;height:auto}
.legend svg{display:inline-block;width:auto}
.narrow{display:none}
details{font-size:13px}
summary{cursor:pointer;color:#17598f;padding:2px 0}
.scroll{overflow-x:auto;margin:0 0 12px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption.unseen{position:absolute;width:1px;height:1px;padding:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
caption{text-align:left;padding:0 0 6px;font-size:13px}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600}
tbody th{font-weight:400}
tfoot th,tfoot td{border-bottom:0;border-top:2px solid var(--line);font-weight:600}
th.number,td.number{text-align:right;padding:5px 0 5px 14px}
td.number+td:not(.number),th.number+th:not(.number){padding-left:20px}
thead th{font-size:13px;color:var(--soft);vertical-align:bottom}
code{font:12px/1.4 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.beside{display:grid;grid-template-columns:1fr 1fr;gap:0 36px;align-items:start}
.beside>.scroll:nth-child(2){grid-column:1}
.beside>.scroll:nth-child(3){grid-column:2;grid-row:1/span 2}
.equation{display:flex;flex-wrap:wrap;gap:6px 10px;margin:0 0 14px;padding:0;list-style:none}
.equation li{display:grid;grid-template-columns:auto auto;column-gap:10px;align-items:baseline}
.equation .sign{color:var(--soft);font-size:20px}
.equation b{font-size:22px;font-variant-numeric:tabular-nums;line-height:1.2}
.equation small{grid-column:2;font-size:13px}
.equation .apart{margin-left:auto}
footer{margin-top:20px}
@media (max-width:600px){
main{padding:16px 10px 32px}section{padding:14px 12px}.beside{display:block}.wide{display:none}.narrow{display:block}
.tiles{grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:8px}.tiles li{padding:8px 10px}.tiles b{font-size:20px}
table{font-size:13px}th,td{white-space:nowrap}tbody th,caption{white-space:normal;min-width:112px}
}
@page{size:A4;margin:14mm 13mm}
@media print{
body{background:#fff;font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.switch,nav.contents,details{display:none}
main{max-width:none;padding:0}
.wide{display:block}.narrow{display:none}
section{border:0;border-radius:0;padding:0;margin-top:7mm}
h2{border-bottom:1.5px solid var(--ink);padding-bottom:3px;break-after:avoid}
.tiles li{border-radius:6px}
figure,tr,.tiles li,.equation,.verdict{break-inside:avoid}
caption,p{break-after:avoid}
.scroll{overflow:visible}
table{font-size:9pt}
a{color:inherit;text-decoration:none}
}
`;
