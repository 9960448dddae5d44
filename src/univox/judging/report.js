"use strict";
// A click on a column's head sorts the table by it; a second click turns the order around. Missing values stay last.
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const table = head.closest("table");
    const column = [...head.parentNode.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.children[column].dataset.sort;
    const missing = (value) => value === "nan";
    const order = (a, b) => {
      const x = key(a), y = key(b);
      if (missing(x) || missing(y)) return missing(x) - missing(y);
      const sign = up ? 1 : -1;
      if (head.dataset.kind === "number") {
        const p = x === "inf" ? Infinity : Number(x), q = y === "inf" ? Infinity : Number(y);
        return p === q ? 0 : sign * (p < q ? -1 : 1);
      }
      return sign * x.localeCompare(y, undefined, { numeric: true });
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(order));
  });
}
