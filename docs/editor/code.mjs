// A schedule as code for other libraries. `TARGETS` has a function for each button "Copy as".

import { CLASSES, FINITE, LISTED, Schedule, expression, isNumber, repr, withDefaults, written } from "./schedule.mjs";

const of = (kind, args) => new Schedule(kind, withDefaults(kind, args));
const isNode = (value) => value instanceof Schedule;
const MOST_PIECES = 100;
const WIDTH = 60; // of a line of code where it can be broken
export const MOST_ROWS = 100_000;

class Inexpressible extends Error {}
const cannot = (what) => {
  throw new Inexpressible(what);
};

/** A number as people write it in code: 3e-4, 0.5, 1000. */
export function human(x) {
  if (Number.isInteger(Number(x)) && Math.abs(Number(x)) < 2 ** 31) return String(x);
  const [plain, exponential] = [Number.isInteger(Number(x)) && Math.abs(Number(x)) < 1e16 ? `${x}.0` : String(x), Number(x).toExponential().replace("e+", "e")];
  return exponential.length < plain.length ? exponential : plain;
}
const short = (x) => Number(x.toPrecision(15)); // 0.1 * 3 is 0.3
const product = (x, y) => short(x * y);

// ---------------------------------------------------------------- pieces: one formula from a step to the next begin

/** How a local time follows from the step: `text` writes it, and `at` gives the first step of a local time. */
class Clock {
  constructor(text, at, offset = 0) {
    this.base = text;
    this.baseAt = at;
    this.offset = offset;
  }
  text(step) {
    const base = this.base(step);
    return this.offset ? `(${base} ${this.offset > 0 ? "-" : "+"} ${human(Math.abs(this.offset))})` : base;
  }
  at(time) {
    return this.baseAt(time + this.offset);
  }
  since(start) {
    return new Clock(this.base, this.baseAt, this.offset + Number(start));
  }
  /** A clock whose time is `write` of this one's; `back` is the inverse. */
  mapped(write, back) {
    return new Clock((step) => write(this.text(step)), (time) => this.at(back(time)));
  }
}
const STEPS = new Clock((step) => step, (time) => time);
const first = (time) => Math.ceil(time - 1e-9 * Math.max(1, Math.abs(time)));

/** The pieces in `[begin, end)`. */
function cut(pieces, begin, end) {
  const ends = [...pieces.slice(1).map((piece) => piece.begin), Infinity];
  return pieces.filter((piece, i) => ends[i] > begin && piece.begin < end && begin < end).map((piece) => ({ ...piece, begin: Math.max(piece.begin, begin) }));
}
const leaf = (begin, node, clock) => ({ begin, node, clock, write: (d, step) => formula(node, clock.text(step), d) });
const level = (begin, value) => leaf(begin, of("constant", { value }), STEPS);

/** A curve from its own 0 on, and its value there before. */
const started = (node, clock) => [level(-Infinity, node.at(0)), leaf(clock.at(0), node, clock)];

/** The pieces of a schedule that starts at a time of the clock, before which its value at 0 applies. */
const later = (node, clock, start) => {
  const own = pieces(node, clock.since(start));
  return start > 0 ? [level(-Infinity, node.at(0)), ...cut(own, clock.at(Number(start)), Infinity)] : own;
};

function pieces(node, clock) {
  if (node.expanded) return pieces(node.expanded, clock);
  const c = node.args, inside = (child, at = clock) => pieces(child, at);
  const bound = (time) => clock.at(Number(time));
  if (node.kind === "half_life") cannot(node.kind);
  if (FINITE.includes(node.kind)) return c.steps > 0 ? [...started(node, clock), level(bound(c.steps), c.end_value)] : [level(-Infinity, c.end_value)];
  switch (node.kind) {
    case "constant":
      return [level(-Infinity, c.value)];
    case "piecewise_constant":
      return c.values.map((value, i) => level(i ? bound(c.boundaries[i - 1]) : -Infinity, value));
    case "piecewise_linear":
    case "piecewise_cosine": {
      const shape = node.kind.slice("piecewise_".length), b = c.boundaries.map(Number);
      if (b.some((x) => !Number.isInteger(x))) cannot("knots between two steps");
      const between = b.slice(1).map((end, i) => leaf(bound(b[i]), of(shape, { init_value: c.values[i], end_value: c.values[i + 1], steps: end - b[i] }), clock.since(b[i])));
      return [level(-Infinity, c.values[0]), ...between, level(bound(b.at(-1)), c.values.at(-1))];
    }
    case "join":
      return c.schedules.flatMap((child, i) => {
        const start = i ? c.boundaries[i - 1] : 0, offset = c.offsets ? c.offsets[i] : start;
        return cut(later(child, clock, offset), i ? bound(start) : -Infinity, i < c.boundaries.length ? bound(c.boundaries[i]) : Infinity);
      });
    case "with_warmup": {
      const goal = short(c.schedule.at(c.overlap ? c.steps : 0)), ramp = of(c.shape.kind, { ...c.shape.options, init_value: c.init_value, end_value: goal, steps: c.steps });
      return [...cut(inside(ramp), -Infinity, bound(c.steps)), ...cut(later(c.schedule, clock, c.overlap ? 0 : c.steps), bound(c.steps), Infinity)];
    }
    case "with_cooldown": {
      const ramp = of(c.shape.kind, { ...c.shape.options, init_value: short(c.schedule.at(c.begin)), end_value: c.end_value, steps: c.steps });
      return [...cut(inside(c.schedule), -Infinity, bound(c.begin)), ...cut(later(ramp, clock, c.begin), bound(c.begin), Infinity)];
    }
    case "shift":
      return later(c.schedule, clock, c.steps);
    case "staircase":
      return inside(c.schedule, clock.mapped((t) => `(${t} // ${human(c.steps)})`, (time) => Math.ceil(time) * Number(c.steps)));
    case "speed_up":
      return inside(c.schedule, clock.mapped((t) => `${t} * ${human(c.factor)}`, (time) => time / Number(c.factor)));
    case "stretch": {
      const [n, d = 1] = String(c.factor).split("/").map(Number);
      return inside(c.schedule, clock.mapped((t) => `(${t}${d === 1 ? "" : ` * ${d}`}${n === 1 ? "" : ` / ${human(n)}`})`, (time) => (time * n) / d));
    }
    case "in_steps": {
      if (c.rates.length > 1 || !c.rates[0]) cannot("a batch size that changes");
      const [start, rate, scale] = [c.starts[0], c.rates[0], c.scale].map(Number);
      const write = (t) => `((${t} * ${human(rate)}${start ? ` + ${human(start)}` : ""})${scale === 1 ? "" : ` / ${human(scale)}`})`;
      return inside(c.schedule, clock.mapped(write, (time) => (time * scale - start) / rate));
    }
    case "scale":
      return inside(c.schedule).map((piece) => scaled(piece, c.factor));
    case "divide":
      return inside(c.schedule).map((piece) => scaled(piece, 1 / c.divisor));
    case "clip":
      return inside(c.schedule).map((piece) => ({
        begin: piece.begin,
        write(d, step) {
          const low = c.min_value === null ? piece.write(d, step) : d.max(piece.write(d, step), human(c.min_value));
          return c.max_value === null ? low : d.min(low, human(c.max_value));
        },
      }));
    case "product":
      return merged(c.schedules.map((child) => inside(child)), (d, x) => x.map(operand).join(" * "));
    case "add":
      return merged(c.schedules.map((child) => inside(child)), (d, x) => x.map(operand).join(" + "));
    case "minimum":
      return merged(c.schedules.map((child) => inside(child)), (d, x) => x.reduce(d.min));
    case "maximum":
      return merged(c.schedules.map((child) => inside(child)), (d, x) => x.reduce(d.max));
    case "restart":
      return repeated(node, clock, tidy(cut(inside(c.schedule, STEPS), -Infinity, Number(c.period))));
    case "exponential":
    case "inverse_sqrt":
    case "inverse_time":
    case "power_law":
    case "exponential_approach":
    case "cosine_wave":
    case "triangle_wave":
      return started(node, clock);
    default:
      return cannot(node.kind);
  }
}

/** Cycles of equal length, of which each calls a function of its own time. */
function repeated(node, clock, cycle) {
  const { period, growth, decay } = node.args;
  if (growth !== 1) cannot("restarts that get longer");
  const write = (d, step) => {
    const t = clock.text(step), value = `${d.helper(cycle)}(${t} % ${human(period)})`;
    return decay === 1 ? value : `${value} * ${human(decay)} ** (${t} // ${human(period)})`;
  };
  return [level(-Infinity, node.at(0)), { begin: clock.at(0), write }];
}

const operand = (text) => (/^[\w.]+(?:e-\d+)?$|^[\w.]*\([^()]*\)$/.test(text) ? text : `(${text})`);

/** A piece times a number: its values where it is a curve of its own, so that the code has no factor. */
function scaled(piece, factor) {
  const c = piece.node?.args, kind = piece.node?.kind;
  const own = c && !(kind === "exponential" && c.end_value !== null) && kind !== "half_life";
  if (!own) return { begin: piece.begin, write: (d, step) => `${human(factor)} * ${operand(piece.write(d, step))}` };
  const values = Object.entries(c).map(([name, x]) => [name, /^(init_value|end_value|value)$/.test(name) && x !== null ? product(x, factor) : x]);
  return leaf(piece.begin, of(kind, Object.fromEntries(values)), piece.clock);
}

/** Several lists of pieces at once. */
function merged(lists, combine) {
  const begins = [...new Set(lists.flat().map((piece) => piece.begin))].sort((a, b) => a - b);
  return begins.map((begin) => {
    const now = lists.map((list) => list.findLast((piece) => piece.begin <= begin));
    return { begin, write: (d, step) => combine(d, now.map((piece) => piece.write(d, step))) };
  });
}

/** The pieces that own a step >= 0. */
function tidy(list) {
  const found = list.map((piece) => ({ ...piece, begin: Math.max(first(piece.begin), 0) }));
  const own = found.filter((piece, i) => i + 1 === found.length || found[i + 1].begin > piece.begin);
  if (own.length > MOST_PIECES) cannot(`${own.length} phases`);
  return own;
}
const flat = (node) => tidy(pieces(node, STEPS));

/** The formula of one curve at a local time between its ends, in a dialect. */
function formula({ kind, args: c }, t, d) {
  const n = human(c.steps ?? c.transition_steps ?? c.timescale ?? 1), I = c.init_value, E = c.end_value;
  const part = `${t} / ${n}`, times = (x, text) => (x === 1 ? text : `${human(x)} * ${text}`);
  // start + way * weight, without a start of 0
  const sum = (start, way, weight) => (way === 0 ? human(start) : start === 0 ? times(way, weight) : `${human(start)} ${way < 0 ? "-" : "+"} ${times(Math.abs(way), weight)}`);
  const way = I !== undefined && E !== undefined ? Number((E - I).toPrecision(15)) : 0;
  const cosine = `(1 + ${d.cos(`${d.pi} * ${part}`)}) / 2`;
  switch (kind) {
    case "constant":
      return human(c.value);
    case "linear":
      return E === 0 ? times(I, `(1 - ${part})`) : sum(I, way, part);
    case "cosine":
      return sum(E, -way, c.exponent === 1 ? cosine : `(${cosine}) ** ${human(c.exponent)}`);
    case "cosine_wave":
      return sum(E, -way, cosine);
    case "polynomial":
      return c.origin === "end" ? sum(E, -way, `(1 - ${part}) ** ${human(c.power)}`) : sum(I, way, `(${part}) ** ${human(c.power)}`);
    case "one_minus_sqrt":
      return E === 0 ? times(I, `(1 - ${d.sqrt(part)})`) : sum(I, way, d.sqrt(part));
    case "geometric":
      return times(I, `${human(E / I)} ** (${part})`);
    case "tanh":
      return sum(E, -way, `(1 - ${d.tanh(`${human(c.start)} + ${human(c.stop - c.start)} * ${part}`)}) / 2`);
    case "finite_exponential":
      // Without expm1 a ratio near 1 loses its digits in float32.
      return sum(I, way / (c.ratio - 1), d.expm1(`${human(Math.log(c.ratio))} * ${part}`));
    case "logarithmic":
      return sum(I, way / Math.log(Math.max(Number(c.steps), 2)), d.log(d.max(t, "1")));
    case "rex":
      return sum(E, -way, `(${n} - ${t}) / (${n} - ${human(c.curvature)} * ${t})`);
    case "exponential": {
      const curve = times(I, `${human(c.decay_rate)} ** (${c.staircase ? `${t} // ${n}` : part})`);
      return E === null ? curve : (c.decay_rate < 1 ? d.max : d.min)(curve, human(E));
    }
    case "inverse_sqrt":
      return `${human(I)} / ${d.sqrt(`1 + ${part}`)}`;
    case "inverse_time":
      return `${human(I)} / (1 + ${times(c.decay_rate, c.staircase ? `(${t} // ${n})` : part)})`;
    case "power_law":
      return times(I, `(1 + ${part}) ** ${c.power < 0 ? `(${human(c.power)})` : human(c.power)}`);
    case "exponential_approach":
      return sum(E, Number((I - E).toPrecision(15)), d.exp(`-${part}`));
    case "triangle_wave": {
      const back = Number(c.back_steps ?? c.steps), r = `(${t} % ${human(Number(c.steps) + back)})`;
      return d.where(`${r} < ${n}`, sum(I, way, `${r} / ${n}`), sum(E, -way, `(${r} - ${n}) / ${human(back)}`));
    }
    default:
      return cannot(kind);
  }
}

// ---------------------------------------------------------------- dialects of Python

const calls = (module) => Object.fromEntries(["cos", "sqrt", "tanh", "log", "exp", "expm1"].map((name) => [name, (x) => `${module}.${name}(${x})`]));
const indent = (text, by = "    ") => text.replace(/^(?=.)/gm, by);

/** What writes functions of a step in one dialect; `helpers` collects the functions that they call. */
function dialect(options) {
  const d = { helpers: [], ...options };
  d.helper = (own) => {
    const name = `cycle${d.helpers.length ? d.helpers.length + 1 : ""}`;
    d.helpers.push("");
    d.helpers[d.helpers.indexOf("")] = d.function(name, "t", own);
    return name;
  };
  return d;
}
const python = () =>
  dialect({
    ...calls("math"),
    pi: "math.pi",
    max: (a, b) => `max(${a}, ${b})`,
    min: (a, b) => `min(${a}, ${b})`,
    where: (test, a, b) => `(${a} if ${test} else ${b})`,
    function(name, step, own) {
      const lines = own.map((piece, i) => {
        const value = `return ${piece.write(this, step)}`;
        return i + 1 < own.length ? `if ${step} < ${human(own[i + 1].begin)}:\n    ${value}` : value;
      });
      return `def ${name}(${step}):\n${indent(lines.join("\n"))}`;
    },
  });
const arrays = (module, pi, cast) =>
  dialect({
    ...calls(module),
    pi,
    max: (a, b) => `${module}.maximum(${a}, ${b})`,
    min: (a, b) => `${module}.minimum(${a}, ${b})`,
    where: (test, a, b) => `${module}.where(${test}, ${a}, ${b})`,
    body(step, own) {
      const written = own.map((piece) => piece.write(this, step)), last = written.pop();
      return written.reduceRight((rest, value, i) => `${module}.where(\n${indent(`${step} < ${human(own[i + 1].begin)},\n${value},\n${rest},`)}\n)`, last);
    },
    function(name, step, own) {
      return `def ${name}(${step}):\n    ${step} = ${cast(step)}\n    return ${indent(this.body(step, own)).trimStart()}`;
    },
  });

// ---------------------------------------------------------------- targets

/** The rates of the steps of a run as a list in Python, eight significant digits each. */
function table(node, total) {
  if (total >= MOST_ROWS) cannot(`a table of more than ${MOST_ROWS} rates`);
  const rates = Array.from({ length: total + 1 }, (_, step) => human(Number(node.at(step).toPrecision(9))));
  const lines = [];
  let line = "";
  for (const rate of rates) {
    if (line.length + rate.length > 70) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += `${rate}, `;
  }
  return `RATES = [\n${indent([...lines, line.trimEnd()].join("\n"))}\n]`;
}
const imports = (text, ...modules) => modules.filter(([name]) => new RegExp(`\\b${name}\\.`).test(text)).map(([, line]) => line);
const keywords = (args, width = 44) => {
  const line = Object.entries(args).map(([name, x]) => `${name}=${typeof x === "string" ? x : Array.isArray(x) ? `[${x.map(human).join(", ")}]` : typeof x === "boolean" ? repr(x) : human(x)}`);
  const short = line.join(", ");
  return short.length < width ? short : `\n${indent(line.join(",\n"))},\n`;
};
/** Keras takes the type of its numbers for the type of the rate. */
const real = (x) => (Array.isArray(x) ? `[${x.map(real).join(", ")}]` : /^-?\d+$/.test(human(x)) ? `${human(x)}.0` : human(x));
const reals = (args) => Object.fromEntries(Object.entries(args).map(([name, x]) => [name, /rate|alpha|target|power|values/.test(name) ? real(x) : x]));
const constants = (list) => (list.length ? `${list.join("\n")}\n\n\n` : "");

// Where another library has the function itself. Each gives `{ name, args, lr }` or undefined.
const transformers = {
  constant: (c) => ({ name: "get_constant_schedule", args: {}, lr: c.value }),
  warmup_constant: (c) => c.init_value === 0 && { name: "get_constant_schedule_with_warmup", args: { num_warmup_steps: c.warmup_steps } },
  warmup_linear: (c) => plainWarmup(c) && c.end_value === 0 && { name: "get_linear_schedule_with_warmup", args: lengths(c) },
  warmup_cosine: (c) =>
    plainWarmup(c) && c.exponent === 1 && c.total_steps > c.warmup_steps && c.end_value >= 0 &&
    (c.end_value === 0
      ? { name: "get_cosine_schedule_with_warmup", args: lengths(c) }
      : { name: "get_cosine_with_min_lr_schedule_with_warmup", args: { ...lengths(c), min_lr: c.end_value } }),
  warmup_polynomial: (c) =>
    plainWarmup(c) && c.end_value < c.peak_value && c.total_steps > c.warmup_steps &&
    { name: "get_polynomial_decay_schedule_with_warmup", args: { ...lengths(c), lr_end: c.end_value, power: c.power } },
  warmup_inverse_sqrt: (c) =>
    c.init_value === 0 && c.peak_value > 0 && { name: "get_inverse_sqrt_schedule", args: { num_warmup_steps: c.warmup_steps, ...(c.timescale === null ? {} : { timescale: c.timescale }) } },
  warmup_stable_decay(c) {
    const decay_type = { linear: "linear", cosine: "cosine", one_minus_sqrt: "1-sqrt" }[c.decay_shape.kind];
    if (!decay_type || Object.keys(c.decay_shape.options).length || c.init_value !== c.end_value || !c.decay_steps || !(c.peak_value > 0)) return undefined;
    const least = c.end_value ? { min_lr_ratio: c.end_value / c.peak_value } : {};
    return { name: "get_wsd_schedule", args: { num_warmup_steps: c.warmup_steps, num_decay_steps: c.decay_steps, num_training_steps: c.total_steps, decay_type: repr(decay_type).replaceAll("'", '"'), ...least } };
  },
};
const plainWarmup = (c) => c.init_value === 0 && c.hold_steps == 0 && c.peak_value > 0;
const lengths = (c) => ({ num_warmup_steps: c.warmup_steps, num_training_steps: c.total_steps });

const keras = {
  cosine: (c) => c.exponent === 1 && c.steps > 0 && c.init_value !== 0 && { name: "CosineDecay", args: { initial_learning_rate: c.init_value, decay_steps: c.steps, alpha: c.end_value / c.init_value } },
  linear: (c) => c.steps > 0 && { name: "PolynomialDecay", args: { initial_learning_rate: c.init_value, decay_steps: c.steps, end_learning_rate: c.end_value } },
  polynomial: (c) => c.steps > 0 && c.origin === "end" && { name: "PolynomialDecay", args: { initial_learning_rate: c.init_value, decay_steps: c.steps, end_learning_rate: c.end_value, power: c.power } },
  exponential: (c) => c.end_value === null && { name: "ExponentialDecay", args: { initial_learning_rate: c.init_value, decay_steps: c.transition_steps, decay_rate: c.decay_rate, staircase: c.staircase } },
  inverse_time: (c) => ({ name: "InverseTimeDecay", args: { initial_learning_rate: c.init_value, decay_steps: c.transition_steps, decay_rate: c.decay_rate, staircase: c.staircase } }),
  piecewise_constant: (c) => c.boundaries.length > 0 && c.boundaries[0] > 0 && { name: "PiecewiseConstantDecay", args: { boundaries: c.boundaries.map((b) => Number(b) - 1), values: c.values } },
  warmup_cosine: (c) =>
    c.exponent === 1 && c.hold_steps == 0 && c.warmup_steps > 0 && c.total_steps > c.warmup_steps && c.peak_value !== 0 &&
    { name: "CosineDecay", args: { initial_learning_rate: c.init_value, decay_steps: Number(c.total_steps) - Number(c.warmup_steps), alpha: c.end_value / c.peak_value, warmup_target: c.peak_value, warmup_steps: c.warmup_steps } },
};

const optax = {
  constant: (c) => `optax.constant_schedule(${human(c.value)})`,
  linear: (c) => `optax.linear_schedule(${human(c.init_value)}, ${human(c.end_value)}, ${human(c.steps)})`,
  cosine: (c) => c.init_value !== 0 && `optax.cosine_decay_schedule(${keywords({ init_value: c.init_value, decay_steps: c.steps, alpha: c.end_value / c.init_value, ...(c.exponent === 1 ? {} : { exponent: c.exponent }) })})`,
  polynomial: (c) => c.origin === "end" && `optax.polynomial_schedule(${keywords({ init_value: c.init_value, end_value: c.end_value, power: c.power, transition_steps: c.steps })})`,
  exponential: (c) =>
    `optax.exponential_decay(${keywords({ init_value: c.init_value, transition_steps: c.transition_steps, decay_rate: c.decay_rate, ...(c.staircase ? { staircase: true } : {}), ...(c.end_value === null ? {} : { end_value: c.end_value }) })})`,
};

/** `optax.join_schedules` of Optax's own schedules, or undefined. */
function joined(own) {
  const last = own.at(-1), before = own.at(-2);
  const held = own.length > 1 && last.node?.kind === "constant" && FINITE.includes(before.node?.kind) && before.node.args.end_value === last.node.args.value;
  const parts = held ? own.slice(0, -1) : own;
  const made = parts.map(({ node, clock, begin }) => node && (node.kind === "constant" || (clock.text("t") === (begin ? `(t - ${begin})` : "t"))) && optax[node.kind]?.(node.args));
  if (!made.every(Boolean)) return undefined;
  return made.length === 1 ? made[0] : `optax.join_schedules(\n    [\n${indent(made.join(",\n"), "        ")},\n    ],\n    [${parts.slice(1).map((piece) => human(piece.begin)).join(", ")}],\n)`;
}

const attempt = (make) => {
  try {
    return make();
  } catch (error) {
    if (error instanceof Inexpressible) return error;
    throw error;
  }
};

const torchOf = (call, lr, more = "") =>
  `model = torch.nn.Linear(10, 1)  # your model\noptimizer = torch.optim.AdamW(model.parameters(), lr=${lr})${more}\n${call}\n`;
const LAMBDA = (rate) => torchOf(`scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, ${rate})`, "1.0", "  # times the rate below").replace("the rate below", "the rate that LambdaLR gives");
const LOOKUP = "lambda step: RATES[min(step, len(RATES) - 1)]";

function asTable(reason, text, name) {
  return { text, exact: false, note: `${name} cannot express ${reason.message}. This is a table of the rates of each step instead.` };
}

/** The code of a node in Python, with the names of `import warmup_optax as wo`. */
export const wo = (node) => expression(node, call, human);
function call(node) {
  const called = `wo.${PLACE[node.kind] ?? ""}${CLASSES[node.kind] ?? node.kind}`;
  const body = LISTED.includes(node.kind) ? node.args.schedules.map(argument) : written(node).map(([name, x]) => `${name}=${argument(x)}`);
  const line = body.join(", ");
  return line.length + called.length < WIDTH && !line.includes("\n") ? `${called}(${line})` : `${called}(\n${indent(body.join(",\n"))},\n)`;
}
function argument(x) {
  if (isNode(x)) return x.kind === "constant" ? human(x.args.value) : wo(x);
  if (Array.isArray(x)) {
    const items = x.map(argument), line = `[${items.join(", ")}]`;
    return line.length < 70 && !line.includes("\n") ? line : `[\n${indent(items.join(",\n"))},\n]`;
  }
  if (isNumber(x)) return human(x);
  if (typeof x === "string") return JSON.stringify(x);
  if (x && x.options) {
    const name = `wo.${PLACE[x.kind] ?? ""}${x.kind}`, options = Object.entries(x.options).map(([key, value]) => `, ${key}=${argument(value)}`);
    return options.length ? `functools.partial(${name}${options.join("")})` : name;
  }
  return repr(x);
}
const PLACE = Object.fromEntries([
  ...["tanh", "finite_exponential", "logarithmic", "rex", "half_life", "power_law", "exponential_approach", "radam", "debiased_decay", "cosine_wave", "triangle_wave", "piecewise_cosine", "k_decay"].map((kind) => [kind, "shapes."]),
  ...Object.keys(CLASSES).map((kind) => [kind, "nodes."]),
]);

/** A schedule as a config again. */
export function toConfig(node) {
  const saved = (x) => (isNode(x) ? plain(x) : Array.isArray(x) ? x.map(saved) : x && x.options ? (Object.keys(x.options).length ? { kind: x.kind, ...x.options } : x.kind) : x);
  const plain = (x) => ({ kind: x.kind, ...Object.fromEntries(written(x).map(([name, value]) => [name, saved(value)])) });
  return { version: 1, ...plain(node) };
}

function yaml(value, deep = "") {
  const scalar = (x) => (typeof x === "string" && !/^[a-z_]\w*$/.test(x) ? JSON.stringify(x) : isNumber(x) ? yamlNumber(x) : String(x));
  const entry = (x, lead) => (x !== null && typeof x === "object" ? (Array.isArray(x) && x.every((item) => typeof item !== "object") ? ` [${x.map(scalar).join(", ")}]\n` : `\n${yaml(x, lead)}`) : ` ${scalar(x)}\n`);
  if (Array.isArray(value)) return value.map((x) => (typeof x === "object" && !Array.isArray(x) ? `${deep}- ${yaml(x, deep + "  ").slice(deep.length + 2)}` : `${deep}-${entry(x, deep + "  ")}`)).join("");
  return Object.entries(value).map(([key, x]) => `${deep}${key}:${entry(x, deep + "  ")}`).join("");
}
// YAML 1.1 takes 3e-4 for text.
const yamlNumber = (x) => human(x).replace(/^(-?\d+)e/, "$1.0e").replace(/e(\d)/, "e+$1");

/** Each target: its name, and `(schedule, steps of the run) => { text, exact, note }`. */
export const TARGETS = {
  warmup_optax(node) {
    const call = wo(node), header = [call.includes("functools.") && "import functools\n", "import warmup_optax as wo"].filter(Boolean).join("\n");
    return { text: `${header}\n\nschedule = ${call}\n`, exact: true, note: "Optax accepts it wherever it takes a schedule: optax.adamw(schedule)." };
  },
  JSON: (node) => ({ text: JSON.stringify(toConfig(node), null, 2) + "\n", exact: true, note: "wo.from_config reads it, and so does this page." }),
  YAML: (node) => ({ text: yaml(toConfig(node)), exact: true, note: "warmup-optax show run.yaml draws it." }),
  Optax(node, total) {
    const own = attempt(() => flat(node));
    if (own instanceof Error) {
      const text = `import jax.numpy as jnp\n\n${table(node, total)}\n\n\ndef schedule(count):\n    rates = jnp.asarray(RATES)\n    return rates[jnp.clip(count, 0, len(RATES) - 1)]\n`;
      return asTable(own, text, "Plain Optax");
    }
    const made = joined(own);
    if (made) {
      const note = /cosine/.test(made) ? "Less exact: near the end of a cosine Optax computes 1 + cos in float32, which has few digits there." : "Less exact: an end may differ from your number in the last digit of float32.";
      return { text: `import optax\n\nschedule = ${made}\n`, exact: true, note };
    }
    const d = arrays("jnp", "jnp.pi", (x) => `jnp.asarray(${x}, jnp.float32)`), main = d.function("schedule", "count", own);
    return { text: `import jax.numpy as jnp\n\n\n${[...d.helpers, main].join("\n\n\n")}\n`, exact: true, note: "Less exact: steps after 2^24 are rounded, and so are the ends." };
  },
  PyTorch(node, total) {
    const own = attempt(() => flat(node));
    if (own instanceof Error) return asTable(own, `import torch\n\n${table(node, total)}\n\n${LAMBDA(LOOKUP)}`, "PyTorch");
    const d = python(), main = d.function("rate", "step", own), body = `${[...d.helpers, main].join("\n\n\n")}\n\n\n${LAMBDA("rate")}`;
    return { text: `${constants([...imports(body, ["math", "import math\n"]), "import torch"])}${body}`, exact: true, note: "Call scheduler.step() after each optimizer.step()." };
  },
  Transformers(node, total) {
    const native = transformers[node.kind]?.(node.args);
    if (native) {
      const call = `scheduler = transformers.${native.name}(${["optimizer", keywords(native.args)].filter(Boolean).join(", ")})`.replace("optimizer, \n", "\n    optimizer,\n");
      const lr = human(native.lr ?? node.args.peak_value), note = "Pass both to Trainer(optimizers=(optimizer, scheduler)).";
      const rises = /cosine/.test(native.name) ? " After the last step this cosine rises again." : "";
      return { text: `import torch\nimport transformers\n\n${torchOf(call, lr)}`, exact: true, note: note + rises };
    }
    const text = `import torch\n\n${table(node, total)}\n\n${LAMBDA(LOOKUP)}`;
    return { text, exact: false, note: "Transformers has no function for this schedule. This is a table of the rates of each step instead. Pass both to Trainer(optimizers=(optimizer, scheduler))." };
  },
  Keras(node, total) {
    const native = keras[node.kind]?.(node.args);
    if (native) return { text: `import keras\n\nschedule = keras.optimizers.schedules.${native.name}(${keywords(reals(native.args))})\n`, exact: true, note: "Pass it as learning_rate to any Keras optimizer." };
    const d = arrays("ops", "math.pi", (x) => `ops.cast(${x}, "float32")`), own = attempt(() => flat(node));
    const call = (body) => `class Schedule(keras.optimizers.schedules.LearningRateSchedule):\n    def __call__(self, step):\n${indent(body, "        ")}\n\n    def get_config(self):\n        return {}\n\n\nschedule = Schedule()\n`;
    if (own instanceof Error) {
      const body = "rates = ops.convert_to_tensor(RATES)\nstep = ops.minimum(ops.cast(step, \"int32\"), len(RATES) - 1)\nreturn ops.take(rates, step)";
      return asTable(own, `import keras\nfrom keras import ops\n\n${table(node, total)}\n\n\n${call(body)}`, "Keras");
    }
    const body = `step = ops.cast(step, "float32")\nreturn ${d.body("step", own)}`;
    const text = `${d.helpers.length ? `${d.helpers.join("\n\n\n")}\n\n\n` : ""}${call(body)}`;
    return { text: `${constants([...imports(text, ["math", "import math\n"]), "import keras", "from keras import ops"])}${text}`, exact: true, note: "Keras counts in float32: steps after 2^24 are rounded." };
  },
};
