// Elements are created from text only: nothing of the description or of a response is ever parsed as HTML.

/** An element with attributes (`on…` are listeners) and children, which are elements or text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return made;
}

/** Text in which what stands between backticks is code, and an empty line begins a paragraph. */
export function prose(text) {
  return text.split("\n\n").map((part) =>
    element("p", {}, part.split("`").map((piece, at) => (at % 2 ? element("code", {}, piece) : piece))));
}

/** A value as people read JSON. */
export function json(value) {
  return element("pre", {}, JSON.stringify(value, null, 2));
}

/** What is shown when it is opened, and made no earlier. */
export function folded(title, fill, isOpen = false) {
  const folded = element("details", { open: isOpen }, element("summary", {}, title));
  const once = () => {
    if (folded.open && folded.children.length === 1) folded.append(...[fill()].flat());
  };
  folded.addEventListener("toggle", once);
  once();
  return folded;
}
