// Draws the plots by vega-embed, in the colours of the page, and again when those change.
(() => {
  "use strict";
  const views = {}, dark = matchMedia("(prefers-color-scheme: dark)");
  const chooser = document.getElementById("latency-device");
  const buttons = [...document.querySelectorAll(".legend button")];

  function config() {
    const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
    const [text, quiet, line] = ["--text", "--quiet", "--line"].map(of);
    return {
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: null },
      text: { color: text, fill: text },
      axis: { labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12,
        titleFontSize: 12, titleFontWeight: 500, titlePadding: 10, labelOverlap: "greedy", labelSeparation: 8 },
      range: { category: [0, 1, 2, 3, 4, 5].map((number) => of(`--plot${number}`)) },
      aria: false, mark: { aria: false }, // the figure's name says what it is, the Model List has the figures
    };
  }

  async function draw() {
    for (const data of document.querySelectorAll("script[data-plot]")) {
      const place = document.getElementById(data.dataset.plot), spec = JSON.parse(data.textContent);
      views[place.id]?.finalize();
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, config: config(),
        tooltip: { disableDefaultStyle: true } };
      views[place.id] = await vegaEmbed(place, spec, options);
    }
    update();
  }

  function update() {
    const only = buttons.find((each) => each.ariaPressed === "true")?.dataset.images ?? "";
    for (const { view } of Object.values(views)) {
      view.signal("only", only);
      if (chooser) view.signal("device", chooser.value);
      view.runAsync();
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const pressed = button.ariaPressed !== "true";
      buttons.forEach((each) => { each.ariaPressed = String(pressed && each === button); });
      update();
    });
  }
  chooser?.addEventListener("change", update);
  dark.addEventListener("change", draw);
  draw();
})();
