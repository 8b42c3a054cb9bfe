// Looks at a report in a browser and gives what is wrong with it, and how it is made.
(async () => {
  await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
  const wrong = [];
  const at = e => (e.id ? '#' + e.id : e.tagName.toLowerCase()) + ' "' + (e.alt || e.textContent || '').trim().slice(0, 40) + '"';
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);
  if (!root.lang) wrong.push('no language');
  if (!document.title) wrong.push('no title');
  for (const i of document.images) {
    if (!i.complete || i.naturalWidth === 0) wrong.push('a picture is not shown: ' + at(i));
    if (i.alt.trim().length < 20) wrong.push('a picture has no words: ' + at(i));
    if (!i.closest('figure') || !i.closest('figure').querySelector('figcaption')?.textContent.trim()) wrong.push('no caption: ' + at(i));
  }
  let level = 0;
  const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')];
  for (const h of headings) {
    const l = +h.tagName[1];
    if (l > level + 1) wrong.push(`${at(h)} follows a heading of level ${level}`);
    level = l;
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
  for (const a of document.querySelectorAll('a[href]')) {
    const to = a.getAttribute('href');
    if (!to.startsWith('#') || !document.getElementById(to.slice(1))) wrong.push('a link leads nowhere: ' + to);
  }
  for (const t of document.querySelectorAll('th')) if (!t.scope) wrong.push('a heading without scope: ' + at(t));
  for (const t of document.querySelectorAll('table')) if (!t.caption || !t.tHead) wrong.push('a table without caption or head');
  const rgba = s => { const m = s.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1}; };
  const light = c => { const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b); };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.a > 0.99) return c; }
    return {r: 255, g: 255, b: 255, a: 1}; };
  let least = 99, smallest = 99;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.checkVisibility({checkVisibilityCSS: true})) continue;
    const s = getComputedStyle(e), px = parseFloat(s.fontSize);
    if (px < 11) smallest = Math.min(smallest, px);
    const a = light(rgba(s.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    least = Math.min(least, ratio);
    const large = px >= 24 || (px >= 18.66 && +s.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${at(e)}`);
  }
  if (smallest < 99 && matchMedia('screen').matches) wrong.push(`letters of ${smallest} pixels`);
  const tallest = Math.max(0, ...[...document.images].map(i => i.getBoundingClientRect().height));
  if (matchMedia('print').matches && tallest > 1000) wrong.push(`a picture of ${tallest} pixels is cut by the page's end`);
  for (const e of document.querySelectorAll('main p, main li, figcaption, summary, h1, h2')) {
    const box = e.getBoundingClientRect();
    if (e.checkVisibility() && box.right > root.clientWidth + 0.5) wrong.push('it goes beyond the window: ' + at(e));
  }
  const paper = rgba(getComputedStyle(document.body).backgroundColor);
  return {wrong: [...new Set(wrong)], pictures: document.images.length, contrast: least, paper: light(paper),
    height: root.scrollHeight};
})()
