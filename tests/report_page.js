// What is wrong with the page that is open: texts of low contrast (WCAG 2, 1.4.3), parts that stick out sideways.
(() => {
  const numbers = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
  const luminance = (color) => color.map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(numbers(getComputedStyle(e).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const wrong = [];
  for (const e of document.body.querySelectorAll("*:not(.small td)")) {  // cells without text
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const what = `${e.tagName} ${e.getAttribute("class")} ${e.textContent.slice(0, 20)}`;
    if (box.right > innerWidth + 1 && !e.closest(".scroll, nav")) wrong.push(`sticks out: ${what}`);
    if (!box.width || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const back = behind(e), color = numbers(e instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(over(color, back)), luminance(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) wrong.push(`low contrast: ${what}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page scrolls sideways");
  return [...new Set(wrong)];
})()
