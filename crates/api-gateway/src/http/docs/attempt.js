// Sends a request with the key from the page, and shows the response.

import { element, json } from "./element.js";
import { resolved } from "./schema.js";

/** Inputs for an operation's parameters and body, and a button. */
export function attempt(description, operation) {
  const inputs = parameters(description, operation).map((parameter) => input(description, parameter));
  const body = bodyInput(description, operation);
  const answer = element("div", { "aria-live": "polite" });
  const send = async (event) => {
    event.preventDefault();
    answer.replaceChildren(element("p", {}, "Sending…"));
    try {
      answer.replaceChildren(...await shown(await fetch(...request(operation, inputs, body))));
    } catch (error) {
      answer.replaceChildren(element("p", { class: "required" }, `Nothing came back: ${error.message}`));
    }
  };
  const form = element("form", { onsubmit: send },
    inputs.length ? element("table", {}, inputs.map(({ row }) => row)) : "",
    body ? [element("label", {}, "As ", body.kind), body.text] : "",
    element("p", {}, element("button", {}, "Send")));
  return [form, answer];
}

/** The parameters of an operation, without its body. */
export function parameters(description, operation) {
  return (operation.what.parameters || []).map((parameter) => resolved(description, parameter));
}

function input(description, parameter) {
  const org = parameter.name === "orgId" ? document.getElementById("org").value : "";
  const field = element("input", { type: "text", autocomplete: "off", value: org, "aria-label": parameter.name });
  const row = element("tr", {}, element("th", {}, parameter.name), element("td", {}, field));
  return { parameter, field, row };
}

function bodyInput(description, operation) {
  const body = resolved(description, operation.what.requestBody);
  if (!body) return undefined;
  const kind = element("select", { "aria-label": "content type" }, Object.keys(body.content).map((name) => element("option", {}, name)));
  const text = element("textarea", { spellcheck: "false", "aria-label": "body" });
  const show = () => {
    const { example } = body.content[kind.value];
    text.value = example === undefined ? "" : JSON.stringify(example, null, 2);
  };
  kind.addEventListener("change", show);
  show();
  return { kind, text };
}

function request(operation, inputs, body) {
  const headers = proof();
  const query = new URLSearchParams();
  // The page may be served below a prefix that the description does not know of.
  let path = new URL(document.baseURI).pathname.replace(/\/api\/v1\/docs$/, "") + operation.path;
  for (const { parameter, field } of inputs) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(field.value));
    else if (field.value === "") continue;
    else if (parameter.in === "query") query.set(parameter.name, field.value);
    else if (parameter.in === "header") headers[parameter.name] = field.value;
  }
  const asked = query.size ? `?${query}` : "";
  if (body) headers["Content-Type"] = body.kind.value;
  return [path + asked, { method: operation.method.toUpperCase(), headers, body: body?.text.value, credentials: "omit" }];
}

/** A session token contains two dots, a key none. */
function proof() {
  const text = document.getElementById("proof").value.trim();
  if (!text) return {};
  return text.split(".").length === 3 ? { Authorization: `Bearer ${text}` } : { "X-API-Key": text };
}

async function shown(response) {
  const text = await response.text();
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  let body = text ? element("pre", {}, text) : "";
  try {
    body = json(JSON.parse(text));
  } catch {
    // The response is not JSON, so it is shown as received.
  }
  return [element("p", {}, element("strong", {}, `${response.status} ${response.statusText}`)), element("pre", {}, headers), body];
}
