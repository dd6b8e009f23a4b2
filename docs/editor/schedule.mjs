// Reads configs of warmup_optax and evaluates them in float64. It has no dependencies. (Phases and findings: view.mjs.)
//
//   import { fromConfig } from "./schedule.mjs";
//   const schedule = fromConfig({ version: 1, kind: "warmup_cosine", peak_value: 3e-4, warmup_steps: 100, total_steps: 1000 });
//   schedule.at(550); // 0.00015
//
// "The config format" in the documentation specifies what this file reads.

export const VERSION = 1;
const DEEPEST = 100;
const MOST_VALUES = 2 ** 18;
const HUGE = 3.4028234663852886e38; // the largest float32
const TINY = 2 ** -126; // the smallest normal one
const LOG_MOST = 60; // a growth stops at exp(60) times its start
const MOST_CYCLES = 2 ** 18;

// ---------------------------------------------------------------- exact whole numbers and times

const fits = Number.isSafeInteger;
const slim = (x) => (x >= -Number.MAX_SAFE_INTEGER && x <= Number.MAX_SAFE_INTEGER ? Number(x) : x);

/** `a * b` and `a - b` of whole numbers, each a Number where that is exact and else a BigInt. */
function times(a, b) {
  const x = fits(a) && fits(b) ? a * b : NaN;
  return fits(x) ? x : slim(BigInt(a) * BigInt(b));
}
function minus(a, b) {
  const x = fits(a) && fits(b) ? a - b : NaN;
  return fits(x) ? x : slim(BigInt(a) - BigInt(b));
}
const plus = (a, b) => minus(a, minus(0, b));
const LARGE = 1n << 512n;
/** `n / d` as a Number; a float64 ends at 2^1024. */
const ratio = (n, d) => (d > LARGE ? ratio(BigInt(n) >> 256n, BigInt(d) >> 256n) : Number(n) / Number(d));
const quotient = (a, b) => (fits(a) && fits(b) ? (a - (a % b)) / b : slim(BigInt(a) / BigInt(b)));

/** A local time in steps, a fraction of two whole numbers that is never negative. No operation rounds. */
class Time {
  constructor(n, d = 1) {
    this.n = n;
    this.d = d;
  }
  static of(count) {
    if (count <= 0) return new Time(0);
    if (typeof count === "bigint") return new Time(slim(count));
    let n = Math.min(count, 2 ** 62), d = 1;
    while (!Number.isInteger(n)) [n, d] = [2 * n, 2 * d];
    return new Time(slim(BigInt(n)), d);
  }
  get real() {
    return ratio(this.n, this.d);
  }
  reached(steps) {
    return this.n >= times(steps, this.d);
  }
  since(start) {
    const n = minus(this.n, times(start, this.d));
    return new Time(n > 0 ? n : 0, this.d);
  }
  times(factor) {
    return new Time(times(this.n, factor), this.d);
  }
  over(steps) {
    return new Time(this.n, times(this.d, steps));
  }
  /** How many times `steps` have passed, and the time since the last of them. */
  cycle(steps) {
    const length = times(steps, this.d), number = quotient(this.n, length);
    return [number, new Time(minus(this.n, times(number, length)), this.d)];
  }
  /** The elapsed and the remaining fraction of `steps`, each an exact difference divided once. */
  progress(steps) {
    const length = times(steps, this.d), left = minus(length, this.n);
    return left > 0 ? [ratio(this.n, length), ratio(left, length)] : [1, 0];
  }
}

/** How many of the increasing `boundaries` are at most `x`. */
export function located(boundaries, reached) {
  let low = 0, high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reached(boundaries[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The whole numbers `[n, d]` of a decimal: 1.1 is 11 / 10, 0.3333333333333333 is 1 / 3, and "1/4" is as it stands. */
export function fraction(number) {
  const [top, bottom] = String(number).split("/");
  if (bottom) return [slim(BigInt(top)), slim(BigInt(bottom))];
  const [, digits, decimals = "", exponent = 0] = /^(\d+)\.?(\d*)(?:e([-+]\d+))?$/.exec(top);
  const shift = Number(exponent) - decimals.length, ten = 10n ** BigInt(Math.abs(shift));
  const exact = (shift < 0 ? [BigInt(digits + decimals), ten] : [BigInt(digits) * ten, 1n]).map(slim);
  return exact[0] <= MOST && exact[1] <= MOST ? exact : (continued(number) ?? exact);
}
const MOST = 2 ** 51;
/** The first convergent that is a number. */
function continued(number) {
  let [n, d, before, over, rest] = [1, 0, 0, 1, number];
  while (d <= MOST) {
    const whole = Math.floor(rest);
    [n, d, before, over] = [whole * n + before, whole * d + over, n, d];
    if (n / d === number) return n <= MOST && d <= MOST ? [n, d] : undefined;
    rest = 1 / (rest - whole);
  }
}

// ---------------------------------------------------------------- curves: values at a local time

const { sin, exp, log, expm1, log1p, sqrt, min, max, abs, PI } = Math;
const clamp = (x) => max(-HUGE, min(HUGE, x));

/** `rate ** (whole + part)`, a growth at most `exp(60)`. */
const power = (rate, exponent) => rate ** (rate > 1 ? min(exponent, LOG_MOST / log(rate)) : exponent);

/** `[x ** k, 1 - x ** k]` for `x + y = 1`, neither with cancellation. */
const splitPower = (x, y, k) => (k === 1 ? [x, y] : [x ** k, -expm1(k * (y < 0.5 ? log1p(-y) : log(x)))]);
function halfCosine(p, q) {
  const near = sin((PI / 2) * min(p, q)) ** 2; // the other weight is at least a half and loses no digit
  return p < q ? [1 - near, near] : [near, 1 - near];
}

/** `x * coth(x) - 1` in powers of x². */
const COTH = [1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555, -1382 / 638512875, 4 / 18243225];
const coth = (x) => COTH.reduceRight((total, coefficient) => x * x * (coefficient + total), 0);
const life = (decay) => (decay > 0 && decay < 1 ? -1 / log(decay) : 0);

// The weights of init_value and end_value at the elapsed fraction p and the remaining one q.
const weights = {
  linear: (p, q) => [q, p],
  cosine: (p, q, c) => splitPower(...halfCosine(p, q), c.exponent),
  polynomial: (p, q, c) => (c.origin === "end" ? splitPower(q, p, c.power) : splitPower(p, q, c.power).reverse()),
  one_minus_sqrt: (p, q) => [q / (1 + sqrt(p)), sqrt(p)],
  tanh(p, q, c) {
    const twice = 2 * (c.start * q + c.stop * p);
    return [1 / (1 + exp(twice)), 1 / (1 + exp(-twice))];
  },
  finite_exponential(p, q, c) {
    const x = -log(c.ratio);
    return x < 1e-38 ? [q, p] : [expm1(x * q) / expm1(x), expm1(-x * p) / expm1(-x)];
  },
  logarithmic(p, q, c) {
    const t = p * c.steps, whole = log(max(c.steps, 2));
    return t > 1 ? [(p < 0.5 ? -log(p) : -log1p(-q)) / whole, log(t) / whole] : [1, 0];
  },
  rex(p, q, c) {
    const rest = 1 - c.curvature, below = c.curvature < 0 ? 1 - c.curvature * p : rest + c.curvature * q;
    return [q / below, (rest * p) / below];
  },
};
// Finite curves that are not a sum of two weights.
const between = {
  geometric(p, q, c) {
    const [from, to] = [c.init_value, c.end_value].map((x) => (x > 0 ? x : 1)), ratio = log(to / from);
    return p < q ? c.init_value * exp(ratio * p) : c.end_value * exp(-ratio * q);
  },
  half_life(p, q, c) {
    const steps = life(c.init_value) * q + life(c.end_value) * p;
    return steps > 0 ? exp(-1 / steps) : 0;
  },
};
for (const [kind, of] of Object.entries(weights))
  between[kind] = (p, q, c) => {
    const [ofInit, ofEnd] = of(p, q, c);
    return c.init_value * ofInit + c.end_value * ofEnd;
  };
/** The kinds that end: curves from one value to another in a number of steps. */
export const FINITE = Object.keys(between);
const SELECTED_START = (kind) => kind !== "tanh" && kind !== "logarithmic";

/** A finite curve whose fractions go through `warp` first. */
const finite = (kind, c, warp) => (time) => {
  if (time.reached(c.steps)) return c.end_value;
  if (time.n == 0 && (warp || SELECTED_START(kind))) return c.init_value;
  const [p, q] = time.progress(c.steps);
  return between[kind](...(warp ? warp(p, q) : [p, q]), c);
};

/** Straight lines or half cosines between knots. */
const knots = (c, of) => (time) => {
  const { values, boundaries } = c, t = time.real, i = located(boundaries, (b) => t >= b);
  if (i === 0 || i === values.length || t === boundaries[i - 1]) return values[max(i - 1, 0)];
  const [left, right] = [boundaries[i - 1], boundaries[i]], length = right - left;
  const [ofLeft, ofRight] = of((t - left) / length, (right - t) / length);
  return values[i - 1] * ofLeft + values[i] * ofRight;
};

/** A curve out to one value and back to the first. */
const wave = (of) => (c) => (time) => {
  const back = c.back_steps ?? c.steps, [, within] = time.cycle(c.steps + back);
  if (within.n == 0) return c.init_value;
  const [p, q] = within.progress(c.steps);
  if (q > 0) return c.init_value * of(p, q)[0] + c.end_value * of(p, q)[1];
  const [gone, left] = within.since(c.steps).progress(back);
  return gone > 0 ? c.init_value * of(left, gone)[0] + c.end_value * of(left, gone)[1] : c.end_value;
};
const transitions = (time, c) => (c.staircase ? Number(time.cycle(c.transition_steps)[0]) : time.real / c.transition_steps);

/** The cycles of a restart: of a time the number of its cycle, and the time within it in the first cycle's length. */
function cycles({ period, growth }) {
  if (growth === 1) return (time) => time.cycle(period);
  const [n, d] = fraction(growth), rows = [{ begin: 0, unit: 1, over: 1 }]; // exact: fractions over one whole number
  const reached = (time) => ({ begin, over }) => times(time.n, over) >= times(begin, time.d);
  return (time) => {
    while (reached(time)(rows.at(-1)) && rows.length <= MOST_CYCLES) {
      const { begin, unit, over } = rows.at(-1);
      let row = [times(plus(begin, times(period, unit)), d), times(unit, n), times(over, d)];
      if (row[2] > LARGE) row = row.map((x) => BigInt(x) >> 256n); // 256 bits after the point are enough
      rows.push({ begin: row[0], unit: row[1], over: row[2] });
    }
    const i = located(rows, reached(time)) - 1, { begin, unit, over } = rows[i];
    return [i, new Time(minus(times(time.n, over), times(begin, time.d)), times(time.d, unit))];
  };
}

// ---------------------------------------------------------------- arguments: what may be written

class ConfigError extends Error {}
const fail = (path, message) => {
  throw new ConfigError(path ? `${path}: ${message}` : message);
};
/** A bad argument, as it is said of `where`; `path` and `from_config` are put before it. */
class BadArgument extends Error {
  constructor(where, name, value, allowed, fix = "") {
    const shown = repr(value);
    super(`${where}: ${name} must be ${allowed}, got ${shown.length > 200 ? shown.slice(0, 197) + "..." : shown}${fix && "; " + fix}`);
  }
}
const bad = (...parts) => {
  throw new BadArgument(...parts);
};

const isNode = (value) => value instanceof Schedule;
export const isNumber = (value) => typeof value === "number" || typeof value === "bigint";
const INFIX = { ">": (x, y) => x > y, ">=": (x, y) => x >= y, "<": (x, y) => x < y, "<=": (x, y) => x <= y };

function scalar(where, name, value, allowed) {
  if (isNumber(value)) return value;
  if (typeof value === "boolean") bad(where, name, value, allowed, "a bool is not a number here");
  if (isNode(value)) bad(where, name, value, allowed, "a schedule goes where a schedule is asked for, a number here");
  bad(where, name, value, allowed, typeof value === "string" ? unquoted(value) : "");
}
/** What to write instead of a number that is a text; empty for words. YAML 1.1 reads 3e-4 as text. */
function unquoted(text) {
  const [, digits, sign, exponent] = /^\s*([-+]?\d+(?:\.\d*)?)e([-+]?)(\d+)\s*$/i.exec(text) ?? [];
  if (digits === undefined) return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? "write the number without quotes" : "";
  const written = `${digits.includes(".") ? digits : `${digits}.0`}e${sign || "+"}${exponent}`;
  return `YAML 1.1 reads ${text.trim()} as text: write ${written}, or read the file with load; outside of YAML write the number without quotes`;
}

function number(where, name, value, { bounds = {}, nonzero = false, fix = "" } = {}) {
  const shown = Object.entries(bounds).map(([sign, bound]) => `${sign} ${bound}`);
  const allowed = ["a finite number", shown.join(" and "), nonzero && "other than 0"].filter(Boolean).join(" ");
  const x = Number(scalar(where, name, value, allowed));
  if (!(abs(x) <= HUGE)) bad(where, name, x, allowed, Number.isNaN(x) ? "" : "float32 holds numbers up to 3.4e38");
  if ((nonzero || bounds[">"] === 0) && x !== 0 && abs(x) < TINY) bad(where, name, value, allowed, "float32 holds numbers down to 1.2e-38");
  if (Object.entries(bounds).some(([sign, bound]) => !INFIX[sign](x, bound)) || (nonzero && x === 0)) bad(where, name, value, allowed, fix);
  return x;
}

function steps(where, name, value, { least = 0 } = {}) {
  const allowed = `a whole number of steps${least === null ? "" : ` >= ${least}`}`;
  const x = scalar(where, name, value, allowed);
  if (typeof x === "number" && !Number.isInteger(x)) bad(where, name, x, allowed, wholeFix(x));
  if (least !== null && x < least) bad(where, name, x, allowed);
  return abs(Number(x)) > HUGE ? number(where, name, x) : x;
}

function wholeFix(x) {
  if (!Number.isFinite(x)) return "";
  const fix = x > 0 && x < 1 ? `for a fraction of the run write TrainingRun(total_steps=...).steps(fraction=${rounded(x)})` : "round it:";
  return `${fix}${fix.endsWith(":") ? " " : "; "}a step is one optimizer update`;
}

function sequence(where, name, value, allowed) {
  if (!Array.isArray(value)) bad(where, name, value, allowed, `put it in a list: [${repr(value)}]`);
  return value;
}
const each = (value, name, of) => value.map((item, i) => of(item, `${name}[${i}]`));

function numbers(where, name, value) {
  if (!sequence(where, name, value, "a sequence of numbers").length) bad(where, name, value, "at least one number");
  return each(value, name, (x, at) => number(where, at, x));
}
function counts(where, name, value, options) {
  sequence(where, name, value, "a sequence of whole numbers of steps");
  return each(value, name, (x, at) => steps(where, at, x, options));
}
function increasing(where, name, value) {
  for (let i = 1; i < value.length; i++)
    if (value[i - 1] >= value[i]) bad(where, `${name}[${i}]`, value[i], `greater than the one before it, ${repr(value[i - 1])}`, "sort them and drop repeated ones");
  return value;
}
const boundaries = (where, name, value) => increasing(where, name, counts(where, name, value, { least: 0 }));
function boolean(where, name, value) {
  if (typeof value !== "boolean") bad(where, name, value, "True or False (a choice, known before tracing)");
  return value;
}
function origin(where, name, value) {
  if (value !== "end" && value !== "init") bad(where, name, value, "one of 'end', 'init'");
  return value;
}
/** The factor of a stretch: a number, or the text of a ratio. */
function ratioOf(where, name, value) {
  if (typeof value === "string") {
    if (!/^\s*\d+\/0*[1-9]\d*\s*$/.test(value)) bad(where, name, value, 'a number > 0, or a ratio such as "1/4"');
    if (/^\s*0+\//.test(value)) number(where, name, 0, { bounds: { ">": 0 } });
  } else number(where, name, value, { bounds: { ">": 0 } });
  const found = typeof value === "string" ? value.trim() : value;
  if (fraction(found).some((term) => term > 2 ** 52)) bad(where, name, value, "a ratio of whole numbers up to 2**53", "round it");
  return found;
}
const isRule = (value) => isNode(value) && value.kind.startsWith("feedback.");
function rule(where, name, value) {
  if (!isRule(value)) bad(where, name, value, "a rule, as feedback.Plateau()");
  return value;
}
function word(where, name, value) {
  if (typeof value !== "string") bad(where, name, value, "a word");
  return value;
}
const scaleOrInfinity = (where, name, value) => (value === Infinity || value === "inf" ? Infinity : number(where, name, value, { bounds: { ">=": 1 } }));
function schedule(where, name, value) {
  if (isNode(value) && !isRule(value)) return value;
  const allowed = "a schedule, a function of a count, or a finite number";
  if (!isNumber(value) && typeof value !== "boolean") bad(where, name, value, allowed, typeof value === "string" ? unquoted(value) : "");
  return new Schedule("constant", { value: number(where, name, value) });
}
function schedules(where, name, value) {
  if (isNode(value)) bad(where, name, value, "a sequence of schedules", "put it in a list");
  if (!sequence(where, name, value, "a sequence of schedules").length) bad(where, name, value, "at least one schedule");
  return each(value, name, (x, at) => schedule(where, at, x));
}
function finiteSchedule(where, name, value) {
  if (!isNode(value) || !between[value.kind]) bad(where, name, value, "a finite shape, such as cosine(...)", "for a complete schedule, apply k_decay to the shapes in it");
  return value;
}
const asMany = (where, name, value, length, allowed) => {
  if (value.length !== length) bad(where, name, value, `of length ${length}, ${allowed}`, `its length is ${value.length}`);
};
/** A shape as an argument, `{ kind, options }`, whose options are judged where both ends are known. */
function shape(where, name, value) {
  for (const key of Object.keys(value.options).sort())
    if (typeof value.options[key] !== "string" && typeof value.options[key] !== "boolean") number(where, `${name}'s ${key}`, value.options[key]);
  return value;
}
const makeShape = (of, init_value, end_value, steps) => new Schedule(of.kind, withDefaults(of.kind, { init_value, end_value, steps, ...of.options }));

/** Makes a shape once with checks, in the words of the function that takes it. */
function tryShape(where, name, of, ends, names = {}) {
  const given = { ...ends, ...of.options };
  for (const [key, field] of Object.entries(kinds[of.kind].fields))
    if (!(key in given) && field.fallback === undefined) {
      const fix = `fix its other arguments with functools.partial (missing a required argument: '${key}')`;
      bad(where, name, of, "a function of (init_value, end_value, steps)", fix);
    }
  const renamed = (key) => names[key] ?? (key in of.options ? `${name}'s ${key}` : key);
  checked(of.kind, withDefaults(of.kind, given), where, renamed);
}

// ---------------------------------------------------------------- the kinds

// Fields as text: name:type, bounds, =default, !fix. The types are the letters of CHECKS.
const CHECKS = { n: number, s: steps, b: boolean, N: numbers, C: counts, B: boundaries, c: schedule, m: schedules, f: finiteSchedule, h: shape, o: origin, r: ratioOf, R: rule, w: word, x: scaleOrInfinity };
const FIXES = {
  constant: "for a constant rate use constant()",
  never0: "geometric decay never reaches 0: use linear or cosine, or a small positive value",
  decay: "it is the decay rate of a moving average",
  line: "for a linear ramp use linear()",
  flat: "with 1 the curve would not decay",
  radam: "RAdam has no rectification term for a smaller b2",
  part: "it is a part of total_steps",
  grow: "to shorten the cycles, join() them",
  stop: "to stop after a cycle, join() a constant",
};
const ENDS = "init_value:n end_value:n steps:s", WAVE = "init_value:n end_value:n steps:s>=1";
const PEAK = "peak_value:n warmup_steps:s", ZEROS = "init_value:n=0 end_value:n=0";
const RUN = "total_steps:s>=1 hold_steps:s=0 " + ZEROS, POWER = "exponent:n>0=1";

/** Every kind: its fields, what they must be to one another, and its value or, for a recipe, its expression. */
export const kinds = {};
const define = (kind, fields, value, together, expand) => (kinds[kind] = { fields: parsed(fields), value, together, expand });
const recipe = (kind, fields, expand, together) => define(kind, fields, undefined, together, expand);

function parsed(text) {
  const fields = {};
  for (const [, name, type, bounds, fallback, fix] of text.matchAll(/(\w+):(\w)((?:[<>]=?[\d.]+|\?|≠)*)(?:=([^ !]+))?(?:!(\w+))?/g)) {
    const found = Object.fromEntries([...bounds.matchAll(/([<>]=?)([\d.]+)/g)].map(([, sign, bound]) => [sign, Number(bound)]));
    const options = { bounds: found, least: bounds === "?" ? null : (found[">="] ?? 0), nonzero: bounds === "≠", fix: FIXES[fix] };
    fields[name] = { check: CHECKS[type], options, fallback: type === "h" ? { kind: fallback, options: {} } : type === "o" ? fallback : fallback && JSON.parse(fallback) };
  }
  return fields;
}

const fewer = (c, where, is) => asMany(where, is("boundaries"), c.boundaries, c.values.length - 1, "one fewer than values");
const asValues = (c, where, is) => asMany(where, is("boundaries"), c.boundaries, c.values.length, "one for each of values: the count at which the value is reached");
const combined = (of) => (c) => (time) => c.schedules.map((s) => s.value(time)).reduce(of);
const local = (s, time, start) => s.value(time.since(start));

define("constant", "value:n", (c) => () => c.value);
for (const [kind, more = "", fields = ENDS] of [
  ["linear"], ["cosine", POWER], ["polynomial", "power:n>0 origin:o=end"], ["one_minus_sqrt"], ["tanh", "start:n=-7 stop:n=3"],
  ["geometric", "", "init_value:n>0!never0 end_value:n>0!never0 steps:s"], ["finite_exponential", "ratio:n>0<1!line"], ["logarithmic"],
  ["rex", "curvature:n<1=0.5!flat"], ["half_life", "", "init_value:n>=0<1!decay end_value:n>=0<1!decay steps:s"],
])
  define(kind, `${fields} ${more}`, (c) => finite(kind, c));
define("k_decay", "schedule:f k:n>0", (c) => finite(c.schedule.kind, c.schedule.args, (p, q) => splitPower(p, q, c.k)));

define("exponential", "init_value:n decay_rate:n>0!constant transition_steps:s>=1 staircase:b=false end_value:n=null", (c) => (time) => {
  const value = clamp(c.init_value * power(c.decay_rate, transitions(time, c)));
  return c.end_value === null ? value : c.decay_rate < 1 ? max(value, c.end_value) : min(value, c.end_value);
});
define("inverse_sqrt", "init_value:n timescale:n>0", (c) => (time) => c.init_value / sqrt(1 + time.real / c.timescale));
define("inverse_time", "init_value:n decay_rate:n>0!constant transition_steps:s>=1 staircase:b=false", (c) => (time) => c.init_value / (1 + c.decay_rate * transitions(time, c)));
define("power_law", "init_value:n power:n timescale:n>0=1", (c) => (time) => {
  const base = 1 + time.real / c.timescale;
  return clamp(c.init_value * base ** (base > 1 ? min(c.power, LOG_MOST / log(base)) : c.power));
});
define("exponential_approach", "init_value:n end_value:n timescale:n>0", (c) => (time) => {
  const passed = time.real / c.timescale;
  return c.init_value * exp(-passed) - c.end_value * expm1(-passed);
});
define("radam", "value:n b2:n>0.6<1!radam", (c) => {
  const rate = -log(c.b2), limit = (5 * c.b2 - 3) / (1 - c.b2);
  return (time) => {
    const t = time.real;
    const rho = rate * t < 1.5 ? t - 4 - (2 / rate) * (coth((rate * t) / 2) - coth(rate / 2)) : limit - (2 * t) / expm1(rate * t);
    return rho > 0 ? c.value * sqrt(((rho / limit) * (rho + 2) * (limit + 4)) / ((limit + 2) * (rho + 4))) : 0;
  };
});
define("debiased_decay", "decay:n>=0<1!decay", (c) => (time) => (c.decay > 0 ? (c.decay * expm1(log(c.decay) * time.real)) / expm1(log(c.decay) * (time.real + 1)) : 0));
define("cosine_wave", WAVE, wave(halfCosine));
define("triangle_wave", WAVE + " back_steps:s>=1=null", wave(weights.linear));
define("piecewise_constant", "values:N boundaries:B", (c) => (time) => c.values[located(c.boundaries, (b) => time.reached(b))], fewer);
define("piecewise_linear", "values:N boundaries:B", (c) => knots(c, weights.linear), asValues);
define("piecewise_cosine", "values:N boundaries:N", (c) => knots(c, halfCosine), (c, where, is) => {
  asValues(c, where, is);
  increasing(where, "boundaries", c.boundaries);
});

define("scale", "schedule:c factor:n", (c) => (time) => c.schedule.value(time) * c.factor);
define("divide", "schedule:c divisor:n≠", (c) => (time) => c.schedule.value(time) / c.divisor);
define("product", "schedules:m", combined((a, b) => a * b));
define("add", "schedules:m", combined((a, b) => a + b));
define("minimum", "schedules:m", combined((a, b) => min(a, b)));
define("maximum", "schedules:m", combined((a, b) => max(a, b)));
define("clip", "schedule:c min_value:n=null max_value:n=null", (c) => (time) => min(max(c.schedule.value(time), c.min_value ?? -Infinity), c.max_value ?? Infinity), (c, where) => {
  if (c.min_value === null && c.max_value === null) bad(where, "min_value", null, "a number where max_value is None", "pass min_value, max_value or both");
  if (c.min_value !== null && c.max_value !== null && c.max_value < c.min_value) bad(where, "max_value", c.max_value, `at least min_value=${repr(c.min_value)}`, "swap them");
});
define("join", "schedules:m boundaries:B offsets:C?=null", (c) => (time) => {
  const i = located(c.boundaries, (b) => time.reached(b));
  return local(c.schedules[i], time, c.offsets ? c.offsets[i] : i ? c.boundaries[i - 1] : 0);
}, (c, where) => {
  asMany(where, "boundaries", c.boundaries, c.schedules.length - 1, "one fewer than schedules");
  if (c.offsets) asMany(where, "offsets", c.offsets, c.schedules.length, "one for each of schedules (or None: each phase starts at its own 0)");
});
define("with_warmup", "schedule:c steps:s init_value:n=0 shape:h=linear overlap:b=false", (c) => {
  const after = (time) => local(c.schedule, time, c.overlap ? 0 : c.steps);
  const warmup = makeShape(c.shape, c.init_value, after(new Time(c.steps)), c.steps);
  return (time) => (time.reached(c.steps) ? after(time) : warmup.value(time));
}, (c, where) => tryShape(where, "shape", c.shape, { init_value: c.init_value, end_value: 1, steps: c.steps }));
define("with_cooldown", "schedule:c begin:s steps:s end_value:n=0 shape:h=linear", (c) => {
  const cooldown = makeShape(c.shape, c.schedule.value(new Time(c.begin)), c.end_value, c.steps);
  return (time) => (time.reached(c.begin) ? local(cooldown, time, c.begin) : c.schedule.value(time));
}, (c, where) => tryShape(where, "shape", c.shape, { init_value: 1, end_value: c.end_value, steps: c.steps }));
define("shift", "schedule:c steps:s?", (c) => (time) => local(c.schedule, time, c.steps));
define("speed_up", "schedule:c factor:s>=1", (c) => (time) => c.schedule.value(time.times(c.factor)));
define("stretch", "schedule:c factor:r", (c) => {
  const [n, d] = fraction(c.factor);
  return (time) => c.schedule.value(time.times(d).over(n));
});
define("in_steps", "schedule:c boundaries:B starts:C rates:C scale:s>=1=1", (c) => (time) => {
  const i = located(c.boundaries, (b) => time.reached(b)), units = time.since(i ? c.boundaries[i - 1] : 0).times(c.rates[i]);
  return c.schedule.value(units.since(minus(0, c.starts[i])).over(c.scale));
}, (c, where) => {
  for (const name of ["starts", "rates"]) asMany(where, name, c[name], c.boundaries.length + 1, "one more than boundaries");
});
define("staircase", "schedule:c steps:s>=1", (c) => (time) => c.schedule.value(new Time(time.cycle(c.steps)[0])));
define("restart", "schedule:c period:s>=1 growth:n>=1=1!grow decay:n>0=1!stop", (c) => {
  const clock = cycles(c);
  return (time) => {
    const [number, within] = clock(time);
    return c.schedule.value(within) * power(c.decay, Number(number));
  };
}, (c, where) => {
  const needed = c.growth === 1 ? 1 : log1p(((c.growth - 1) * 2 ** 61) / Number(c.period)) / log(c.growth);
  if (needed > MOST_CYCLES) bad(where, "growth", c.growth, `1, or large enough for ${MOST_CYCLES} cycles`, "pass 1 for cycles of equal length");
});

// Recipes: each stands for an expression of the kinds above.
const of = (kind, args) => new Schedule(kind, withDefaults(kind, args));
const ramp = (c) => of("linear", { init_value: c.init_value, end_value: c.peak_value, steps: c.warmup_steps });
const then = (c, decay, begin) => of("join", { schedules: [ramp(c), decay], boundaries: [begin] });
function fit(c, where, ...parts) {
  const used = parts.map((name) => c[name]).reduce(plus);
  if (c.total_steps < used) bad(where, "total_steps", c.total_steps, `at least ${parts.join(" + ")} = ${used}`, "shorten one of them or train longer");
}

recipe("warmup_constant", PEAK + " init_value:n=0", ramp);
for (const [kind, fields] of [["linear", `${PEAK} ${RUN}`], ["cosine", `${PEAK} ${RUN} ${POWER}`], ["polynomial", `peak_value:n power:n>0 warmup_steps:s ${RUN}`]])
  recipe(`warmup_${kind}`, fields, (c) => {
    const begin = plus(c.warmup_steps, c.hold_steps), { end_value, exponent, power } = c;
    return then(c, of(kind, { init_value: c.peak_value, end_value, steps: minus(c.total_steps, begin), exponent, power }), begin);
  }, (c, where) => fit(c, where, "warmup_steps", "hold_steps"));
recipe("warmup_exponential", PEAK + " decay_rate:n>0 transition_steps:s>=1 hold_steps:s=0 staircase:b=false end_value:n=null init_value:n=0", (c) =>
  then(c, of("exponential", { ...c, init_value: c.peak_value }), plus(c.warmup_steps, c.hold_steps)));
recipe("warmup_piecewise_constant", "values:N boundaries:B warmup_steps:s init_value:n=0", (c) =>
  of("with_warmup", { schedule: of("piecewise_constant", c), steps: c.warmup_steps, init_value: c.init_value, overlap: true }), fewer);
recipe("warmup_inverse_sqrt", PEAK + " timescale:n>0=null init_value:n=0", (c) =>
  then(c, of("inverse_sqrt", { init_value: c.peak_value, timescale: c.timescale ?? Number(c.warmup_steps) }), c.warmup_steps), (c, where) => {
  if (c.timescale === null && c.warmup_steps == 0) bad(where, "timescale", null, "a number > 0 when warmup_steps=0", "give one, as 10_000");
});
recipe("warmup_stable_decay", `${PEAK} decay_steps:s total_steps:s>=1 ${ZEROS} decay_shape:h=one_minus_sqrt`, (c) =>
  then(c, makeShape(c.decay_shape, c.peak_value, c.end_value, c.decay_steps), minus(c.total_steps, c.decay_steps)), (c, where) => {
  fit(c, where, "warmup_steps", "decay_steps");
  tryShape(where, "decay_shape", c.decay_shape, { init_value: c.peak_value, end_value: c.end_value, steps: c.decay_steps }, { init_value: "peak_value", steps: "decay_steps" });
});
recipe("warmup_cosine_restarts", `${PEAK} cycle_steps:s>=1 growth:n>=1=1 decay:n>0=1 ${ZEROS}`, (c) => {
  const arc = (init_value, end_value, decay) => of("restart", { schedule: of("cosine", { init_value, end_value, steps: c.cycle_steps }), period: c.cycle_steps, growth: c.growth, decay });
  const down = arc(c.peak_value, 0, c.decay);
  return then(c, c.end_value === 0 ? down : of("add", { schedules: [down, arc(0, c.end_value, 1)] }), c.warmup_steps);
}, (c, where) => kinds.restart.together({ period: c.cycle_steps, growth: c.growth }, where));
recipe("one_cycle", "peak_value:n total_steps:s>=1 warmup_fraction:n>=0<=1=0.3!part div_factor:n>0=25 final_div_factor:n>0=1e4 shape:h=cosine", (c) => {
  const [up, down] = ways(c);
  return of("join", { schedules: [up, down].map((x) => makeShape(c.shape, x.init_value, x.end_value, x.steps)), boundaries: [up.steps] });
}, (c, where) => {
  for (const way of ways(c)) tryShape(where, "shape", c.shape, way, { init_value: "peak_value", end_value: "peak_value" });
});

// A rule follows a loss, which a config does not have: the value is that of the schedule without it.
recipe("with_feedback", 'schedule:c rule:R argument:w="value"', (c) => c.schedule);
for (const [name, fields] of [
  ["Plateau", 'factor:n>0<1=0.5 patience:s>=1=10 rtol:n>=0=1e-4 atol:n>=0=0 cooldown:s=0 mode:w="min" min_scale:n>=0<=1=0 begin:s=0 accumulation_size:s>=1=1'],
  ["Greedy", 'factor:n>0<1=0.95 patience:s=10 threshold:n>=0=1e-6 cooldown:s=0 warmup:s=0 mode:w="min" threshold_mode:w="abs" smooth:b=false window_size:s>=1=50 reset_start:s>=1=500 eps:n>=0=1e-8 min_scale:n>=0=0 max_scale:x=1e999'],
  ["AdaptiveKL", "target:n>0 factor:n>1=1.5 min_scale:n>0<=1=0.01 max_scale:n>=1=100"],
  ["Spike", "factor:n>1=2 scale:n>=0<=1=0.1 steps:s>=1=50 decay:n>=0<1=0.98"],
])
  define(`feedback.${name}`, fields, () => () => NaN);

/** Both ways of one_cycle; a half step is rounded to the even number. */
function ways(c) {
  const total = Number(c.total_steps), low = c.peak_value / c.div_factor, exact = c.warmup_fraction * total;
  const near = Math.floor(exact), rise = exact - near === 0.5 ? near + (near % 2) : Math.round(exact);
  return [{ init_value: low, end_value: c.peak_value, steps: rise }, { init_value: c.peak_value, end_value: low / c.final_div_factor, steps: total - rise }];
}

// ---------------------------------------------------------------- schedules

export const withDefaults = (kind, given) =>
  Object.fromEntries(Object.entries(kinds[kind].fields).map(([name, field]) => [name, given[name] === undefined ? field.fallback : given[name]]));

/** The arguments of a kind in their one form, or the error that the library raises. */
function checked(kind, args, where = kind, renamed = (name) => name) {
  const { fields, together } = kinds[kind], found = {};
  for (const [name, { check, options, fallback }] of Object.entries(fields))
    found[name] = args[name] === null && fallback === null ? null : check(where, renamed(name), args[name], options);
  together?.(found, where, renamed);
  return found;
}

/** A schedule: its kind, its arguments with defaults, and its value at any count. */
export class Schedule {
  constructor(kind, args) {
    this.kind = kind;
    this.args = args;
    const { value, expand } = kinds[kind];
    if (expand) this.expanded = expand(args);
    this.value = expand ? this.expanded.value : value(args);
  }
  /** The learning rate at a count: a Number, whole or not, or a BigInt. */
  at(count) {
    return Number.isNaN(count) ? NaN : this.value(Time.of(count));
  }
}

/** The schedule that a config describes. Numbers may be BigInts. An error has the sentence of `wo.from_config`. */
export function fromConfig(config) {
  try {
    if (!isObject(config)) fail("", `config must be a dict, as to_config makes it, got ${shown(config)}`);
    const plain = copied(config);
    if (!("version" in plain)) fail("", `"version" is missing; this is version ${VERSION}: add "version": ${VERSION}`);
    const found = built(plain, "");
    if (isRule(found)) bad("from_config", "config", found, "a schedule, and not a rule", "put it into a with_feedback");
    return found;
  } catch (error) {
    if (error instanceof BadArgument) throw new Error(error.message);
    if (error instanceof ConfigError) throw new Error(`from_config: ${error.message}`);
    throw error;
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A config in new objects and lists, of bounded depth and size. */
function copied(config) {
  let size = 0;
  const copy = (value, depth) => {
    if (++size > MOST_VALUES) fail("", `a config may hold ${MOST_VALUES} values, and this one holds more`);
    if (typeof value !== "object" || value === null) return value;
    if (depth > DEEPEST) fail("", `dicts and lists may be nested ${DEEPEST} deep, and these are deeper; flatten the schedule`);
    if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
    const found = Object.create(null); // so that no key is taken for a property that every object has
    for (const [key, item] of Object.entries(value)) found[key] = copy(item, depth + 1);
    return found;
  };
  return copy(config, 0);
}

function built(config, path) {
  const rest = { __proto__: null, ...config };
  if ("version" in rest) {
    checkVersion(rest.version, path);
    delete rest.version;
  }
  for (const [old, name] of [["lower", "start"], ["upper", "stop"]])
    if (rest.kind === "tanh" && old in rest) {
      rest[name] = rest[old];
      delete rest[old];
    }
  if (rest.kind === "in_steps" && !("boundaries" in rest)) rest.boundaries = []; // 0.2 did not require it
  const [kind, fields] = lookedUp(rest, path, Object.keys(kinds));
  const lacking = Object.keys(fields).filter((name) => fields[name].fallback === undefined && !(name in rest));
  if (lacking.length) fail(path, `${kind} lacks ${lacking.join(", ")}; its keys are ${Object.keys(fields).join(", ")}`);
  const args = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!(name in rest)) {
      args[name] = field.fallback;
      continue;
    }
    const inside = path ? `${path}.${name}` : name;
    args[name] = field.check === shape ? builtShape(rest[name], inside) : builtValue(rest[name], inside, kind in CLASSES);
    if (LISTED.includes(kind) && !Array.isArray(args[name])) fail(inside, `must be a list, got ${shown(rest[name])}`);
  }
  try {
    return new Schedule(kind, checked(kind, args));
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error;
    fail(path, error.message);
  }
}
// Kinds of a list of arguments, and those that a class makes.
export const LISTED = ["minimum", "maximum"];
export const CLASSES = { add: "Add", product: "Product", scale: "Scale", divide: "Divide", speed_up: "SpeedUp", in_steps: "InSteps" };

function checkVersion(version, path) {
  if (!isNumber(version) || !fits(Number(version))) fail(path, `version must be a whole number, got ${shown(version)}`);
  if (version > VERSION) fail(path, `version ${version} is newer than ${VERSION}, the newest that this warmup_optax reads; update warmup_optax`);
  if (version < VERSION) fail(path, `version must be ${VERSION}, got ${version}`);
}

/** The kind of a config and its fields; takes the kind out of `rest`, and an unknown key raises an error. */
function lookedUp(rest, path, names, skip = 0) {
  const valid = [...names].sort().join(", ");
  if (!("kind" in rest)) fail(path, `"kind" is missing; it must be one of ${valid}`);
  const { kind } = rest;
  delete rest.kind;
  if (typeof kind !== "string") fail(path, `kind must be a string, one of ${valid}, got ${shown(kind)}`);
  if (!names.includes(kind)) {
    const near = nearest(kind, names);
    fail(path, `kind must be one of ${valid}, got ${shown(kind)}${near ? `; did you mean ${near}?` : ""}; if it is a user-defined class, import its module first`);
  }
  const fields = Object.fromEntries(Object.entries(kinds[kind].fields).slice(skip)), keys = Object.keys(fields);
  for (const name of Object.keys(rest))
    if (!keys.includes(name)) fail(path, `${kind} takes no ${shown(name)}; ${keys.length ? `its keys are ${keys.join(", ")}` : "it has no options"}`);
  return [kind, fields];
}

function builtValue(value, path, loose = false) {
  if (isObject(value)) return loose && !("kind" in value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, builtValue(item, `${path}.${key}`, true)])) : built(value, path);
  return Array.isArray(value) ? value.map((item, i) => builtValue(item, `${path}[${i}]`)) : value;
}

/** The kinds that can be a shape: those that go from one value to another in a number of steps. */
export const SHAPES = Object.keys(kinds).filter((kind) => Object.keys(kinds[kind].fields).slice(0, 3).join() === "init_value,end_value,steps");

function builtShape(value, path) {
  const rest = isObject(value) ? { __proto__: null, ...value } : { __proto__: null, kind: value };
  const [kind] = lookedUp(rest, path, SHAPES, 3);
  for (const [name, option] of Object.entries(rest))
    if (!["boolean", "number", "bigint", "string"].includes(typeof option)) fail(`${path}.${name}`, `must be a number, a word or a bool, got ${shown(option)}`);
  return { kind, options: { ...rest } };
}

/** The most similar of some names, as Python's difflib finds it. */
function nearest(word, names) {
  const matches = (a, b) => {
    let best = 0, at = [0, 0];
    for (let i = 0; i < a.length; i++)
      for (let j = 0; j < b.length; j++) {
        let k = 0;
        while (i + k < a.length && j + k < b.length && a[i + k] === b[j + k]) k++;
        if (k > best) [best, at] = [k, [i, j]];
      }
    const [i, j] = at;
    return best && best + matches(a.slice(0, i), b.slice(0, j)) + matches(a.slice(i + best), b.slice(j + best));
  };
  const short = word.slice(0, 100);
  const ranked = names.map((name) => [(2 * matches(name, short)) / (name.length + word.length), name]);
  const [ratio, name] = ranked.reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] > a[1]) ? b : a));
  return ratio >= 0.6 ? name : undefined;
}

// ---------------------------------------------------------------- Python's way of writing values

/** A value as Python's `repr` shows it; a list of a config is a tuple there. */
export function repr(value, list = "()") {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (isNumber(value)) return decimal(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => repr(item, list)).join(", ");
    return `${list[0]}${items}${list === "()" && value.length === 1 ? "," : ""}${list[1]}`;
  }
  if (isNode(value)) return expression(value, called, decimal);
  if (isObject(value) && value.options) {
    const options = Object.entries(value.options).map(([name, x]) => `, ${name}=${repr(x)}`).join("");
    return options ? `functools.partial(${value.kind}${options})` : value.kind;
  }
  return `{${Object.entries(value).map(([key, item]) => `${quoted(key)}: ${repr(item, list)}`).join(", ")}}`;
}
const called = (node) => {
  const args = written(node).map(([name, x]) => (LISTED.includes(node.kind) ? x.map((item) => repr(item)).join(", ") : `${name}=${repr(x)}`));
  return `${CLASSES[node.kind] ? `nodes.${CLASSES[node.kind]}` : node.kind}(${args.join(", ")})`;
};
/** A node in Python: operators where it has one, else what `call` writes; `least` says how tightly it must bind. */
export function expression(node, call, number, least = 0) {
  const [SUM, TERM, SIGNED] = [0, 1, 2], c = node.args, of = (child, tight) => expression(child, call, number, tight);
  const wrap = (text, tight) => (tight >= least ? text : `(${text})`);
  if (node.kind === "scale") return c.factor === -1 ? wrap(`-${of(c.schedule, SIGNED)}`, SIGNED) : wrap(`${of(c.schedule, TERM)} * ${number(c.factor)}`, TERM);
  if (node.kind === "divide") return wrap(`${of(c.schedule, TERM)} / ${number(c.divisor)}`, TERM);
  const [head, ...others] = node.kind === "product" || node.kind === "add" ? c.schedules : [];
  if (!others.length || head.kind === node.kind) return call(node);
  if (node.kind === "product") return wrap([of(head, TERM), ...others.map((x) => of(x, SIGNED))].join(" * "), TERM);
  const plain = (x) => (x.kind === "constant" ? x.args.value : undefined);
  let text = plain(head) !== undefined && plain(others[0]) === undefined ? number(plain(head)) : of(head, SUM);
  for (const other of others) {
    const x = plain(other);
    if (x !== undefined) text += x < 0 ? ` - ${number(-x)}` : ` + ${number(x)}`;
    else text += other.kind === "scale" && other.args.factor === -1 ? ` - ${of(other.args.schedule, TERM)}` : ` + ${of(other, TERM)}`;
  }
  return wrap(text, SUM);
}
const quoted = (text) => {
  const escaped = JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"');
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replace(/'/g, "\\'")}'`;
};
const shown = (value) => {
  const text = repr(value, "[]");
  return text.length <= 80 ? text : text.slice(0, 77) + "...";
};
/** The arguments that differ from their default, and those without one. */
export const written = (node) =>
  Object.entries(node.args).filter(([name, x]) => JSON.stringify(x) !== JSON.stringify(kinds[node.kind].fields[name].fallback));

/** A number as Python writes it: the same digits, and an exponent of two digits. */
export function decimal(x) {
  if (typeof x === "bigint" || (Number.isInteger(x) && abs(x) < 1e16)) return String(x);
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const [digits, exponent] = x.toExponential().split("e");
  if (exponent >= -4 && exponent < 16) return String(x);
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
/** Python's `f"{x:.6g}"`, without -0. A tie goes to the even digit. */
export function rounded(x, digits = 6) {
  if (!Number.isFinite(x)) return decimal(x);
  let [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const [full] = x.toExponential(60).split("e"), end = full.indexOf(".") + digits;
  if (/^50*$/.test(full.slice(end)) && mantissa.at(-1) % 2) mantissa = full.slice(0, end);
  if (exponent >= -4 && exponent < digits) return String(Number(`${mantissa}e${exponent}`) + 0);
  return `${mantissa.replace(/\.?0+$/, "")}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
