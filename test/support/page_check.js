// Looks at a page in frames of several widths, and says what is wrong with it: what reaches beyond the width, texts of too
// little contrast (WCAG 2.1, 1.4.3), ids that are there twice, tables and pictures without names, headings that skip a
// level, what scrolls and cannot be reached by the keyboard, and any script or request.
const wrong = [];
const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const colour = text => (text.match(/[\d.]+/g) || []).map(Number);

function background(element) {
  for (let e = element; e; e = e.parentElement) {
    const c = colour(e.ownerDocument.defaultView.getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
}

function contrast(element) {
  const style = element.ownerDocument.defaultView.getComputedStyle(element);
  const svg = element.closest("svg");
  const behind = svg ? colour(element.ownerDocument.defaultView.getComputedStyle(
    element.previousElementSibling && element.previousElementSibling.matches(".node")
      ? element.previousElementSibling : svg.querySelector(".back")).fill) : background(element);
  const [a, b] = [luminance(colour(svg ? style.fill : style.color)), luminance(behind)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

function look(frame, width) {
  const doc = frame.contentDocument, say = text => wrong.push(width + ": " + text);
  const root = doc.documentElement;
  if (root.scrollWidth > width) say("it is " + root.scrollWidth + " wide");
  for (const e of doc.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== "");
    if (own && !e.matches("style, title")) {
      const found = contrast(e);
      if (!(found >= 4.5)) say("contrast " + found.toFixed(2) + " of " + e.outerHTML.slice(0, 80));
    }
    if (e.scrollWidth > e.clientWidth + 1 && doc.defaultView.getComputedStyle(e).overflowX === "auto" &&
        !(e.tabIndex === 0 && e.getAttribute("aria-label"))) say("no key reaches " + e.outerHTML.slice(0, 80));
    for (const a of e.attributes) if (/^on/.test(a.name)) say("a handler: " + a.name);
  }
  const ids = [...doc.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) say("an id twice");
  if (doc.querySelector("script, link, img, iframe, object, embed, a")) say("what may ask for something");
  if (!root.lang || !doc.title || !doc.querySelector("main")) say("no language, title or main part");
  if (doc.querySelectorAll("th:not([scope]), svg:not([role=img][aria-label])").length) say("a name is missing");
  const levels = [...doc.querySelectorAll("h1, h2, h3")].map(e => Number(e.tagName[1]));
  if (levels[0] !== 1 || levels.some((l, i) => i > 0 && l > levels[i - 1] + 1)) say("headings " + levels);
  if (doc.defaultView.performance.getEntriesByType("resource").length) say("a request");
  if (doc.querySelectorAll("tbody tr, .node").length < 2) say("nothing is there");
}

window.onload = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const frames = [...document.querySelectorAll("iframe")];
  for (const frame of frames) look(frame, Number(frame.width));
  document.body.textContent = "LOOKED " + (dark ? "dark" : "light") + " " + frames.length + " " + JSON.stringify(wrong);
};
