"use strict";
// Order of two values of a column: as numbers or as words; what has no value ("nan", "") comes last either way up.
const inOrder = (kind, up) => (a, b) => {
  const none = (value) => value === "nan" || value === "";
  if (none(a) || none(b)) return none(a) - none(b);
  const sign = up ? 1 : -1;
  if (kind === "text") return sign * a.localeCompare(b, "en", { numeric: true });
  const number = (value) => Number(value.replace("inf", "Infinity"));
  return sign * Math.sign(number(a) - number(b)) || 0;
};
if (typeof document !== "undefined") {
  const said = document.body.appendChild(document.createElement("p"));
  said.className = "unseen";
  said.setAttribute("aria-live", "polite");
  // Headings are buttons only where this runs: without it the table is a plain one.
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const order = inOrder(head.dataset.kind, up);
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((a, b) => order(a.cells[column].dataset.sort, b.cells[column].dataset.sort)));
        said.textContent = `sorted by ${head.textContent}, ${up ? "ascending" : "descending"}`;
      });
    }
  }
  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
  addEventListener("beforeprint", () => {
    for (const closed of document.querySelectorAll("details")) closed.open = true;
  });
}
