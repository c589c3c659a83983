// The result of this function is a list of what is wrong with the page.
(contrast) => {
  const problems = [];
  const name = (e) => {
    const service = e.closest("article")?.querySelector("h3").textContent ?? "";
    return `${e.tagName.toLowerCase()}.${e.className}#${e.id} in ${e.closest("section")?.id ?? ""} ${service}`;
  };

  for (const d of document.querySelectorAll("details")) d.open = true;
  const boxes = "html, body, header, nav, textarea, section, article, article .block, .phone, pre";
  for (const e of document.querySelectorAll(boxes)) {
    if (e.scrollWidth > e.clientWidth) problems.push(`${name(e)} overflows: ${e.scrollWidth} > ${e.clientWidth}`);
  }
  for (const e of document.querySelectorAll("article")) {
    if (e.getBoundingClientRect().right > innerWidth) problems.push(`${name(e)} ends outside of the window`);
  }

  // A color is red, green, blue and alpha. null is a color that cannot be computed, such as a gradient.
  const parse = (s) => {
    const m = s.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
    return m && [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const background = (e) => {
    if (!e) return [255, 255, 255, 1];
    const color = parse(getComputedStyle(e).backgroundColor);
    if (!color) return null;
    if (color[3] === 1) return color;
    const below = background(e.parentElement);
    return below && over(color, below);
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  // Every text has a language, and is readable.
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let computed = 0;
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim(), e = texts.currentNode.parentElement;
    if (text === "") continue;
    const lang = e.closest("[lang]").lang;
    const kana = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text);
    if (lang !== "en" && lang !== "ja") problems.push(`${name(e)} has the language "${lang}"`);
    if (kana && lang !== "ja" && e.tagName !== "TEXTAREA") {
      problems.push(`${name(e)} has Japanese text, but not its language: ${text}`);
    }
    if (!contrast || !e.checkVisibility()) continue;
    const back = background(e), front = back && parse(getComputedStyle(e).color);
    if (!front) continue;
    computed++;
    const a = luminance(over(front, back)), b = luminance(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) problems.push(`${name(e)} has the contrast ${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  if (contrast && computed < 100) problems.push(`the contrast of only ${computed} texts was computed`);
  for (const d of document.querySelectorAll("details")) d.open = false;
  return problems;
}
