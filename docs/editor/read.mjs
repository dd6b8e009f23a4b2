// Reads what people paste: a config, JSON, YAML, or a call of warmup_optax, PyTorch, Transformers or Keras.
//
// Nothing is evaluated. A call is parsed, and its arguments may be literals and calls of known names only.

import { CLASSES, fraction, kinds } from "./schedule.mjs";

const LONGEST = 200_000; // characters
const DEEPEST = 100;
const fail = (message) => {
  throw new Error(message);
};

/** The config that a text stands for, and a note where something was assumed: `{ config, note }`. */
export function read(text, yaml) {
  const source = text.trim();
  if (!source) fail("Paste a config, YAML, or a call such as warmup_cosine(3e-4, warmup_steps=100, total_steps=1000).");
  if (source.length > LONGEST) fail(`The text has ${source.length} characters; at most ${LONGEST} are read.`);
  if (source.startsWith("{")) {
    const found = attempt(() => JSON.parse(source));
    if (!(found instanceof Error)) return { config: inside(found), note: "" };
  }
  if (/^[^:#]*?[\w.]+\s*\(/.test(source.replace(/^(import|from)\b.*$/gm, "").replace(/^\s*#.*$/gm, "").trim())) return fromCode(source);
  const found = attempt(() => yaml(source));
  if (found instanceof Error) fail(`This is neither JSON nor YAML nor a call: ${found.message.split("\n")[0]}`);
  return { config: inside(found), note: "" };
}
function attempt(make) {
  try {
    return make();
  } catch (error) {
    return error;
  }
}

/** A config, or the first one inside a larger file. */
function inside(value, depth = 0) {
  if (value === null || typeof value !== "object") fail("There is no schedule in this: it needs a key `kind`.");
  if (typeof value.kind === "string" || depth === DEEPEST) return { version: 1, ...value };
  const found = Object.values(value).find((item) => item && typeof item === "object" && hasKind(item, depth));
  return found ? inside(found, depth + 1) : fail("There is no schedule in this: it needs a key `kind`.");
}
const hasKind = (value, depth) =>
  depth < DEEPEST && ((Object.hasOwn(value, "kind") && Object.hasOwn(kinds, value.kind)) || Object.values(value).some((item) => item && typeof item === "object" && hasKind(item, depth + 1)));

// ---------------------------------------------------------------- a parser of calls with literals

const TOKEN = /\s*(?:#[^\n]*\n?\s*)*(?:(\d[\d_]*\.?[\d_]*(?:[eE][-+]?\d[\d_]*)?|\.\d[\d_]*(?:[eE][-+]?\d[\d_]*)?)|([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*)|("""[^]*?"""|'''[^]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(\*\*|\/\/|[-+*/()[\]{},=:;]))/y;

function tokens(text) {
  const found = [];
  let at = 0;
  while (text.slice(at).replace(/\s+|#[^\n]*/g, "")) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) fail(`Cannot read ${JSON.stringify(text.slice(at).trim().slice(0, 20))}: only calls with numbers, words and lists are read.`);
    const [, number, name, string, sign] = match;
    found.push({ number, name, string, sign, line: /\n/.test(match[0]) });
    at = TOKEN.lastIndex;
  }
  return found;
}

/** Expressions as trees: `{ call, args, keys }`, `{ op, left, right }`, `{ name }`, arrays, and literals. */
class Parser {
  constructor(text) {
    this.tokens = tokens(text);
    this.at = 0;
    this.depth = 0;
  }
  get next() {
    return this.tokens[this.at] ?? {};
  }
  take(sign) {
    if (this.next.sign !== sign) return false;
    this.at++;
    return true;
  }
  expect(sign) {
    if (!this.take(sign)) fail(`Expected ${sign} before ${shown(this.next)}.`);
  }
  /** Statements `name = expression`; imports are passed over. */
  statements() {
    const found = [];
    while (this.at < this.tokens.length) {
      if (this.take(";")) continue;
      if (this.next.name === "import" || this.next.name === "from") {
        do this.at++;
        while (this.at < this.tokens.length && !this.next.line);
        continue;
      }
      const target = this.tokens[this.at + 1]?.sign === "=" ? this.next.name : undefined;
      if (target) this.at += 2;
      found.push({ target, value: this.sum() });
      if (this.at < this.tokens.length && !this.next.line && this.next.sign !== ";") fail(`Cannot read ${shown(this.next)} after an expression.`);
    }
    return found;
  }
  sum() {
    if (++this.depth > DEEPEST) fail(`Calls and lists are read up to ${DEEPEST} deep.`);
    let left = this.term();
    while (["+", "-"].includes(this.next.sign) && !this.ended()) left = { op: this.tokens[this.at++].sign, left, right: this.term() };
    this.depth--;
    return left;
  }
  term() {
    let left = this.factor();
    while (["*", "/", "//"].includes(this.next.sign) && !this.ended()) left = { op: this.tokens[this.at++].sign, left, right: this.factor() };
    return left;
  }
  /** Whether the next token begins a statement of its own. */
  ended() {
    return this.next.line && this.depth === 1 && this.open === undefined;
  }
  factor() {
    let sign = 1;
    while (this.next.sign === "-" || this.next.sign === "+") if (this.tokens[this.at++].sign === "-") sign = -sign;
    const base = this.atom(), value = this.take("**") ? { op: "**", left: base, right: this.factor() } : base;
    return sign < 0 ? { op: "*", left: value, right: -1 } : value;
  }
  atom() {
    const token = this.next;
    this.at++;
    if (token.number !== undefined) return Number(token.number.replaceAll("_", ""));
    if (token.string !== undefined) return { text: token.string.replace(/^("""|'''|"|')([^]*)\1$/, "$2") };
    if (token.name !== undefined) {
      const word = { True: true, False: false, None: null, true: true, false: false };
      if (Object.hasOwn(word, token.name)) return word[token.name];
      return this.next.sign === "(" ? this.call(token.name) : { name: token.name };
    }
    if (token.sign === "(") {
      const items = this.items(")");
      return items.length === 1 && !items.comma ? items[0] : items;
    }
    if (token.sign === "[") return this.items("]");
    if (token.sign === "{") {
      const found = {};
      while (!this.take("}")) {
        const key = this.sum();
        this.expect(":");
        if (typeof key?.text !== "string") fail("A key of a dict must be a text.");
        Object.defineProperty(found, key.text, { value: this.sum(), enumerable: true });
        if (!this.take(",") && this.next.sign !== "}") fail(`Expected , before ${shown(this.next)}.`);
      }
      return { dict: found };
    }
    return fail(`Expected a number, a text, a list or a call, got ${shown(token)}.`);
  }
  items(close) {
    const items = [];
    items.comma = false;
    while (!this.take(close)) {
      items.push(this.sum());
      if (this.take(",")) items.comma = true;
      else if (this.next.sign !== close) fail(`Expected , or ${close} before ${shown(this.next)}.`);
    }
    return items;
  }
  call(name) {
    this.expect("(");
    const args = [], keys = {};
    while (!this.take(")")) {
      if (this.next.name && this.tokens[this.at + 1]?.sign === "=") {
        const key = this.next.name;
        this.at += 2;
        Object.defineProperty(keys, key, { value: this.sum(), enumerable: true });
      } else args.push(this.sum());
      if (!this.take(",") && this.next.sign !== ")") fail(`Expected , or ) before ${shown(this.next)}.`);
    }
    return { call: name, args, keys };
  }
}
const shown = (token) => token.number ?? token.name ?? token.string ?? token.sign ?? "the end of the text";

// ---------------------------------------------------------------- from trees to configs

const isNumber = (x) => typeof x === "number";
const isSchedule = (x) => x !== null && typeof x === "object" && typeof x.kind === "string";

/** The schedule of a piece of code: the last statement that is one. */
function fromCode(text) {
  const scope = { rates: [], names: Object.create(null), note: "" };
  let found;
  for (const { target, value } of new Parser(text).statements()) {
    const made = valueOf(value, scope);
    if (target) scope.names[target] = made;
    if (isSchedule(made)) found = made;
  }
  if (!found && scope.strange) fail(`${scope.strange} is not a function that this page knows. It reads warmup_optax, and the schedules of PyTorch, Transformers and Keras.`);
  if (!found) fail("There is no schedule in this: paste a call such as warmup_cosine(3e-4, warmup_steps=100, total_steps=1000).");
  return { config: { version: 1, ...found }, note: scope.note };
}

function valueOf(tree, scope) {
  if (Array.isArray(tree)) return tree.map((item) => valueOf(item, scope));
  if (tree === null || typeof tree !== "object") return tree;
  if (tree.text !== undefined) return tree.text;
  if (tree.dict) return Object.fromEntries(Object.entries(tree.dict).map(([key, item]) => [key, valueOf(item, scope)]));
  if (tree.op) return operator(tree.op, valueOf(tree.left, scope), valueOf(tree.right, scope));
  if (tree.name) {
    if (tree.name in scope.names) return scope.names[tree.name];
    const short = tree.name.split(".").at(-1);
    return Object.hasOwn(kinds, short) ? { shape: short } : { unknown: tree.name };
  }
  return call(tree, scope);
}

function operator(op, a, b) {
  if (isNumber(a) && isNumber(b)) return { "+": a + b, "-": a - b, "*": a * b, "/": a / b, "//": Math.floor(a / b), "**": a ** b }[op];
  const [left, right] = [isSchedule(a), isSchedule(b)];
  if ((left || isNumber(a)) && (right || isNumber(b))) {
    if (op === "*") return left && right ? { kind: "product", schedules: [a, b] } : { kind: "scale", schedule: left ? a : b, factor: left ? b : a };
    if (op === "/" && left && !right) return { kind: "divide", schedule: a, divisor: b };
    if (op === "+") return { kind: "add", schedules: [a, b] };
    if (op === "-") return { kind: "add", schedules: [a, right ? { kind: "scale", schedule: b, factor: -1 } : -b] };
  }
  return fail(`Cannot compute ${op} of what stands around it: only numbers and schedules are read.`);
}

const KINDS = Object.fromEntries(Object.entries(CLASSES).map(([kind, name]) => [name, kind]));
const WRAPPERS = ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "Adafactor", "Lion", "NAdam", "RAdam", "adam", "adamw", "sgd", "lion"];

function call({ call: path, args, keys }, scope) {
  const name = path.split(".").at(-1);
  const given = args.map((item) => valueOf(item, scope)), named = Object.fromEntries(Object.entries(keys).map(([key, item]) => [key, valueOf(item, scope)]));
  if (name === "partial") {
    const [shape] = given;
    if (!shape?.shape) fail("partial(...) must be of a shape, as partial(polynomial, power=2).");
    return { shape: shape.shape, options: named };
  }
  if (name === "Fraction") return { ratio: given.join("/") };
  if (WRAPPERS.includes(name)) {
    const rate = named.lr ?? named.learning_rate ?? given.find((x) => isSchedule(x) || isNumber(x));
    if (isNumber(rate)) scope.rates.push(rate);
    return isSchedule(rate) ? rate : { unknown: path, rate };
  }
  const port = Object.hasOwn(PORTS, name) ? PORTS[name] : undefined;
  if (port) return ported(name, port, given, named, scope);
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : name;
  if (!Object.hasOwn(kinds, kind)) {
    scope.strange = path;
    return { unknown: path };
  }
  return own(kind, given, named);
}

/** A call of warmup_optax: positional arguments get the names of the fields. */
function own(kind, given, named) {
  const fields = Object.keys(kinds[kind].fields), found = { kind };
  if (fields[0] === "schedules" && fields.length === 1 && !named.schedules) return { kind, schedules: given.length === 1 && Array.isArray(given[0]) ? given[0] : given.map(plain) };
  if (given.length > fields.length) fail(`${kind} takes ${fields.length} arguments, got ${given.length}.`);
  given.forEach((value, i) => (found[fields[i]] = plain(value)));
  for (const [key, value] of Object.entries(named)) found[key] = plain(value);
  return found;
}
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value?.shape) return value.options && Object.keys(value.options).length ? { kind: value.shape, ...value.options } : value.shape;
  if (value?.ratio) return value.ratio;
  if (value?.unknown) fail(`${value.unknown} has no value here: write the number.`);
  return value;
}

// ---------------------------------------------------------------- other libraries

const REQUIRED = Symbol("required");
const constant = (value) => ({ kind: "constant", value });
const linear = (init_value, end_value, steps) => ({ kind: "linear", init_value, end_value, steps });
const cosine = (init_value, end_value, steps) => ({ kind: "cosine", init_value, end_value, steps });
const wave = (init_value, end_value, steps) => ({ kind: "cosine_wave", init_value, end_value, steps });
const polynomial = (init_value, end_value, steps, power) => ({ kind: "polynomial", init_value, end_value, steps, power });
const join = (schedules, boundaries, offsets) => ({ kind: "join", schedules, boundaries, ...(offsets ? { offsets } : {}) });
const after = (schedule, last = -1) => (last === -1 ? schedule : { kind: "shift", schedule, steps: -1 - last });
const warmed = (lr, warmup, decay) => join([linear(0, lr, warmup), decay], [warmup]);

/** Lengths that need not be whole: `make` gets them in whole ticks, and the clock is stretched back. */
function inTicks(lengths, make) {
  const parts = lengths.map((x) => simplest(x)), ticks = parts.reduce((a, [, d]) => (a * d) / gcd(a, d), 1);
  const made = make(...parts.map(([n, d]) => Math.round((n * ticks) / d)));
  return ticks === 1 ? made : { kind: "speed_up", schedule: made, factor: ticks };
}
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
/** The fraction that a number is meant to be: 0.3 is 3/10, and the quotient of 1000 and 3 is 1000/3. */
function simplest(x) {
  const [n, d] = fraction(x).map(Number);
  return d <= 1e6 ? [n, d] : [Math.round(x * 1e6), 1e6];
}
const stairs = (lr, gamma, steps) =>
  gamma === 0 ? { kind: "piecewise_constant", values: [lr, 0], boundaries: [steps] } : { kind: "exponential", init_value: lr, decay_rate: gamma, transition_steps: steps, staircase: true };
const cosines = (lr, low, steps, cycles) => (cycles === 0 ? constant(lr) : inTicks([steps / (2 * Math.abs(cycles))], (half) => wave(lr, low, half)));
function lowest({ lr, min_lr, min_lr_rate }) {
  if ((min_lr === null) === (min_lr_rate === null)) fail("Give one of min_lr and min_lr_rate.");
  return min_lr ?? min_lr_rate * lr;
}

// name: the parameters in order with defaults, and the config. `lr` comes from the optimizer.
const TORCH = { lr: REQUIRED }, LAST = { last_epoch: -1 };
const HF = { lr: REQUIRED, num_warmup_steps: REQUIRED }, HF_RUN = { ...HF, num_training_steps: REQUIRED };
const NAME = { name: "" };
const PORTS = {
  StepLR: [{ ...TORCH, step_size: REQUIRED, gamma: 0.1, ...LAST }, (c) => stairs(c.lr, c.gamma, c.step_size)],
  MultiStepLR: [
    { ...TORCH, milestones: REQUIRED, gamma: 0.1, ...LAST },
    (c) => {
      const milestones = c.milestones.filter((m) => m >= 0), boundaries = [...new Set(milestones)].sort((a, b) => a - b);
      return { kind: "piecewise_constant", values: [c.lr, ...boundaries.map((b) => c.lr * c.gamma ** milestones.filter((m) => m <= b).length)], boundaries };
    },
  ],
  ConstantLR: [
    { ...TORCH, factor: 1 / 3, total_iters: 5, ...LAST },
    (c) => (c.total_iters === 0 || c.factor === 0 ? constant(c.lr * c.factor) : { kind: "piecewise_constant", values: [c.lr * c.factor, c.lr], boundaries: [c.total_iters] }),
  ],
  LinearLR: [
    { ...TORCH, start_factor: 1 / 3, end_factor: 1, total_iters: 5, ...LAST },
    (c) => linear(c.lr * c.start_factor, c.lr * (c.total_iters === 0 ? c.start_factor : c.end_factor), c.total_iters),
  ],
  ExponentialLR: [{ ...TORCH, gamma: REQUIRED, ...LAST }, (c) => stairs(c.lr, c.gamma, 1)],
  PolynomialLR: [{ ...TORCH, total_iters: 5, power: 1, ...LAST }, (c) => (c.total_iters === 0 || c.power === 0 ? constant(c.lr) : polynomial(c.lr, 0, c.total_iters, c.power))],
  CosineAnnealingLR: [{ ...TORCH, T_max: REQUIRED, eta_min: 0, ...LAST }, (c) => inTicks([c.T_max], (half) => wave(c.lr, c.eta_min, half))],
  CosineAnnealingWarmRestarts: [
    { ...TORCH, T_0: REQUIRED, T_mult: 1, eta_min: 0, ...LAST },
    (c) => ({ kind: "restart", schedule: cosine(c.lr, c.eta_min, c.T_0), period: c.T_0, growth: c.T_mult }),
  ],
  CyclicLR: [
    { base_lr: REQUIRED, max_lr: REQUIRED, step_size_up: 2000, step_size_down: null, mode: "triangular", gamma: 1, scale_fn: null, scale_mode: "cycle", cycle_momentum: true, base_momentum: 0.8, max_momentum: 0.9, ...LAST },
    (c) => {
      if (c.scale_fn !== null) fail("CyclicLR: scale_fn is a Python function, which this page does not evaluate.");
      const down = c.step_size_down ?? c.step_size_up;
      const height = { triangular: null, triangular2: (up, down) => ({ ...stairs(1, 0.5, up + down) }), exp_range: null };
      if (!Object.hasOwn(height, c.mode)) fail(`CyclicLR: mode must be one of 'triangular', 'triangular2', 'exp_range', got '${c.mode}'`);
      const lifted = (of) => ({ kind: "add", schedules: [of, constant(c.base_lr)] }), rise = c.max_lr - c.base_lr;
      const cycle = inTicks([c.step_size_up, down], (up, back) => {
        const triangle = (low, high) => ({ kind: "triangle_wave", init_value: low, end_value: high, steps: up, back_steps: back });
        if (c.mode === "triangular2") return lifted({ kind: "product", schedules: [triangle(0, rise), stairs(1, 0.5, up + back)] });
        return c.mode === "triangular" ? triangle(c.base_lr, c.max_lr) : triangle(0, rise);
      });
      return c.mode === "exp_range" ? lifted({ kind: "product", schedules: [cycle, stairs(1, c.gamma, 1)] }) : cycle;
    },
  ],
  OneCycleLR: [
    { max_lr: REQUIRED, total_steps: null, epochs: null, steps_per_epoch: null, pct_start: 0.3, anneal_strategy: "cos", cycle_momentum: true, base_momentum: 0.85, max_momentum: 0.95, div_factor: 25, final_div_factor: 1e4, three_phase: false, ...LAST },
    oneCycle,
  ],
  SequentialLR: [
    { schedulers: REQUIRED, milestones: REQUIRED, ...LAST },
    (c) => {
      const begins = [0, ...c.milestones], kept = begins.flatMap((begin, i) => (begins.slice(i + 1).includes(begin) ? [] : [i]));
      if (begins.length !== c.schedulers.length) fail(`SequentialLR: milestones must be one fewer than schedulers, got ${c.milestones.length} and ${c.schedulers.length}`);
      return join(kept.map((i) => c.schedulers[i]), kept.slice(1).map((i) => begins[i]));
    },
  ],
  ChainedScheduler: [
    { ...TORCH, schedulers: REQUIRED },
    (c) => ({ kind: "product", schedules: c.schedulers.map((schedule, i) => (i ? { kind: "divide", schedule, divisor: c.lr } : schedule)) }),
  ],
  get_constant_schedule: [{ lr: REQUIRED, ...LAST }, (c) => constant(c.lr)],
  get_constant_schedule_with_warmup: [{ ...HF, ...LAST }, (c) => linear(0, c.lr, c.num_warmup_steps)],
  get_linear_schedule_with_warmup: [{ ...HF_RUN, ...LAST }, (c) => warmed(c.lr, c.num_warmup_steps, linear(c.lr, 0, Math.max(c.num_training_steps - c.num_warmup_steps, 0)))],
  get_cosine_schedule_with_warmup: [{ ...HF_RUN, num_cycles: 0.5, ...LAST }, (c) => warmed(c.lr, c.num_warmup_steps, cosines(c.lr, 0, Math.max(c.num_training_steps - c.num_warmup_steps, 1), c.num_cycles))],
  get_cosine_with_hard_restarts_schedule_with_warmup: [
    { ...HF_RUN, num_cycles: 1, ...LAST },
    (c) => {
      const rest = Math.max(c.num_training_steps - c.num_warmup_steps, 1);
      const cycles = inTicks([rest / c.num_cycles], (period) => ({ kind: "restart", schedule: cosine(c.lr, 0, period), period }));
      return join([linear(0, c.lr, c.num_warmup_steps), cycles, constant(0)], [c.num_warmup_steps, c.num_warmup_steps + rest]);
    },
  ],
  get_polynomial_decay_schedule_with_warmup: [
    { ...HF_RUN, lr_end: 1e-7, power: 1, ...LAST },
    (c) => {
      if (!(c.lr > c.lr_end)) fail(`get_polynomial_decay_schedule_with_warmup: lr_end must be smaller than lr=${c.lr}, got ${c.lr_end}`);
      const rest = Math.max(c.num_training_steps - c.num_warmup_steps, 0), W = c.num_warmup_steps;
      return warmed(c.lr, W, c.num_training_steps === W && W > 0 ? constant((c.lr * (W - 1)) / W) : polynomial(c.lr, c.lr_end, rest, c.power));
    },
  ],
  get_inverse_sqrt_schedule: [
    { ...HF, timescale: null, ...LAST },
    (c) => warmed(c.lr, c.num_warmup_steps, { kind: "inverse_sqrt", init_value: c.lr, timescale: c.timescale ?? (c.num_warmup_steps || 10_000) }),
  ],
  get_cosine_with_min_lr_schedule_with_warmup: [
    { ...HF_RUN, num_cycles: 0.5, last_epoch: -1, min_lr: null, min_lr_rate: null },
    (c) => warmed(c.lr, c.num_warmup_steps, cosines(c.lr, lowest(c), Math.max(c.num_training_steps - c.num_warmup_steps, 1), c.num_cycles)),
  ],
  get_cosine_with_min_lr_schedule_with_warmup_lr_rate: [
    { ...HF_RUN, num_cycles: 0.5, last_epoch: -1, min_lr: null, min_lr_rate: null, warmup_lr_rate: null },
    (c) => {
      const W = c.num_warmup_steps, decay = cosines(c.lr, lowest(c), Math.max(c.num_training_steps - W, 1), c.num_cycles);
      const [line, offset] = c.warmup_lr_rate === null ? [linear(0, c.lr, W), -1] : [linear(c.warmup_lr_rate * c.lr, c.lr, Math.max(W - 1, 1)), 0];
      return join([line, decay], [W], [offset, W - 1]);
    },
  ],
  get_wsd_schedule: [
    { ...HF, num_decay_steps: REQUIRED, num_training_steps: null, num_stable_steps: null, warmup_type: "linear", decay_type: "cosine", min_lr_ratio: 0, num_cycles: 0.5, ...LAST },
    wsd,
  ],
  ExponentialDecay: [{ initial_learning_rate: REQUIRED, decay_steps: REQUIRED, decay_rate: REQUIRED, staircase: false, ...NAME }, (c) => ({ kind: "exponential", init_value: c.initial_learning_rate, decay_rate: c.decay_rate, transition_steps: c.decay_steps, staircase: c.staircase })],
  InverseTimeDecay: [{ initial_learning_rate: REQUIRED, decay_steps: REQUIRED, decay_rate: REQUIRED, staircase: false, ...NAME }, (c) => ({ kind: "inverse_time", init_value: c.initial_learning_rate, decay_rate: c.decay_rate, transition_steps: c.decay_steps, staircase: c.staircase })],
  PiecewiseConstantDecay: [{ boundaries: REQUIRED, values: REQUIRED, ...NAME }, (c) => ({ kind: "piecewise_constant", values: c.values, boundaries: c.boundaries.map((b) => Math.trunc(b) + 1) })],
  PolynomialDecay: [
    { initial_learning_rate: REQUIRED, decay_steps: REQUIRED, end_learning_rate: 1e-4, power: 1, cycle: false, ...NAME },
    (c) => {
      const first = polynomial(c.initial_learning_rate, c.end_learning_rate, c.decay_steps, c.power);
      if (!c.cycle) return first;
      const fall = polynomial(c.initial_learning_rate - c.end_learning_rate, 0, c.decay_steps, c.power);
      const falls = { kind: "restart", schedule: { kind: "shift", schedule: fall, steps: -1 }, period: c.decay_steps };
      const lower = { kind: "staircase", schedule: { kind: "power_law", init_value: 1, power: -c.power }, steps: c.decay_steps };
      return join([first, { kind: "add", schedules: [{ kind: "product", schedules: [falls, lower] }, constant(c.end_learning_rate)] }], [c.decay_steps + 1], [0, 1]);
    },
  ],
  CosineDecay: [
    { initial_learning_rate: REQUIRED, decay_steps: REQUIRED, alpha: 0, name: "", warmup_target: null, warmup_steps: 0 },
    (c) =>
      c.warmup_target === null
        ? cosine(c.initial_learning_rate, c.alpha * c.initial_learning_rate, c.decay_steps)
        : join([linear(c.initial_learning_rate, c.warmup_target, c.warmup_steps), cosine(c.warmup_target, c.alpha * c.warmup_target, c.decay_steps)], [c.warmup_steps]),
  ],
  CosineDecayRestarts: [
    { initial_learning_rate: REQUIRED, first_decay_steps: REQUIRED, t_mul: 2, m_mul: 1, alpha: 0, ...NAME },
    (c) => {
      const floor = c.alpha * c.initial_learning_rate, fall = cosine(c.initial_learning_rate - floor, 0, c.first_decay_steps);
      return { kind: "add", schedules: [{ kind: "restart", schedule: fall, period: c.first_decay_steps, growth: c.t_mul, decay: c.m_mul }, constant(floor)] };
    },
  ],
};
const SCHEDULES = {
  linear: "get_linear_schedule_with_warmup",
  cosine: "get_cosine_schedule_with_warmup",
  cosine_with_restarts: "get_cosine_with_hard_restarts_schedule_with_warmup",
  polynomial: "get_polynomial_decay_schedule_with_warmup",
  constant: "get_constant_schedule",
  constant_with_warmup: "get_constant_schedule_with_warmup",
  inverse_sqrt: "get_inverse_sqrt_schedule",
  cosine_with_min_lr: "get_cosine_with_min_lr_schedule_with_warmup",
  cosine_warmup_with_min_lr: "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
  warmup_stable_decay: "get_wsd_schedule",
};
PORTS.get_scheduler = [
  { name: REQUIRED, lr: REQUIRED, num_warmup_steps: null, num_training_steps: null, scheduler_specific_kwargs: null },
  (c, scope) => {
    if (!Object.hasOwn(SCHEDULES, c.name)) fail(`get_scheduler: name must be one of ${Object.keys(SCHEDULES).map((x) => `'${x}'`).join(", ")}, got '${c.name}'`);
    const name = SCHEDULES[c.name], takes = PORTS[name][0], passed = { lr: c.lr };
    for (const key of ["num_warmup_steps", "num_training_steps"]) if (key in takes && c[key] !== null) passed[key] = c[key];
    return ported(name, PORTS[name], [], { ...passed, ...c.scheduler_specific_kwargs }, scope);
  },
];

function wsd(c) {
  const stable = c.num_stable_steps ?? (c.num_training_steps === null ? fail("get_wsd_schedule: give num_training_steps or num_stable_steps.") : c.num_training_steps - c.num_warmup_steps - c.num_decay_steps);
  const types = { linear: [linear, linear], cosine: [cosine, cosine], "1-sqrt": [(a, b, n) => polynomial(a, b, n, 0.5), (a, b, n) => ({ kind: "one_minus_sqrt", init_value: a, end_value: b, steps: n })] };
  for (const name of ["warmup_type", "decay_type"]) if (!Object.hasOwn(types, c[name])) fail(`get_wsd_schedule: ${name} must be one of 'linear', 'cosine', '1-sqrt', got '${c[name]}'`);
  const low = c.min_lr_ratio * c.lr, up = types[c.warmup_type][0](low, c.lr, c.num_warmup_steps);
  let begin = c.num_warmup_steps + stable, down = types[c.decay_type][1](c.lr, low, c.num_decay_steps);
  if (c.num_decay_steps === 0) [down, begin] = [{ kind: "piecewise_constant", values: [c.lr, low], boundaries: [Math.max(begin, 0)] }, 0];
  else if (c.decay_type === "cosine" && c.num_cycles !== 0.5) down = join([cosines(c.lr, low, c.num_decay_steps, c.num_cycles), constant(low)], [c.num_decay_steps]);
  return join([up, down], [c.num_warmup_steps], [0, begin]);
}

/** PyTorch's one cycle: the peak is at `pct_start * total_steps - 1`, whole or not. */
function oneCycle(c) {
  const total = c.total_steps ?? (c.epochs !== null && c.steps_per_epoch !== null ? c.epochs * c.steps_per_epoch : fail("OneCycleLR: give total_steps, or epochs and steps_per_epoch."));
  if (!["cos", "linear"].includes(c.anneal_strategy)) fail(`OneCycleLR: anneal_strategy must be one of 'cos', 'linear', got '${c.anneal_strategy}'`);
  const shape = c.anneal_strategy === "cos" ? cosine : linear, first = c.max_lr / c.div_factor, last = first / c.final_div_factor;
  const [n, d] = simplest(c.pct_start), peak = [n * total - d, d]; // over d, exact
  const rates = [first, c.max_lr, ...(c.three_phase ? [first] : []), last];
  const ends = [peak[0], ...(c.three_phase ? [2 * peak[0]] : []), (total - 1) * d];
  const starts = [0, ...ends.slice(0, -1)], begins = starts.map((x, i) => Math.max(0, ...starts.slice(0, i + 1)));
  const parts = ends.flatMap((end, i) => (end > starts[i] && begins[i] < (begins[i + 1] ?? total * d) ? [i] : []));
  // Step `total` has an extrapolated rate, which continues.
  const i = parts.at(-1), done = (total * d - starts[i]) / (ends[i] - starts[i]);
  const weight = c.anneal_strategy === "cos" ? (1 + Math.cos(Math.PI * done)) / 2 : 1 - done;
  const beyond = constant(rates[i + 1] + (rates[i] - rates[i + 1]) * weight);
  const made = join([...parts.map((i) => shape(rates[i], rates[i + 1], ends[i] - starts[i])), beyond], [...parts.slice(1).map((i) => begins[i]), total * d], [...parts.map((i) => starts[i]), 0]);
  return d === 1 ? made : { kind: "speed_up", schedule: made, factor: d };
}

/** A call of another library, by its parameters. The optimizer stands where `lr` does. */
function ported(name, [parameters, make], given, named, scope) {
  const args = { ...named }, names = Object.keys(parameters), optimizer = "lr" in parameters || /LR$/.test(name);
  if ("optimizer" in args) {
    takeRate(args.optimizer, scope);
    delete args.optimizer;
  }
  let rest = given;
  const isOptimizer = (x) => x !== null && typeof x === "object" && "unknown" in x;
  const at = rest.findIndex(isOptimizer);
  if (optimizer && at >= 0) {
    takeRate(rest[at], scope);
    rest = rest.filter((_, i) => i !== at);
    if (parameters.lr === REQUIRED && args.lr === undefined) args.lr = rate(name, scope);
  } else if (parameters.lr === REQUIRED && args.lr === undefined && !(names[0] === "lr" && isNumber(rest[0]))) args.lr = rate(name, scope);
  const free = names.filter((key) => !(key in args));
  if (rest.length > free.length) fail(`${name} takes ${names.length} arguments, got ${rest.length + Object.keys(args).length}.`);
  rest.forEach((value, i) => (args[free[i]] = value));
  for (const key of Object.keys(args)) if (!Object.hasOwn(parameters, key) && key !== "verbose") fail(`${name} takes no '${key}'; its arguments are ${names.filter((x) => x !== "lr").join(", ")}`);
  const found = { ...parameters, ...args };
  const lacking = names.filter((key) => found[key] === REQUIRED);
  if (lacking.length) fail(`${name} lacks ${lacking.join(", ")}`);
  for (const [key, value] of Object.entries(found)) {
    const listed = key === "milestones" || key === "boundaries" || key === "values" || key === "schedulers";
    if (value?.unknown !== undefined) fail(`${name}: ${key} is ${value.unknown}, which has no value here: write the number.`);
    if (listed ? !Array.isArray(value) : Array.isArray(value)) fail(`${name}: ${key} must be ${listed ? "a list" : "a number"}.`);
    const words = ["mode", "anneal_strategy", "warmup_type", "decay_type", "name", "scale_mode", "scheduler_specific_kwargs"];
    if (!listed && !words.includes(key) && value !== null && !["number", "boolean"].includes(typeof value)) fail(`${name}: ${key} must be a number.`);
    // What PyTorch takes of other types it does not use.
    if (/^(T_|step|total_|num_(?!cycles)|decay_steps|epochs|first_)/.test(key) && isNumber(value) && !(value >= 0 && Number.isFinite(value))) fail(`${name}: ${key} must be a number of steps, got ${value}`);
  }
  return after(make(found, scope), found.last_epoch ?? -1);
}
function takeRate(optimizer, scope) {
  if (isNumber(optimizer?.rate)) scope.rates.push(optimizer.rate);
}
function rate(name, scope) {
  if (!scope.rates.length) scope.note = `The base learning rate is in the optimizer, which is not part of the text: 1e-3 is assumed. Add a line such as optimizer = AdamW(params, lr=3e-4).`;
  return scope.rates.at(-1) ?? 1e-3;
}
export const LIBRARIES = Object.keys(PORTS);
