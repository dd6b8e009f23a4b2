// The page: a schedule as a curve that is dragged, as numbers that are typed, and as code that is copied.
//
// The state is one plain object, which is also what a link holds. Every change makes a new one and draws it.

import { TARGETS, human } from "./code.mjs";
import { handlesOf } from "./handles.mjs";
import { LIBRARIES, read } from "./read.mjs";
import { FINITE, SHAPES, fromConfig, isNumber, kinds } from "./schedule.mjs";
import { check, describe, horizon, phases } from "./view.mjs";

const POINTS = 1000;
const MARGIN = { left: 58, right: 18, top: 14, bottom: 34 };
const UNDO = 200;
const LONGEST_LINK = 50_000;
const SHOWN_LINES = 300;

const PEAK = { peak_value: 3e-4, warmup_steps: 100 }, RUN = { ...PEAK, total_steps: 1000 };
const cosine = { kind: "cosine", init_value: 3e-4, end_value: 0, steps: 1000 };
// What the list of recipes offers, each with numbers to begin with.
const RECIPES = {
  warmup_cosine: RUN,
  warmup_stable_decay: { ...PEAK, decay_steps: 200, total_steps: 1000 },
  warmup_linear: RUN,
  warmup_constant: PEAK,
  warmup_inverse_sqrt: PEAK,
  warmup_polynomial: { ...RUN, power: 2 },
  warmup_exponential: { ...PEAK, decay_rate: 0.5, transition_steps: 200 },
  warmup_piecewise_constant: { values: [3e-4, 3e-5, 3e-6], boundaries: [500, 800], warmup_steps: 50 },
  warmup_cosine_restarts: { ...PEAK, cycle_steps: 300 },
  one_cycle: { peak_value: 3e-4, total_steps: 1000 },
  constant: { value: 3e-4 },
  cosine,
  linear: { ...cosine, kind: "linear" },
  piecewise_linear: { values: [0, 3e-4, 1e-4, 0], boundaries: [0, 100, 600, 1000] },
  join: { schedules: [{ kind: "linear", init_value: 0, end_value: 3e-4, steps: 100 }, { ...cosine, steps: 900 }], boundaries: [100] },
  with_cooldown: { schedule: { kind: "warmup_inverse_sqrt", ...PEAK }, begin: 800, steps: 200 },
};

// What the findings mean, for those who meet them for the first time.
const MEANINGS = {
  zero_first_update: "A warmup from 0 gives the first update the rate 0: one batch changes nothing. Most runs do this and lose nothing.",
  zero_at_the_start: "Each of these updates reads a batch and changes no weight.",
  zero_to_the_end: "A schedule that is shorter than the run leaves updates that change no weight. Decay to a small value, or make both equally long.",
  warmup_below_one_step: "A fraction or a percentage of the run was taken for a number of steps, so that there is no warmup.",
  flat_to_the_end: "The schedule is shorter than the run, which ends at a constant rate. A decay over the whole run usually gives a lower loss.",
  jump: "Two joined parts do not meet. A sudden rise can make the loss diverge, and a sudden fall is rarely intended.",
  rises_again: "A cosine that goes on past its lowest point rises to the peak again. PyTorch's and Hugging Face's do this when a run is longer than planned.",
  rises_after_the_end: "A run that is extended would see the rate rise. This matters only if you train on.",
  floor_not_reached: "A floor that is never in effect is usually a decay that is too slow.",
  ends_in_warmup: "The full rate is never used.",
  still_falling: "A decay that does not finish leaves the gain of its last part unused.",
  cooldown_cut: "A cooldown improves the loss most in its last part, which the run does not reach.",
  phase_not_reached: "Part of what you wrote has no effect in a run of this length.",
  beyond_the_clock: "Optimizers count in int32 and stop at 2,147,483,647.",
  negative: "A negative rate increases the loss.",
};

const $ = (id) => document.getElementById(id);
const clone = (value) => JSON.parse(JSON.stringify(value));
const BIG = /^-?\d{16,}$/;

const START = { config: { version: 1, kind: "warmup_cosine", ...RUN }, other: null, total: null, log: false, unit: "steps", batch: 256, examples: 50_000, length: 1024, target: "warmup_optax" };
let state = clone(START);
let schedule, other; // of the state
let past = [], future = [];
let view; // what the axes show; it stays while a handle is dragged
let dragged = null;

// ---------------------------------------------------------------- elements

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "circle", "rect", "text"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
function say(place, text) {
  $(place).textContent = text;
  $(place).hidden = !text;
}

// ---------------------------------------------------------------- units

const unitSize = () => ({ steps: 1, epochs: state.examples / state.batch, tokens: 1 / (state.batch * state.length) })[state.unit];
/** Steps as a number of the unit, and back. */
const inUnit = (steps) => (state.unit === "steps" ? Number(steps) : Number(steps) / unitSize());
const inSteps = (amount) => (state.unit === "steps" ? amount : Math.round(amount * unitSize()));
function amount(steps) {
  const x = inUnit(steps);
  if (state.unit === "steps") return x >= 1e7 ? compact(x) : String(steps);
  return state.unit === "tokens" ? compact(x) : String(Number(x.toPrecision(5)));
}
function compact(x) {
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) if (Math.abs(x) >= size) return `${Number((x / size).toPrecision(4))}${letter}`;
  return String(Number(x.toPrecision(4)));
}
const rate = (x) => human(Number(x.toPrecision(4)));

// ---------------------------------------------------------------- state

/** Shows another state: checks it, draws it, and remembers the one before. */
function change(next, { remember = true, redo = false } = {}) {
  const before = JSON.stringify(state);
  try {
    schedule = fromConfig(next.config);
    other = next.other ? fromConfig(next.other) : null;
  } catch (error) {
    say("error", error.message.replace(/^from_config: /, ""));
    return false;
  }
  say("error", "");
  if (schedule.kind === "with_feedback") say("note", `The curve is the schedule without the feedback: ${schedule.args.rule.kind} scales it by the values of a run.`);
  state = next;
  if (remember && JSON.stringify(next) !== before) {
    past = [...past.slice(1 - UNDO), before];
    if (!redo) future = [];
  }
  draw();
  if (!dragged) settle();
  return true;
}
const withConfig = (config) => change({ ...state, config });

function step(from, to) {
  if (!from.length) return;
  to.push(JSON.stringify(state));
  change(JSON.parse(from.pop()), { remember: false });
}

function encoded(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function decoded(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}
const hash = () => {
  const differing = Object.entries(state).filter(([key, value]) => key === "config" || JSON.stringify(value) !== JSON.stringify(START[key]));
  return "#" + encoded(Object.fromEntries(differing));
};

/** The state of a link, every part of which is checked. */
function fromHash() {
  const text = location.hash.slice(1);
  if (!text || location.hash === written) return;
  try {
    if (text.length > LONGEST_LINK) throw new Error("it is too long");
    const found = decoded(text), next = clone(START);
    if (found === null || typeof found !== "object" || typeof found.config !== "object") throw new Error("it holds no schedule");
    next.config = found.config;
    if (found.other !== null && typeof found.other === "object") next.other = found.other;
    for (const key of ["batch", "examples", "length"]) if (Number.isInteger(found[key]) && found[key] > 0) next[key] = found[key];
    if (Number.isInteger(found.total) && found.total > 0) next.total = found.total;
    next.log = found.log === true;
    if (["steps", "epochs", "tokens"].includes(found.unit)) next.unit = found.unit;
    if (Object.hasOwn(TARGETS, found.target)) next.target = found.target;
    change(next);
  } catch (error) {
    say("error", `The address has no schedule that can be read: ${error.message}.`);
  }
}

// ---------------------------------------------------------------- the curve

const length = () => state.total ?? Number(state.config.total_steps ?? 0) ?? 0;
const runLength = () => Math.max(1, Math.min(2 ** 53, length() || horizon(schedule)));

function nice(size, count) {
  const raw = size / count, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((x) => x * power >= raw) * power;
}

/** The counts to draw: evenly spaced, and both sides of every phase. */
function countsOf(node, last) {
  const found = new Set();
  for (let i = 0; i < POINTS; i++) found.add(Math.round((last * i) / (POINTS - 1)));
  let number = 0;
  for (const { first } of phases(node)) {
    if (first > last || number++ > POINTS) break;
    if (first > 0) found.add(first - 1);
    found.add(first);
  }
  return [...found].sort((a, b) => a - b);
}

function scales() {
  const box = $("curve").getBoundingClientRect(), width = Math.max(box.width, 200), height = Math.max(box.height, 150);
  const inner = { x: width - MARGIN.left - MARGIN.right, y: height - MARGIN.top - MARGIN.bottom };
  const { last, low, high } = view;
  const up = state.log ? (y) => Math.log(Math.max(y, low) / low) / Math.log(high / low) : (y) => (y - low) / (high - low);
  const down = state.log ? (part) => low * (high / low) ** part : (part) => low + part * (high - low);
  return {
    width,
    height,
    x: (count) => MARGIN.left + (inner.x * count) / last,
    y: (value) => MARGIN.top + inner.y * (1 - up(value)),
    count: (x) => ((x - MARGIN.left) / inner.x) * last,
    value: (y) => down(1 - (y - MARGIN.top) / inner.y),
  };
}

/** The numbers that the axes go to. */
function frame(curves) {
  const values = curves.flatMap((curve) => curve.values).filter(Number.isFinite), last = Math.ceil(runLength() * 1.04);
  let high = Math.max(...values.map(Math.abs), 0) || 1, low = Math.min(0, ...values);
  if (state.log) {
    high = Math.max(...values, 0) || 1;
    low = Math.max(Math.min(...values.filter((x) => x > 0), high / 10), high * 1e-6);
  }
  return { last, low, high: state.log ? high * 1.3 : Math.max(...values, 0) + 0.08 * (high - low) || 1 };
}

const sampled = (node, counts) => ({ counts, values: counts.map((count) => node.at(count)) });

function path({ counts, values }, at) {
  let text = "", pen = "M";
  counts.forEach((count, i) => {
    if (state.log && !(values[i] > 0)) {
      pen = "M";
      return;
    }
    text += `${pen}${at.x(count).toFixed(1)} ${at.y(values[i]).toFixed(1)}`;
    pen = "L";
  });
  return text;
}

function draw() {
  const last = dragged ? view.last : Math.ceil(runLength() * 1.04);
  const curves = [schedule, ...(other ? [other] : [])].map((node) => sampled(node, countsOf(node, last)));
  if (!dragged) view = frame(curves);
  const at = scales(), svg = $("curve");
  svg.setAttribute("viewBox", `0 0 ${at.width} ${at.height}`);
  const focused = document.activeElement?.dataset?.handle, parts = [];

  const bottom = at.height - MARGIN.bottom;
  const ticks = nice(inUnit(view.last), at.width / 110);
  for (let x = 0; inSteps(x) <= view.last; x += ticks) {
    const place = at.x(state.unit === "steps" ? x : x * unitSize());
    if (place > at.width - MARGIN.right + 1) break;
    parts.push(element("text", { x: place, y: bottom + 18, "text-anchor": "middle" }, state.unit === "epochs" ? String(Number(x.toPrecision(4))) : compact(x)));
  }
  parts.push(element("text", { x: at.width - MARGIN.right, y: at.height - 2, "text-anchor": "end" }, state.unit));
  const rows = [];
  if (state.log) for (let y = 10 ** Math.ceil(Math.log10(view.low)); y <= view.high; y *= 10) rows.push(y);
  if (!state.log || rows.length < 2) {
    rows.length = 0;
    const gap = nice(view.high - view.low, 5);
    for (let i = Math.ceil(view.low / gap); i * gap <= view.high; i++) if (!state.log || i > 0) rows.push(i * gap);
  }
  for (const y of rows) {
    parts.push(element("line", { class: "grid", x1: MARGIN.left, x2: at.width - MARGIN.right, y1: at.y(y), y2: at.y(y) }));
    parts.push(element("text", { x: MARGIN.left - 8, y: at.y(y) + 4, "text-anchor": "end" }, rate(y)));
  }
  const end = at.x(Math.min(runLength(), view.last));
  parts.push(element("line", { class: "end", x1: end, x2: end, y1: MARGIN.top, y2: bottom }));
  if (curves[1]) parts.push(element("path", { class: "other", d: path(curves[1], at) }));
  parts.push(element("path", { class: "rate", d: path(curves[0], at) }));

  const handles = handlesOf(state.config, schedule).filter((handle) => handle.x <= view.last);
  for (const handle of handles) parts.push(spot(handle, at));
  svg.replaceChildren(...parts);
  if (focused) svg.querySelector(`[data-handle="${CSS.escape(focused)}"]`)?.focus();
}

/** A handle: a slider for the mouse, the finger, the keyboard and a screen reader. */
function spot(handle, at) {
  const y = handle.onAxis ? at.height - MARGIN.bottom : at.y(state.log ? Math.max(handle.y, view.low) : handle.y), x = at.x(handle.x);
  const made = element("g", {
    class: `handle${dragged?.id === handle.id ? " dragged" : ""}`,
    "data-handle": handle.id,
    role: "slider",
    tabindex: 0,
    "aria-label": `${handle.label}. ${[handle.setX && "left and right change the step", handle.setY && "up and down the rate"].filter(Boolean).join(", ")}`,
    "aria-valuemin": 0,
    "aria-valuemax": handle.setX ? view.last : view.high,
    "aria-valuenow": handle.setX ? handle.x : handle.y,
    "aria-valuetext": told(handle),
  });
  made.append(element("circle", { class: "area", cx: x, cy: y, r: 18 }));
  made.append(handle.onAxis ? element("rect", { class: "spot", x: x - 5, y: y - 5, width: 10, height: 10, transform: `rotate(45 ${x} ${y})` }) : element("circle", { class: "spot", cx: x, cy: y, r: 7 }));
  return made;
}
const told = (handle) => `${rate(handle.y)} at ${amount(handle.x)} ${state.unit}`;
const handleOf = (id) => handlesOf(state.config, schedule).find((handle) => handle.id === id);

/** Moves a handle to a step and a rate, as far as it goes. */
function move(id, x, y) {
  const handle = handleOf(id);
  if (!handle) return;
  let config = state.config;
  if (handle.setX && x !== undefined) config = handle.setX(config, Math.round(Math.max(0, x)));
  if (handle.setY && y !== undefined) config = handle.setY(config, y);
  if (JSON.stringify(config) === JSON.stringify(state.config)) return;
  if (change({ ...state, config }, { remember: !dragged })) {
    const now = handleOf(id);
    if (now) $("said").textContent = `${now.label}: ${told(now)}`;
  }
}

/** The step of a pointer on a round number, and its rate with two digits of the axis. */
function snapped(at, x, y) {
  const grid = Math.max(1, nice(view.last, 400)), digits = 10 ** Math.floor(Math.log10(view.high) - 1.3);
  const value = at.value(y);
  const size = state.log && value > 0 ? 10 ** (Math.floor(Math.log10(value)) - 1) : digits;
  return [Math.round(at.count(x) / grid) * grid, Number((Math.round(value / size) * size).toPrecision(6))];
}

function grab(event) {
  const id = event.target.closest?.(".handle")?.dataset.handle;
  if (!id || event.button) return;
  event.preventDefault();
  dragged = { id, before: JSON.stringify(state), pointer: event.pointerId };
  $("curve").setPointerCapture(event.pointerId);
  draw();
  $("curve").querySelector(`[data-handle="${CSS.escape(id)}"]`)?.focus();
}
function drag(event) {
  if (!dragged || event.pointerId !== dragged.pointer) return;
  const box = $("curve").getBoundingClientRect(), at = scales();
  const [x, y] = snapped(at, event.clientX - box.left, event.clientY - box.top);
  const inside = Math.min(Math.max(y, view.low), view.high);
  move(dragged.id, Math.min(x, view.last), state.log && y <= view.low * 1.001 ? (handleOf(dragged.id)?.y ?? inside) : inside);
}
function drop(event) {
  if (!dragged || event.pointerId !== dragged.pointer) return;
  const { before } = dragged;
  dragged = null;
  if (JSON.stringify(state) !== before) {
    past = [...past.slice(1 - UNDO), before];
    future = [];
  }
  draw();
  settle();
}
function press(event) {
  const id = event.target.closest?.(".handle")?.dataset.handle, ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (!id || !ways) return;
  event.preventDefault();
  const handle = handleOf(id), fast = event.shiftKey ? 10 : 1;
  const grid = event.altKey ? 1 : Math.max(1, nice(view.last, 200));
  const size = 10 ** (Math.floor(Math.log10(Math.abs(handle.y) || view.high)) - 1);
  move(id, ways[0] ? handle.x + ways[0] * grid * fast : undefined, ways[1] ? Number((handle.y + ways[1] * size * fast).toPrecision(6)) : undefined);
}

// ---------------------------------------------------------------- what follows the curve

let idle = 0;
let written = ""; // the last link that the page wrote: when its event comes, the state may be newer

/** Everything but the curve: it may come a moment later. */
function settle() {
  clearTimeout(idle);
  numbersForm();
  controls();
  table();
  findings();
  code();
  idle = setTimeout(() => location.replace((written = hash())), 150);
}

function controls() {
  const known = Object.hasOwn(RECIPES, state.config.kind);
  $("recipe").replaceChildren(
    ...(known ? [] : [element("option", { value: "", selected: true }, state.config.kind)]),
    ...Object.keys(RECIPES).map((kind) => element("option", { value: kind, selected: kind === state.config.kind }, kind)),
  );
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  $("log").checked = state.log;
  $("unit").value = state.unit;
  $("boxes").hidden = state.unit === "steps";
  for (const key of ["batch", "examples", "length"]) $(key).value = state[key];
  $("length").parentElement.hidden = state.unit !== "tokens";
  $("examples").parentElement.hidden = state.unit !== "epochs";
  $("total").value = typed(runLength());
  $("swap").hidden = $("forget").hidden = !state.other;
}
const typed = (steps) => (state.unit === "steps" ? String(steps) : String(Number(inUnit(steps).toPrecision(7))));

function table() {
  const { rows, rest } = describe(schedule);
  $("phases").tBodies[0].replaceChildren(
    ...rows.map((row) => element("tr", {}, ...[amount(row.from), row.to === undefined ? "" : amount(row.to), row.shape, rate(row.start), row.end === undefined ? "" : rate(row.end)].map((cell) => element("td", {}, cell)))),
  );
  say("rest", rest);
}

function findings() {
  const total = runLength(), found = check(schedule, total, { dense: 20_000 });
  const items = found.map(({ name, severity, step, message }) =>
    element("li", { class: severity }, element("b", {}, `${severity === "note" ? "Note" : "Warning"}: `), `step ${step}: ${message}`, element("details", {}, element("summary", {}, name), MEANINGS[name] ?? "")),
  );
  if (!items.length) items.push(element("li", {}, `Nothing found in a run of ${amount(total)} ${state.unit}.`));
  $("findings").replaceChildren(...items);
}

let copied = "";
function code() {
  const total = Math.min(runLength(), 2 ** 31);
  const made = Object.entries(TARGETS).map(([name, make]) => {
    try {
      return [name, make(schedule, total)];
    } catch (error) {
      return [name, { text: "", exact: false, note: `Not possible here: ${error.message}.` }];
    }
  });
  // The buttons stay: a click is lost if its button is replaced between the press and the release.
  if (!$("targets").children.length) {
    $("targets").append(...made.map(([name]) => element("button", { type: "button", "data-target": name, onclick: () => change({ ...state, target: name }, { remember: false }) })));
  }
  made.forEach(([name, { exact }], i) => {
    const button = $("targets").children[i];
    button.textContent = exact ? name : `${name} (table)`;
    button.title = exact ? "" : `${name} cannot express this schedule: a table of rates`;
    button.setAttribute("aria-pressed", String(name === state.target));
  });
  const { text, note } = Object.fromEntries(made)[state.target], lines = text.split("\n");
  copied = text;
  $("code").textContent = lines.length > SHOWN_LINES ? `${lines.slice(0, SHOWN_LINES).join("\n")}\n... ${lines.length - SHOWN_LINES} more lines, all of which are copied` : text;
  say("about", note);
}

// ---------------------------------------------------------------- the numbers

const put = (config, [key, ...rest], value) => {
  const made = Array.isArray(config) ? [...config] : { ...config };
  if (rest.length) made[key] = put(config[key], rest, value);
  else if (value === undefined) delete made[key];
  else made[key] = value;
  return made;
};
const isSteps = (name) => /(^|_)(steps|begin|period|boundaries)$/.test(name);

function numbersForm() {
  const place = document.activeElement?.dataset?.field;
  $("numbers").replaceChildren(fields(state.config, []));
  if (place) $("numbers").querySelector(`[data-field="${CSS.escape(place)}"]`)?.focus();
}

function fields(config, at) {
  const known = kinds[config.kind].fields, made = element("fieldset", {}, element("legend", {}, config.kind));
  for (const [name, { fallback }] of Object.entries(known)) {
    const value = config[name] ?? fallback, path = [...at, name];
    if (value !== null && typeof value === "object" && typeof config[name] === "object" && !Array.isArray(value) && !isShape(known[name])) made.append(fields(value, path));
    else if (Array.isArray(value) && name === "schedules") value.forEach((child, i) => made.append(typeof child === "object" ? fields(child, [...path, i]) : row(`schedule ${i + 1}`, child, [...path, i], "number")));
    else made.append(row(name, value, path, isShape(known[name]) ? "shape" : typeof fallback === "boolean" ? "boolean" : name === "origin" ? "origin" : Array.isArray(value) || name === "boundaries" || name === "values" || name === "offsets" ? "list" : "number"));
  }
  return made;
}
const isShape = ({ fallback }) => fallback !== null && typeof fallback === "object" && "options" in (fallback ?? {});

function row(name, value, path, type) {
  const id = `field-${path.join("-")}`, common = { id, "data-field": path.join(".") };
  const commit = (found, input) => {
    const done = withConfig(put(state.config, path, found));
    input.setAttribute("aria-invalid", String(!done));
  };
  const label = element("label", { for: id }, name.replaceAll("_", " ") + (isSteps(name) && state.unit !== "steps" ? ` (${state.unit})` : ""));
  const options = (names, chosen) => names.map((option) => element("option", { value: option, selected: option === chosen }, option));
  if (type === "boolean") return element("div", { class: "field" }, label, element("input", { ...common, type: "checkbox", ...(value ? { checked: "" } : {}), onchange: ({ target }) => commit(target.checked, target) }));
  if (type === "shape") {
    const kind = typeof value === "string" ? value : value.kind, names = SHAPES.filter((shape) => FINITE.includes(shape) && (shape === kind || !needsOptions(shape)));
    return element("div", { class: "field" }, label, element("select", { ...common, onchange: ({ target }) => commit(target.value, target) }, ...options(names, kind)));
  }
  if (type === "origin") return element("div", { class: "field" }, label, element("select", { ...common, onchange: ({ target }) => commit(target.value, target) }, ...options(["end", "init"], value)));
  const converts = isSteps(name), shown = (x) => (converts ? typed(x) : isNumber(x) ? human(x) : x === null ? "" : String(x));
  const parse = (text) => {
    const trimmed = text.trim().replaceAll("_", "");
    if (/^\d+\/\d+$/.test(trimmed)) return trimmed;
    if (BIG.test(trimmed) && !converts) return trimmed;
    const number = trimmed === "" || Number.isNaN(Number(trimmed)) ? text.trim() : Number(trimmed);
    return converts && typeof number === "number" ? inSteps(number) : number;
  };
  const text = type === "list" ? (value ?? []).map(shown).join(", ") : shown(value);
  const onchange = ({ target }) => {
    const empty = !target.value.trim();
    const found = empty ? undefined : type === "list" ? target.value.split(",").filter((x) => x.trim()).map(parse) : parse(target.value);
    commit(found, target);
  };
  return element("div", { class: "field" }, label, element("input", { ...common, value: text, inputmode: "decimal", placeholder: value === null ? "none" : "", spellcheck: "false", onchange }));
}
const needsOptions = (shape) => Object.entries(kinds[shape].fields).slice(3).some(([, field]) => field.fallback === undefined);

// ---------------------------------------------------------------- buttons

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https, or where the browser forbids it.
    const area = element("textarea", {});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 1500);
}

function paste() {
  try {
    const { config, note } = read($("pasted").value, (text) => globalThis.jsyaml.load(text));
    if (change({ ...state, config: clone(config), total: null })) {
      say("note", note);
      $("pasted").removeAttribute("aria-invalid");
    }
  } catch (error) {
    say("error", error.message);
    $("pasted").setAttribute("aria-invalid", "true");
  }
}

/** A recipe with the numbers that it shares with the schedule before. */
function choose(kind) {
  const config = { version: 1, kind, ...clone(RECIPES[kind]) };
  for (const name of ["peak_value", "warmup_steps", "total_steps", "end_value", "init_value"])
    if (name in config && isNumber(state.config[name])) config[name] = state.config[name];
  const { warmup_steps = 0, total_steps, decay_steps = 0 } = config;
  if (total_steps < warmup_steps + decay_steps) config.decay_steps = Math.max(total_steps - warmup_steps, 0);
  if (change({ ...state, config, total: null })) say("note", "");
}

function listen() {
  $("curve").addEventListener("pointerdown", grab);
  $("curve").addEventListener("pointermove", drag);
  $("curve").addEventListener("pointerup", drop);
  $("curve").addEventListener("pointercancel", drop);
  $("curve").addEventListener("keydown", press);
  $("numbers").addEventListener("submit", (event) => event.preventDefault());
  $("recipe").addEventListener("change", ({ target }) => target.value && choose(target.value));
  $("log").addEventListener("change", ({ target }) => change({ ...state, log: target.checked }));
  $("unit").addEventListener("change", ({ target }) => change({ ...state, unit: target.value }));
  for (const key of ["batch", "examples", "length"])
    $(key).addEventListener("change", ({ target }) => {
      const number = Number(target.value.replaceAll("_", ""));
      if (Number.isInteger(number) && number > 0) change({ ...state, [key]: number });
      else say("error", `${target.parentElement.textContent.trim()} must be a whole number above 0, got ${target.value}`);
    });
  $("total").addEventListener("change", ({ target }) => {
    const number = inSteps(Number(target.value.replaceAll("_", "")));
    if (Number.isInteger(number) && number > 0) change({ ...state, total: number });
    else say("error", `The run must be a number above 0, got ${target.value}`);
  });
  $("undo").addEventListener("click", () => step(past, future));
  $("redo").addEventListener("click", () => step(future, past));
  $("link").addEventListener("click", ({ target }) => copy(location.href.split("#")[0] + hash(), target));
  $("copy").addEventListener("click", ({ target }) => copy(copied, target));
  $("keep").addEventListener("click", () => change({ ...state, other: state.config }));
  $("swap").addEventListener("click", () => change({ ...state, config: state.other, other: state.config }));
  $("forget").addEventListener("click", () => change({ ...state, other: null }));
  $("paste-read").addEventListener("click", paste);
  $("paste-open").addEventListener("click", ({ target }) => {
    $("paste").hidden = !$("paste").hidden;
    target.setAttribute("aria-expanded", String(!$("paste").hidden));
    if (!$("paste").hidden) $("pasted").focus();
  });
  document.addEventListener("keydown", (event) => {
    const writes = event.target.matches?.("input, textarea");
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || writes) return;
    event.preventDefault();
    if (event.shiftKey) step(future, past);
    else step(past, future);
  });
  window.addEventListener("hashchange", fromHash);
  new ResizeObserver(() => draw()).observe($("curve"));
}

// For the benchmark: the time of a redraw of the curve, in milliseconds.
globalThis.timeOfRedraw = (times) => {
  const begin = performance.now();
  for (let i = 0; i < times; i++) {
    schedule = fromConfig(state.config);
    draw();
    $("curve").getBoundingClientRect();
  }
  return (performance.now() - begin) / times;
};

schedule = fromConfig(state.config);
fromHash();
draw();
listen();
settle();
globalThis.LIBRARIES = LIBRARIES;
