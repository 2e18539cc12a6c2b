// The description by tag: the input and the responses of each operation.

import { attempt, parameters } from "./attempt.js";
import { element, folded, json, prose } from "./element.js";
import { kind, resolved, shape } from "./schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

function byTag(description) {
  const tags = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const what = item[method];
      const tag = (what.tags || ["other"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push({ method, path, what });
    }
  }
  return new Map([...tags].sort(([one], [other]) => one.localeCompare(other)));
}

function shown(description, operation) {
  const { method, path, what } = operation;
  const title = [
    element("span", { class: `method ${method}` }, method),
    element("span", { class: "path" }, path),
    element("span", { class: "says" }, what.summary || ""),
  ];
  const whole = folded("", () => element("div", {}, contents(description, operation)));
  whole.firstChild.replaceChildren(...title);
  whole.className = "operation";
  whole.id = what.operationId;
  whole.dataset.words = `${method} ${path} ${what.summary} ${what.description || ""}`.toLowerCase();
  return whole;
}

function contents(description, operation) {
  const { what } = operation;
  return [
    ...(what.description ? prose(what.description) : []),
    element("p", { class: "kind" }, proof(description, what)),
    asked(description, operation),
    ...bodies(description, "Request", resolved(description, what.requestBody)?.content),
    element("h4", {}, "Answers"),
    ...Object.entries(what.responses).map(([status, answer]) => answered(description, status, resolved(description, answer))),
    folded("Send a request", () => attempt(description, operation)),
  ];
}

function proof(description, what) {
  const needed = (what.security || description.security || []).flatMap((one) => Object.keys(one));
  const names = { apiKey: "X-API-Key", bearer: "Authorization: Bearer" };
  return needed.length ? `Needs ${needed.map((name) => names[name] || name).join(" or ")}` : "Needs no key";
}

function asked(description, operation) {
  const all = parameters(description, operation);
  if (!all.length) return "";
  const rows = all.map((parameter) => element("tr", {},
    element("th", {}, element("code", {}, parameter.name), parameter.required ? element("span", { class: "required" }, " required") : ""),
    element("td", {}, parameter.in),
    element("td", {}, kind(description, parameter.schema)),
    element("td", {}, parameter.description ? prose(parameter.description) : "")));
  return element("table", {}, rows);
}

function bodies(description, title, content = {}) {
  return Object.entries(content).map(([type, body]) => folded(`${title}: ${type}, ${kind(description, body.schema)}`, () => [
    shape(description, body.schema),
    ...(body.example === undefined ? [] : [element("h5", {}, "Example"), json(body.example)]),
  ]));
}

function answered(description, status, answer) {
  return folded(`${status} ${answer.description || ""}`, () => [
    element("p", { class: "kind" }, `Headers: ${Object.keys(answer.headers || {}).join(", ")}`),
    ...bodies(description, "Body", answer.content),
  ]);
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("main section")) {
    const all = [...section.querySelectorAll("details.operation")];
    for (const one of all) one.hidden = !words.every((word) => one.dataset.words.includes(word));
    section.hidden = all.every((one) => one.hidden);
  }
}

function open(id) {
  const operation = document.getElementById(id);
  if (operation instanceof HTMLDetailsElement) {
    operation.open = true;
    operation.scrollIntoView();
  }
}

async function show() {
  const main = document.getElementById("operations");
  try {
    const description = await (await fetch("openapi.json")).json();
    const tags = byTag(description);
    document.getElementById("tags").replaceChildren(...[...tags].map(([tag, all]) =>
      element("a", { href: `#${encodeURIComponent(tag)}` }, `${tag} (${all.length})`)));
    main.replaceChildren(...[...tags].map(([tag, all]) =>
      element("section", { id: tag }, element("h2", {}, tag), all.map((operation) => shown(description, operation)))));
    document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
    open(decodeURIComponent(location.hash.slice(1)));
  } catch (error) {
    main.replaceChildren(element("p", { class: "required" }, `The description cannot be read: ${error.message}`));
  }
}

show();
