// Building elements. Strings always become text nodes, so nothing that an order
// holds can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** A new element; null and false children are left out, strings become text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** A decorative icon of the sprite in index.html. */
export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Tells screen readers; the same words twice are spoken twice. */
export function announce(message) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = announcer.textContent === message ? `${message}\u00a0` : message;
}

/** A button that copies `value` and says so. `label` names what is copied. */
export function copyButton(value, label, caption = null, glyph = "copy") {
  const button = h("button", {
    type: "button",
    class: caption ? "quiet" : "copy",
    "aria-label": caption ? null : `Copy ${label}`,
    title: `Copy ${label}`,
  }, icon(glyph), caption);
  button.addEventListener("click", () => copy(value, label, button, glyph));
  return button;
}

async function copy(value, label, button, glyph) {
  const copied = await writeClipboard(value);
  announce(copied ? `Copied ${label}` : `The browser did not allow copying the ${label}`);
  if (!copied) return;
  swapIcon(button, "check");
  button.classList.add("done");
  setTimeout(() => {
    swapIcon(button, glyph);
    button.classList.remove("done");
  }, 1500);
}

function swapIcon(button, name) {
  button.querySelector("use").setAttribute("href", `#icon-${name}`);
}

async function writeClipboard(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return copyBySelection(value);
  }
}

// The clipboard API exists in secure contexts only; plain http on a LAN is none.
function copyBySelection(value) {
  const area = h("textarea", { class: "visually-hidden", readonly: true, "aria-hidden": "true" });
  const focused = document.activeElement;
  area.value = value;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}
