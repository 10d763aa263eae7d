// Lists that come by the page, newest first.

import { announce, h } from "./dom.js";
import { explain, whilePending } from "./form.js";

/**
 * A list and a button that loads more of it. `page` is the first page ({next_cursor, ...}),
 * `items(page)` what is on it, `row(item)` the element of one, `more(cursor)` asks for the next.
 */
export function sequence({ className, page, items, row, more, what }) {
  const list = h("ul", { class: className });
  const button = h("button", { type: "button", class: "quiet wide" }, "Load more");
  const trouble = h("p", { class: "form-error", role: "alert" });
  let cursor = null;
  const add = (next) => {
    const rows = items(next).map(row);
    list.append(...rows);
    cursor = next.next_cursor;
    button.hidden = !cursor;
    return rows;
  };
  button.addEventListener("click", () => loadMore(button, trouble, what, async () => add(await more(cursor))));
  add(page);
  return h("div", { class: "sequence" }, list, trouble, button);
}

async function loadMore(button, trouble, what, load) {
  trouble.textContent = "";
  await whilePending(button, async () => {
    try {
      const rows = await load();
      (rows[0]?.querySelector("a") ?? rows[0])?.focus();
      announce(`${rows.length} more ${what}`);
    } catch (error) {
      trouble.textContent = explain(error);
    }
  });
}
