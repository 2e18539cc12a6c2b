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

/** Text with code between backticks, and paragraphs separated by empty lines. */
export function prose(text) {
  return text.split("\n\n").map((part) =>
    element("p", {}, part.split("`").map((piece, at) => (at % 2 ? element("code", {}, piece) : piece))));
}

/** A value as indented JSON. */
export function json(value) {
  return element("pre", {}, JSON.stringify(value, null, 2));
}

/** A collapsible section whose content is created when it first opens. */
export function folded(title, fill, isOpen = false) {
  const folded = element("details", { open: isOpen }, element("summary", {}, title));
  const once = () => {
    if (folded.open && folded.children.length === 1) folded.append(...[fill()].flat());
  };
  folded.addEventListener("toggle", once);
  once();
  return folded;
}
