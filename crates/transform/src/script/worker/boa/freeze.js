// Runs once in a new context, before any script: afterwards no object that a script can reach may change.
(function () {
  "use strict";
  const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { ownKeys } = Reflect;

  // These would carry state from one run to the next, or tell the time.
  for (const name of ["FinalizationRegistry", "WeakRef", "SharedArrayBuffer", "Atomics"]) {
    delete globalThis[name];
  }

  function replace(prototype, name, value) {
    defineProperty(prototype, name, { value, writable: true, enumerable: false, configurable: true });
  }

  // There are no locales here, so a result would be in the format of another locale.
  function withoutLocale(prototype, name, instead) {
    const message = `${name} is not offered, because scripts know no locales: use ${instead}`;
    replace(prototype, name, { [name]() { throw new TypeError(message); } }[name]);
  }
  const written = 'formatDate(value, "DD/MM/YYYY hh:mm A", "Asia/Kolkata")';
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
    withoutLocale(Date.prototype, name, written);
  }
  for (const type of [Number, BigInt]) withoutLocale(type.prototype, "toLocaleString", "toFixed or String");

  // JSON would silently have `null` in place of an invalid Date.
  const { getTime, toISOString } = Date.prototype;
  const { apply } = Reflect;
  replace(Date.prototype, "toJSON", {
    toJSON() {
      if (apply(getTime, this, []) !== apply(getTime, this, [])) {
        throw new RangeError("the Date is invalid: what it was made of is no date that JavaScript reads; use parseDate");
      }
      return apply(toISOString, this, []);
    },
  }.toJSON);

  // The properties of a frozen prototype cannot be assigned on objects that inherit them: `error.name = "Mine"` would throw.
  // An accessor in their place defines the property on the object, as the assignment would have.
  function overridable(prototype, keys) {
    for (const key of keys) {
      const descriptor = getOwnPropertyDescriptor(prototype, key);
      if (!descriptor || !("value" in descriptor) || !descriptor.configurable) continue;
      const { value, enumerable } = descriptor;
      const get = { get() { return value; } }.get;
      const set = {
        set(assigned) {
          if (this === prototype) throw new TypeError("Cannot assign to a built-in prototype");
          defineProperty(this, key, { value: assigned, writable: true, enumerable: true, configurable: true });
        },
      }.set;
      defineProperty(prototype, key, { get, set, enumerable, configurable: true });
    }
  }
  overridable(Object.prototype, ownKeys(Object.prototype));
  overridable(Function.prototype, ["constructor", "toString", "call", "apply", "bind"]);
  overridable(Array.prototype, ["toString", "toLocaleString"]);
  for (const error of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError]) {
    overridable(error.prototype, ["constructor", "message", "name", "toString"]);
  }
  for (const type of [Date, RegExp, Promise, Map, Set, String, Number, Boolean]) {
    overridable(type.prototype, ["toString", "toJSON", "toLocaleString", "valueOf"]);
  }

  // Prototypes that no global name leads to.
  const hidden = [
    function* () {},
    async function () {},
    async function* () {},
    (function* () {})(),
    (async function* () {})(),
    [].values(),
    new Map().entries(),
    new Set().values(),
    ""[Symbol.iterator](),
    "".matchAll(/x/g),
    Iterator.from({ next() {} }),
    [].values().map((value) => value),
    (function () { return getOwnPropertyDescriptor(arguments, "callee").get; })(),
    getPrototypeOf(Int8Array),
  ];

  const seen = new Set();
  const queue = [globalThis, ...hidden];
  function reach(value) {
    if ((typeof value === "object" && value !== null) || typeof value === "function") {
      if (!seen.has(value)) {
        seen.add(value);
        queue.push(value);
      }
    }
  }
  for (let index = 0; index < queue.length; index += 1) {
    const object = queue[index];
    seen.add(object);
    reach(getPrototypeOf(object));
    for (const key of ownKeys(object)) {
      const descriptor = getOwnPropertyDescriptor(object, key);
      reach(descriptor.value);
      reach(descriptor.get);
      reach(descriptor.set);
    }
  }
  for (const object of queue) freeze(object);
})();
