// Sorts and filters the Model List. Without this script it is a plain table.
(() => {
  "use strict";
  const table = document.getElementById("models"), form = document.getElementById("filters");
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];

  const value = (row, column) => row.cells[column].dataset.value ?? "";
  const numeric = (column) => [...body.rows].every((row) => !isNaN(value(row, column)));

  function sort(column) {
    const head = heads[column];
    const first = column > 3 ? "ascending" : column > 1 ? "descending" : "ascending"; // costs from the least, accuracy from the best
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first, sign = order === "ascending" ? 1 : -1;
    const compare = numeric(column) ? (a, b) => a - b : (a, b) => a.localeCompare(b);
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      return x === "" || y === "" ? (x === "") - (y === "") : sign * compare(x, y); // what is not measured comes last
    });
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    body.append(...rows);
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });

  // What was not measured fulfils no limit.
  const atMost = (limit, text, unit) => !limit || (text !== undefined && Number(text) <= Number(limit) * unit);
  const fits = ({ dataset: row }, asked) =>
    (!asked.device || row.device.split(" ").includes(asked.device)) &&
    (!asked.data || row.data === asked.data) &&
    atMost(asked.ram, row.ram, 1000) && atMost(asked.flash, row.flash, 1000) &&
    (!asked.top1 || (row.top1 !== undefined && 100 * row.top1 >= Number(asked.top1)));

  function filter() {
    const asked = Object.fromEntries(new FormData(form));
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !fits(row, asked);
      shown += !row.hidden;
      const card = document.querySelector(`article[data-model="${CSS.escape(row.dataset.model)}"]`);
      if (card) card.hidden = row.hidden;
      row.querySelectorAll("[data-on]").forEach((each) => { each.hidden = each.dataset.on !== asked.device; });
      row.querySelectorAll(".any").forEach((each) => { each.hidden = Boolean(asked.device); });
    }
    const all = body.rows.length;
    document.getElementById("count").textContent = `${shown === all ? all : `${shown} of ${all}`} models`;
  }

  form.addEventListener("input", filter);
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = body.rows.length < 2;
  filter(); // a browser that comes back to the page restores what was asked for
})();
