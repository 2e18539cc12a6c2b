//! Scripts that must be stopped, and scripts that only look like those.

use super::*;

/// Name, source, and the errors that may stop it: the machine decides which limit is met first.
pub(super) const STOPPED: &[(&str, &str, &[ScriptFault])] = &[
    ("endless loop", "for (;;) {}", &[Limit, Timeout]),
    (
        "endless loop with a body",
        "let x = 0; while (true) { x = x + 1; }",
        &[Limit, Timeout],
    ),
    (
        "endless loop after an await",
        "await null; while (true) {}",
        &[Error, Limit, Timeout],
    ),
    (
        "endless loop in a job",
        "Promise.resolve().then(() => { for (;;) {} }); return 1",
        &[Limit, Timeout],
    ),
    (
        "endless loop in a loop",
        "for (;;) { for (let i = 0; i < 1e5; i++); }",
        &[Limit, Timeout],
    ),
    (
        "endless loop that is caught",
        "for (;;) { try { for (;;) {} } catch {} finally { continue; } }",
        &[Limit, Timeout],
    ),
    ("endless awaits", "for (;;) await null;", &[Limit, Timeout]),
    (
        "endless jobs",
        "const f = () => Promise.resolve().then(f); f(); return 1",
        &[Limit, Timeout],
    ),
    (
        "endless async recursion",
        "const f = async () => { await null; return f(); }; return f()",
        &[Limit, Timeout, Memory],
    ),
    (
        "flood of promises",
        "const all = []; for (let i = 0; i < 9e5; i++) all.push(new Promise((r) => r(i))); return Promise.all(all)",
        &[Limit, Timeout, Memory],
    ),
    (
        "endless generator",
        "function* g() { for (;;) yield 1; } return [...g()]",
        &[Limit, Timeout, Memory],
    ),
    (
        "endless iterator",
        "return Array.from({ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) })",
        &[Limit, Timeout, Memory],
    ),
    ("recursion", "const f = () => f() + 1; return f()", &[Limit]),
    (
        "recursion that is caught",
        "const f = () => { try { return f(); } catch { return f(); } }; return f()",
        &[Limit],
    ),
    (
        "recursion by a getter",
        "const o = { get a() { return this.a; } }; return o.a",
        &[Limit],
    ),
    (
        "recursion by a proxy",
        "const p = new Proxy({}, { get: (t, k, r) => r[k] }); return p.a",
        &[Limit, Memory],
    ),
    (
        "exponential recursion",
        "const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(60)",
        &[Timeout, Limit],
    ),
    (
        "catastrophic regular expression",
        "return /^(a+)+$/.test('a'.repeat(50) + 'b')",
        &[Timeout, Limit],
    ),
    (
        "catastrophic alternation",
        "return /^(a|a|a)*$/.exec('a'.repeat(60) + '!')",
        &[Timeout],
    ),
    (
        "regular expression of many groups",
        "return new RegExp('('.repeat(60000) + ')'.repeat(60000)).test('a')",
        &[Error, Memory, Timeout, Limit],
    ),
    (
        "quadratic replace",
        "return 'a'.repeat(200000).replace(/a*b/g, '')",
        &[Timeout],
    ),
    (
        "huge BigInt",
        "let x = 2n; for (let i = 0; i < 60; i++) x = x * x; return String(x)",
        &[Timeout, Memory, Error],
    ),
    ("BigInt power", "return String(7n ** 9999999n)", &[Timeout, Memory, Error]),
    ("BigInt shift", "return String(1n << 4000000000n)", &[Timeout, Memory, Error]),
    (
        "array fill",
        "return Array(2 ** 32 - 1).fill(0).length",
        &[Timeout, Memory, Error],
    ),
    (
        "array join",
        "return Array(2 ** 32 - 1).join('x')",
        &[Timeout, Memory, Error, Limit],
    ),
    ("array spread", "return [...Array(2 ** 31)]", &[Timeout, Memory, Error, Limit]),
    (
        "array sort",
        "return Array.from({ length: 3e6 }, () => 1).sort((a, b) => b - a)",
        &[Timeout, Memory, Limit],
    ),
    (
        "string repeat",
        "return 'a'.repeat(2 ** 28)",
        &[Memory, Limit, Error, Timeout],
    ),
    (
        "string doubling",
        "let s = 'abcdefgh'; for (let i = 0; i < 40; i++) s += s; return s",
        &[Memory, Error, Timeout],
    ),
    (
        "string padding",
        "return 'a'.padStart(2 ** 30, 'b')",
        &[Memory, Error, Limit, Timeout],
    ),
    (
        "string concatenation in an array",
        "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)",
        &[Memory, Error, Limit, Timeout],
    ),
    (
        "many array buffers",
        "const a = []; for (let i = 0; i < 1000; i++) a.push(new ArrayBuffer(16e6)); return a.length",
        &[Memory, Error, Timeout],
    ),
    ("huge array buffer", "return new ArrayBuffer(2 ** 34).byteLength", &[Error]),
    ("huge typed array", "return new Float64Array(2 ** 30).length", &[Error]),
    (
        "growing object",
        "const o = {}; for (let i = 0; ; i++) o['k' + i] = { i };",
        &[Limit, Memory, Timeout],
    ),
    (
        "growing map",
        "const m = new Map(); for (let i = 0; ; i++) m.set({}, 'x'.repeat(1000) + i);",
        &[Limit, Memory, Timeout],
    ),
    (
        "deep output",
        "let x = {}; for (let i = 0; i < 9e5; i++) x = { x }; return x",
        &[Limit, Memory, Timeout, Error],
    ),
    (
        "deep flat",
        "let x = []; for (let i = 0; i < 9e5; i++) x = [x]; return x.flat(Infinity)",
        &[Limit, Memory, Timeout],
    ),
    (
        "deep toString",
        "let x = []; for (let i = 0; i < 9e5; i++) x = [x]; return String(x)",
        &[Limit, Memory, Timeout],
    ),
    (
        "deep JSON.parse",
        "return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))",
        &[Limit, Memory, Timeout, Error],
    ),
    (
        "large JSON.parse",
        "const s = '[' + '1,'.repeat(3e6) + '1]'; for (;;) JSON.parse(s)",
        &[Limit, Memory, Timeout, Error],
    ),
    ("circular output", "const x = {}; x.x = x; return x", &[Error]),
    (
        "output that never ends",
        "return new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 32 : k === 'toJSON' ? undefined : 1) })",
        &[Error, Timeout, Memory, Limit],
    ),
    (
        "toJSON that never ends",
        "return { toJSON() { for (;;) {} } }",
        &[Limit, Timeout],
    ),
    (
        "toJSON that goes deeper",
        "const f = () => ({ toJSON: () => ({ a: f() }) }); return f()",
        &[Limit, Memory, Timeout],
    ),
    (
        "getter that throws on output",
        "return { get a() { throw new Error('boo'); } }",
        &[Error],
    ),
    (
        "proxy that throws on output",
        "return new Proxy({}, { ownKeys() { throw new Error('boo'); } })",
        &[Error],
    ),
    (
        "error whose message never ends",
        "throw Object.defineProperty(new Error('x'), 'message', { get() { for (;;) {} } })",
        &[Error, Limit, Timeout],
    ),
    ("thenable that never settles", "return await { then() {} }", &[Error]),
    (
        "thenable that recurses",
        "const t = { then(r) { r(t); } }; return await t",
        &[Limit, Timeout, Error],
    ),
    ("thrown proxy", "throw new Proxy({}, { get() { throw 1; } })", &[Error]),
    (
        "sort that never agrees",
        "return Array.from({ length: 99999 }, (_, i) => i).sort(() => { for (let i = 0; i < 99999; i++); return 0.5; })",
        &[Timeout, Limit],
    ),
    (
        "replace that calls back for ever",
        "const f = (s) => s.replace(/./g, f); return f('aaaa')",
        &[Limit, Memory],
    ),
    (
        "Array.from of a huge length",
        "return Array.from({ length: 2 ** 32 }, (_, i) => i)",
        &[Timeout, Memory, Error, Limit],
    ),
    (
        "huge arguments",
        "return Math.max(...Array(3e6).fill(1))",
        &[Limit, Memory, Error, Timeout],
    ),
    (
        "function of many arguments",
        "return String.fromCharCode.apply(null, { length: 2 ** 31 })",
        &[Limit, Memory, Error, Timeout],
    ),
    ("eval", "return eval('1')", &[Error]),
    ("indirect eval", "return (0, eval)('globalThis')", &[Error]),
    ("Function", "return new Function('return globalThis')()", &[Error]),
    (
        "a function's constructor",
        "return (() => {}).constructor('return this')()",
        &[Error],
    ),
    (
        "an async function's constructor",
        "return (async () => {}).constructor('return this')()",
        &[Error],
    ),
    (
        "a generator's constructor",
        "return (function* () {}).constructor('yield this')().next()",
        &[Error],
    ),
    (
        "a helper's constructor",
        "return lookup.constructor('return this')()",
        &[Error],
    ),
    (
        "constructor of a constructor of the payload",
        "return payload.constructor.constructor('return process')()",
        &[Error],
    ),
    ("import", "return await import('fs')", &[Error]),
    ("import of a file", "return await import('/etc/passwd')", &[Error]),
    ("import of a file beside it", "return await import('./Cargo.toml')", &[Error]),
    ("import.meta", "return import.meta.url", &[Syntax]),
    ("static import", "import fs from 'fs'; return 1", &[Syntax]),
    ("with", "with (Math) { return max(1) }", &[Syntax]),
    ("leaving the wrapper", "}); while (true) {} (function () {", &[Syntax]),
    ("leaving the wrapper by a comment", "return 1 } /*", &[Syntax]),
    ("the caller", "function f() { return f.caller; } return f().x", &[Error]),
    ("arguments.callee", "return arguments.callee", &[Error]),
    ("require", "return require('fs')", &[Error]),
    ("process", "return process.env", &[Error]),
    (
        "Atomics.wait",
        "return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        &[Error],
    ),
    ("timers", "setTimeout(() => {}, 1e9); return 1", &[Error]),
    ("fetch", "return fetch('http://127.0.0.1')", &[Error]),
    ("prototype of Object", "Object.prototype.polluted = 1; return 1", &[Error]),
    ("prototype of Array", "Array.prototype.map = () => 'mine'; return 1", &[Error]),
    ("prototype by __proto__", "({}).__proto__.polluted = 1; return 1", &[Error]),
    (
        "prototype by setPrototypeOf",
        "Object.setPrototypeOf(Object.prototype, { polluted: 1 }); return 1",
        &[Error],
    ),
    (
        "JSON.stringify replaced",
        "JSON.stringify = () => '\"mine\"'; return 1",
        &[Error],
    ),
    ("a helper replaced", "globalThis.lookup = () => 1; return 1", &[Error]),
    (
        "a global defined",
        "Object.defineProperty(globalThis, 'x', { value: 1 }); return 1",
        &[Error],
    ),
    ("the console replaced", "console.log = () => {}; return 1", &[Error]),
    (
        "the iterator of arrays replaced",
        "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true }); return 1",
        &[Error],
    ),
    (
        "then replaced",
        "Promise.prototype.then = function () { for (;;) {} }; return await 1",
        &[Error],
    ),
    (
        "console flood",
        "for (;;) console.log('x'.repeat(1e5))",
        &[Limit, Timeout, Memory],
    ),
    (
        "console of a circle",
        "const x = {}; x.x = x; console.log(x); throw new Error('after')",
        &[Error],
    ),
    (
        "console of a deep value",
        "let x = {}; for (let i = 0; i < 9e5; i++) x = { x }; console.log(x); return 1",
        &[Limit, Timeout, Memory],
    ),
    (
        "get with a path that never ends",
        "return get({}, { length: 2 ** 53, get 0() { for (;;) {} } })",
        &[Limit, Timeout],
    ),
];

/// Attacks on other engines that have no effect here.
pub(super) const HARMLESS: &[(&str, &str, &str)] = &[
    (
        "JSON's __proto__ key",
        "const o = JSON.parse('{\"__proto__\":{\"x\":1}}'); return { x: ({}).x ?? null, own: Object.keys(o) }",
        r#"{"x":null,"own":["__proto__"]}"#,
    ),
    (
        "merge into __proto__",
        "const o = {}; o['__proto__'] = { x: 1 }; return [({}).x ?? null, o.x]",
        "[null,1]",
    ),
    (
        "this",
        "return [typeof this, (function () { return typeof this; })()]",
        r#"["undefined","undefined"]"#,
    ),
    ("toJSON that lies about the skip", "return { toJSON: () => null }", "null"),
    (
        "console with a throwing getter",
        "console.log({ get a() { throw 1; } }); return 1",
        "1",
    ),
    (
        "toString that calls itself",
        "const o = { toString() { return `<${this}>`; } }; return typeof `${o}`",
        r#""string""#,
    ),
    (
        "a lookup whose value looks itself up",
        "const o = { toString: () => lookup('gender', o) }; return [lookup('gender', o)]",
        "[null]",
    ),
    ("unhandled rejection", "Promise.reject(new Error('x')); return 1", "1"),
    (
        "an own hasOwnProperty",
        "return { hasOwnProperty: 1, toString: 2, constructor: 3 }",
        r#"{"hasOwnProperty":1,"toString":2,"constructor":3}"#,
    ),
];
