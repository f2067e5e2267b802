// "Try it": a picture in, the network's answer out, with the mistakes that are switched on.

import { largest, open, probabilities, readContract } from "./network.js";
import { decode, openCamera } from "./picture.js";
import { encode, used } from "./preprocess.js";

const SHOWN = 5; // classes
const VIEW = 640; // pixels of the picture's longer side, as shown
const percent = (share) => `${(100 * share).toFixed(share < 0.9995 ? 1 : 0)}\u00a0%`;

/** Let the browser show what is there. */
const painted = () => new Promise((resolve) => setTimeout(resolve));

class Playground {
  constructor(element) {
    this.element = element;
    this.switches = [...element.querySelectorAll("input[role=switch]")];
    this.turn = 0;
    element.playground = this;
    this.listen();
    this.ready = readContract(element.dataset.model);
    this.ready.then((contract) => { this.contract = contract; this.showThreshold(); this.say(""); }, (error) => this.say(error.message));
  }

  part(name) { return this.element.querySelector(`[data-part=${name}]`); }

  listen() {
    const drop = this.part("drop");
    for (const type of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(type, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", type === "dragover");
      });
    }
    drop.addEventListener("drop", ({ dataTransfer }) => this.take(dataTransfer.files[0]));
    this.part("file").addEventListener("change", ({ target }) => { this.take(target.files[0]); target.value = ""; });
    this.part("camera").addEventListener("click", () => (this.camera ? this.stop() : this.film()));
    for (const button of this.element.querySelectorAll("[data-part=sample]")) {
      button.addEventListener("click", async () => this.take(await (await fetch(button.firstChild.src)).blob(), "The sample"));
    }
    for (const each of this.switches) each.addEventListener("change", () => { this.exclude(each); this.update(); });
    this.part("threshold").addEventListener("input", () => { this.showThreshold(); this.answer(); });
  }

  say(message) {
    const status = this.part("status");
    status.textContent = message;
    status.hidden = !message;
  }

  busy(state) { this.part("answer").ariaBusy = String(state); }

  /** Show and classify a file. */
  async take(file, name = file?.name) {
    this.stop();
    if (!file) return this.say("Drop a picture file, not a link or text.");
    const mine = ++this.turn;
    this.say("");
    try {
      const picture = await decode(file, name);
      if (mine !== this.turn) return undefined;
      this.show(picture);
      return this.update();
    } catch (error) {
      return this.say(error.message);
    }
  }

  async film() {
    try {
      this.say("");
      this.camera = await openCamera();
    } catch (error) {
      return this.say(error.message);
    }
    const { camera } = this;
    this.part("camera").textContent = "Stop the camera";
    this.part("headline").ariaLive = "off"; // it would speak without end
    while (this.camera === camera) {
      this.show(camera.frame());
      await this.update();
      await new Promise(requestAnimationFrame);
    }
    return undefined;
  }

  stop() {
    this.camera?.stop();
    this.camera = undefined;
    this.part("camera").textContent = "Use the camera";
    this.part("headline").ariaLive = "polite";
  }

  /** Make room for a picture, which `update` draws. */
  show(picture) {
    this.picture = picture;
    const { width, height } = picture, scale = Math.min(1, VIEW / Math.max(width, height));
    Object.assign(this.part("view"), { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
    this.part("hint").hidden = true;
    this.part("drop").classList.add("filled");
  }

  /** Draw the picture, dimmed where the network does not look. */
  dim(pipeline) {
    const view = this.part("view"), { width, height, source } = this.picture, box = used(this.picture, pipeline);
    const context = view.getContext("2d"), [x, y] = [view.width / width, view.height / height];
    context.drawImage(source, 0, 0, view.width, view.height);
    context.fillStyle = "rgb(0 0 0 / 0.55)";
    context.beginPath();
    context.rect(0, 0, view.width, view.height);
    context.rect(box.left * x, box.top * y, box.width * x, box.height * y);
    context.fill("evenodd");
  }

  /** Switch off the mistakes that change what this one changes. */
  exclude(chosen) {
    const fields = ({ value }) => Object.keys(this.contract?.mistakes[value] ?? {});
    for (const each of chosen.checked ? this.switches : []) {
      if (each !== chosen && fields(each).some((field) => fields(chosen).includes(field))) each.checked = false;
    }
  }

  pipeline(words) {
    return Object.assign({}, this.contract.pipeline, ...words.map((word) => this.contract.mistakes[word]));
  }

  encoded(words) { return encode(this.picture, this.pipeline(words), this.contract.input); }

  /** Classify the picture with the mistakes that are on; then, unless it is a frame, with each alone. */
  async update() {
    if (!this.picture) return;
    const mine = ++this.turn, current = () => mine === this.turn;
    this.busy(true);
    try {
      await this.ready;
      const words = this.switches.filter((each) => each.checked).map((each) => each.value);
      this.dim(this.pipeline(words));
      if (!this.camera) await painted();
      if (!current()) return;
      const { stored } = this.encoded(words);
      this.draw(stored);
      if (!this.run) this.spell("Loading …");
      this.opened ??= open(this.element.dataset.model, this.contract);
      this.run = await this.opened;
      if (!current()) return;
      this.result = { stored, ...(await this.run(stored)) };
      this.answer();
      if (!this.camera) await this.compare(current);
      if (current()) this.busy(false);
    } catch (error) {
      this.opened = undefined;
      this.stop();
      this.spell("");
      this.busy(false);
      this.say(error.message);
    }
  }

  /** The tensor as a picture. */
  draw(stored) {
    const { input: { shape: [, height, width, channels] }, shown, pipeline: { order } } = this.contract;
    const image = new ImageData(width, height), canvas = this.part("seen");
    const places = channels === 1 ? [0, 0, 0] : order === "bgr" ? [2, 1, 0] : [0, 1, 2];
    for (let i = 0; i < width * height; i++) {
      places.forEach((place, c) => {
        const [factor, sum] = shown[place % shown.length];
        image.data[4 * i + c] = Math.round(stored[channels * i + place] * factor + sum);
      });
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  get least() { return Number(this.part("threshold").value); }

  /** Show the last result. */
  answer() {
    if (!this.result) return;
    const shares = probabilities(this.result.scores, this.contract), best = largest(shares, SHOWN);
    const { classes } = this.contract, sure = shares[best[0]] >= Math.fround(this.least);
    this.spell(sure ? classes[best[0]] : "None of these");
    this.part("bars").replaceChildren(...best.map((i) => bar(classes[i], shares[i])));
    this.part("time").textContent = `${this.result.ms.toFixed(this.result.ms < 10 ? 1 : 0)} ms, LiteRT.js on one core of this machine`;
    this.element.classList.toggle("unsure", !sure);
  }

  /** Change the headline if it differs: it is read out. */
  spell(text) {
    const headline = this.part("headline");
    if (headline.textContent !== text) headline.textContent = text;
  }

  async compare(current) {
    const right = await this.best([]);
    for (const each of this.element.querySelectorAll("[data-part=effect]")) {
      await painted();
      if (!current()) return;
      const found = await this.best([each.dataset.mistake]);
      each.textContent = `${found.name} ${percent(found.share)}`;
      each.classList.toggle("wrong", found.name !== right.name);
    }
  }

  async best(words) {
    const { scores } = await this.run(this.encoded(words).stored);
    const shares = probabilities(scores, this.contract), [first] = largest(shares, 1);
    return { name: this.contract.classes[first], share: shares[first] };
  }

  showThreshold() {
    const { least } = this, rows = this.contract?.confidence?.rows;
    this.part("least").textContent = least ? percent(least) : "none";
    const row = rows?.filter(([threshold]) => threshold <= least).at(-1);
    this.part("expected").textContent = row
      ? `With at least ${percent(row[0])}, ${row[1]} of ${rows[0][1]} validation images had an answer, ${row[2]} of them the right one.`
      : "";
  }
}

function bar(name, share) {
  const made = document.createElement("li"), filled = document.createElement("span");
  for (const [kind, text] of [["name", name], ["share", percent(share)]]) {
    made.append(Object.assign(document.createElement("span"), { className: kind, textContent: text }));
  }
  filled.className = "fill";
  filled.style.width = `${100 * share}%`;
  made.append(Object.assign(document.createElement("span"), { className: "track" }));
  made.lastChild.append(filled);
  return made;
}

for (const element of document.querySelectorAll(".playground")) new Playground(element);
