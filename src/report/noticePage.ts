import { html, say } from './html';
import { pagePolicy } from './showPage';
import type { Language, Word } from './words';

/** A sentence for a person, in both languages, where there is no report to show. */
export function drawNoticePage(word: Word, language: Language): string {
  return html`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${pagePolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>鲜达 Xianda</title>
<style>body{font:16px/1.6 system-ui,sans-serif;color:#1b2420;max-width:32em;margin:20vh auto;padding:0 16px}span{display:block}</style>
</head>
<body><main><h1>鲜达 Xianda</h1><p>${say(word)}</p></main></body>
</html>
`.html;
}
