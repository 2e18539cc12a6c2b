// Schemas as nested lists of fields.

import { element, folded, prose } from "./element.js";

/** Resolves a reference, and adds the fields beside it. */
export function resolved(description, value) {
  if (!value || !value.$ref) return value;
  const { $ref, ...beside } = value;
  const steps = $ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = steps.reduce((at, step) => at && at[step], description);
  return { ...found, ...beside };
}

/** The type of a schema in a few words. */
export function kind(description, schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const choices = schema.oneOf || schema.anyOf || schema.allOf;
  if (choices) return choices.map((choice) => kind(description, choice)).join(" or ");
  const types = [schema.type || "any"].flat().map((type) => (type === "array" ? `list of ${kind(description, schema.items)}` : type));
  return types.join(" or ") + limits(schema);
}

function limits(schema) {
  const said = [];
  if (schema.format) said.push(schema.format);
  if (schema.enum) said.push(schema.enum.map((value) => JSON.stringify(value)).join(", "));
  if (schema.pattern) said.push(schema.pattern);
  for (const [name, word] of [["minimum", "from"], ["maximum", "to"], ["minLength", "at least"], ["maxLength", "at most"],
    ["minItems", "at least"], ["maxItems", "at most"]]) {
    if (schema[name] !== undefined) said.push(`${word} ${schema[name].toLocaleString("en")}`);
  }
  return said.length ? ` (${said.join(", ")})` : "";
}

/** A schema with its fields. References open one step at a time, so that cycles do not loop. */
export function shape(description, schema) {
  const whole = resolved(description, schema) || {};
  const parts = [];
  if (whole.description) parts.push(...prose(whole.description));
  if (whole.enum) parts.push(element("p", { class: "kind" }, `One of ${whole.enum.map((value) => JSON.stringify(value)).join(", ")}`));
  if (whole.properties) parts.push(fields(description, whole));
  for (const choice of whole.oneOf || whole.anyOf || whole.allOf || []) {
    if (choice.type !== "null") parts.push(folded(kind(description, choice), () => shape(description, choice)));
  }
  const inner = whole.items || (typeof whole.additionalProperties === "object" ? whole.additionalProperties : undefined);
  if (inner && isDeep(description, inner)) parts.push(folded(kind(description, inner), () => shape(description, inner)));
  if (!parts.length) parts.push(element("p", { class: "kind" }, kind(description, whole)));
  return element("div", {}, parts);
}

function fields(description, schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties).map(([name, field]) => {
    const whole = resolved(description, field);
    const notes = [whole.readOnly && "read-only", whole.writeOnly && "write-only"].filter(Boolean).join(", ");
    return element("li", {},
      element("code", {}, name), " ",
      element("span", { class: "kind" }, kind(description, field)), " ",
      required.has(name) ? element("span", { class: "required" }, "required") : "", notes ? ` ${notes}` : "",
      isDeep(description, field) ? folded("its fields", () => shape(description, field)) : said(whole));
  });
  return element("ul", { class: "fields" }, rows);
}

function said(schema) {
  return schema.description ? element("div", { class: "says" }, prose(schema.description)) : "";
}

function isDeep(description, schema) {
  const whole = resolved(description, schema) || {};
  const inner = [whole.items, ...(whole.oneOf || []), ...(whole.anyOf || []), ...(whole.allOf || [])].filter(Boolean);
  return Boolean(whole.properties || whole.enum) || inner.some((one) => isNamed(one) || one.properties)
    || (typeof whole.additionalProperties === "object" && isNamed(whole.additionalProperties));
}

function isNamed(schema) {
  return Boolean(schema.$ref);
}
