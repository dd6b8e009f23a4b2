// What a schedule of schedule.mjs looks like: its phases, and the findings of the linter. As `wo.describe` and `wo.check`.

import { FINITE, Schedule, fraction, isNumber, located, rounded, withDefaults } from "./schedule.mjs";

const { abs, log, log1p, max, min } = Math;
const isNode = (value) => value instanceof Schedule;
const of = (kind, args) => new Schedule(kind, withDefaults(kind, args));

// ---------------------------------------------------------------- phases: where one curve ends and the next begins

const JUMPS = ["join", "cycle", "step"], CAUSES = [...JUMPS, "cooldown", "warmup", "knot", "start", "end"];
const CYCLES = 4, FAR = 2 ** 62, MOST_PHASES = 2 ** 12, MOST_ROWS = 24;

/** A part that is one curve. `start` and `last` give its value at its begin, and what it runs up to, where they may jump. */
const phase = (begin, shape, cause = "start", more = {}) => ({ begin: Number(begin), shape, cause, again: false, ...more });
const firstOf = ({ begin }) => {
  const near = Math.round(begin);
  return abs(begin - near) <= 1e-12 * max(abs(begin), abs(near)) ? near : Math.ceil(begin);
};
const valueAt = (node, count) => () => node.at(max(count, 0));
const causes = (i, later) => (i ? later : "start");

function* paired(found) {
  let before;
  for (const next of found) {
    if (before) yield [before, next];
    before = next;
  }
  yield [before, undefined];
}

/**
 * What is wanted of the phases of a node: those that are not over at its time `begin`; `step` passes from one count to the
 * next. Where cycles are shorter, one phase stands for all of them, so that no walk takes long.
 */
const seen = (begin, step) => ({ begin, step });
const shifted = (view, start) => seen(max(view.begin - start, 0), view.step);
const faster = (view, factor) => seen(view.begin * factor, view.step * factor);
const from = (view, begin) => seen(max(view.begin, begin), view.step);

/** The phases in `[begin, end)`; `atBegin` and `atEnd` are the values there, if it is a cut. */
function* cut(found, begin, end, atBegin, atEnd, cause) {
  for (let [now, next] of paired(found)) {
    const stop = next ? next.begin : Infinity;
    if (now.begin >= end || begin >= end) return;
    if (stop <= begin) continue;
    if (now.begin <= begin) now = { ...now, begin, start: atBegin ?? (now.begin === begin ? now.start : undefined), cause: cause || now.cause };
    yield stop < end || end === Infinity || (stop === end && now.last) ? now : { ...now, last: atEnd };
    if (stop >= end) return;
  }
}

/** The phases of a schedule whose clock is at 0 at `steps`, and before that. */
function* delayed(node, steps, view) {
  const found = walk(node, shifted(view, steps)), first = found.next().value;
  if (view.begin < steps && first.shape !== "constant") {
    yield phase(-Infinity, "constant");
    yield { ...first, begin: steps };
  } else yield { ...first, begin: -Infinity };
  for (const next of found) yield { ...next, begin: next.begin + steps };
}

/** Phases whose values go through `map`. */
const mapped = (now, map, floor) => ({ ...now, floor, start: now.start && (() => map(now.start())), last: now.last && (() => map(now.last())) });

/** The phases of several schedules at once: one begins wherever one of theirs does. */
function* together(nodes, sign, combine, view) {
  const found = nodes.map((node) => cut(walk(node, view), view.begin, Infinity)), next = found.map((x) => x.next().value);
  const now = [];
  let pending;
  while (next.some(Boolean)) {
    const first = min(...next.filter(Boolean).map((x) => x.begin)), changed = next.map((x) => x && x.begin === first);
    const all = (known) => () => nodes.map((node, i) => (known[i] ?? valueAt(node, first))()).reduce(combine);
    if (pending) yield { ...pending, last: all(now.map((x, i) => (changed[i] ? x.last : undefined))) };
    const starts = nodes.map((_, i) => (changed[i] ? next[i].start : undefined)), causes = [];
    nodes.forEach((_, i) => {
      if (!changed[i]) return;
      now[i] = next[i];
      causes.push(next[i].cause);
      next[i] = found[i].next().value;
    });
    const curves = [...new Set(now.map((x) => x.shape))].filter((x) => x !== "constant");
    const cause = CAUSES[min(...causes.map((x) => CAUSES.indexOf(x)))];
    pending = phase(first, curves.join(sign) || "constant", cause, { start: starts.some(Boolean) ? all(starts) : undefined, again: now.some((x) => x.again), short: now.some((x) => x.short) });
  }
  yield pending;
}

// The rule of each kind; a kind without one is a single phase.
const walks = {
  *constant() {
    yield phase(0, "constant");
  },
  *exponential({ args: c }) {
    yield phase(0, "exponential", "start", { floor: c.decay_rate < 1 ? (c.end_value ?? undefined) : undefined });
  },
  *piecewise_constant({ args: c }) {
    for (const [i, value] of c.values.entries()) yield phase(i ? c.boundaries[i - 1] : 0, "constant", causes(i, "step"), { last: () => value });
  },
  *piecewise_linear({ kind, args: { boundaries: b } }) {
    const inside = b.slice(0, -1).map((knot) => phase(knot, kind.slice("piecewise_".length), "knot"));
    yield* cut([phase(-Infinity, "constant"), ...inside, phase(b.at(-1), "constant", "end")], 0, Infinity);
  },
  *k_decay({ args: c }, view) {
    yield* walk(c.schedule, view);
  },
  *join({ args: c }, view) {
    for (const [i, node] of c.schedules.entries()) {
      const first = Number(i ? c.boundaries[i - 1] : 0), end = Number(c.boundaries[i] ?? Infinity), offset = Number(c.offsets ? c.offsets[i] : first);
      if (end <= view.begin) continue;
      const atBegin = first > 0 ? valueAt(node, first - offset) : undefined;
      yield* cut(delayed(node, offset, from(view, first)), first, end, atBegin, valueAt(node, end - offset), causes(i, "join"));
    }
  },
  *with_warmup({ args: c }, view) {
    const steps = Number(c.steps);
    yield phase(0, c.shape.kind);
    yield* cut(delayed(c.schedule, c.overlap ? 0 : steps, from(view, steps)), steps, Infinity, undefined, undefined, "warmup");
  },
  *with_cooldown({ args: c }, view) {
    const first = Number(c.begin), steps = Number(c.steps);
    if (view.begin < first) yield* cut(walk(c.schedule, view), 0, first);
    yield phase(first, c.shape.kind, "cooldown");
    yield phase(first + steps, "constant", steps ? "end" : "step");
  },
  *shift({ args: c }, view) {
    yield* cut(delayed(c.schedule, Number(c.steps), view), 0, Infinity);
  },
  *speed_up({ args: c }, view) {
    const factor = Number(c.factor);
    for (const now of walk(c.schedule, faster(view, factor))) yield { ...now, begin: now.begin / factor };
  },
  *stretch({ args: c }, view) {
    const [n, d] = fraction(c.factor).map(Number);
    for (const now of walk(c.schedule, faster(view, d / n))) yield { ...now, begin: (now.begin * n) / d };
  },
  *in_steps({ args: c }, view) {
    yield* cut(inUnits(c, view), 0, Infinity);
  },
  *staircase({ args: c }, view) {
    const steps = Number(c.steps), inside = seen(Math.floor(view.begin / steps), max(view.step / steps, 1)); // whole counts alone
    for (const now of walk(c.schedule, inside)) yield { ...now, begin: firstOf(now) * steps };
  },
  *restart({ args: c }, view) {
    const period = Number(c.period), { growth, decay } = c, atEnd = valueAt(c.schedule, period);
    for (let i = cycleAt(view.begin, period, growth); ; i++) {
      const unit = growth ** i, first = period * (growth === 1 ? i : (unit - 1) / (growth - 1)), factor = decay ** i;
      if (period * unit < view.step) {
        yield phase(first, "restart", i ? "cycle" : "start", { again: i > 0, short: true });
        if (growth === 1) return;
        i = max(i, Math.ceil(log(view.step / period) / log(growth)) - 1);
        continue;
      }
      for (const now of cut(walk(c.schedule, faster(shifted(view, first), 1 / unit)), 0, period, undefined, atEnd, i ? "cycle" : "start"))
        yield { ...mapped(now, (x) => x * factor, i ? undefined : now.floor), begin: first + now.begin * unit, again: i > 0 };
      if (first + period * unit > FAR) return;
    }
  },
  *scale({ args: c }, view) {
    for (const now of walk(c.schedule, view)) yield mapped(now, (x) => x * c.factor, now.floor === undefined ? undefined : now.floor * c.factor);
  },
  *divide({ args: c }, view) {
    yield* walk(of("scale", { schedule: c.schedule, factor: 1 / c.divisor }), view);
  },
  *clip({ args: c }, view) {
    for (const now of walk(c.schedule, view)) yield mapped(now, (x) => min(max(x, c.min_value ?? -Infinity), c.max_value ?? Infinity), c.min_value ?? now.floor);
  },
  *product({ args: c }, view) {
    yield* together(c.schedules, " * ", (a, b) => a * b, view);
  },
  *add({ args: c }, view) {
    yield* together(c.schedules, " + ", (a, b) => a + b, view);
  },
  *minimum({ args: c }, view) {
    yield* together(c.schedules, " or ", (a, b) => min(a, b), view);
  },
  *maximum({ args: c }, view) {
    yield* together(c.schedules, " or ", (a, b) => max(a, b), view);
  },
};
walks.piecewise_cosine = walks.piecewise_linear;
for (const kind of FINITE)
  walks[kind] = function* ({ args: c }) {
    if (c.steps > 0) yield phase(0, kind);
    yield phase(c.steps, "constant", c.steps > 0 ? "end" : "start");
  };

function cycleAt(time, period, growth) {
  if (time <= period) return 0;
  return max(Math.floor(growth === 1 ? time / period : log1p((time * (growth - 1)) / period) / log(growth)) - 1, 0);
}

/** The phases of a schedule in other units: one walk for each row of segments whose rates are alike. */
function* inUnits(c, view) {
  const scale = Number(c.scale), firsts = [0, ...c.boundaries].map(Number), [starts, rates] = [c.starts, c.rates].map((x) => x.map((y) => Number(y) / scale));
  const units = (count, i, j) => {
    const at = i + max(located(firsts.slice(i, j), (b) => count >= b) - 1, 0);
    return starts[at] + (count - firsts[at]) * rates[at];
  };
  const reached = (amount, i, j) => {
    const at = i + max(located(starts.slice(i, j), (x) => x < amount) - 1, 0);
    if (amount === starts[at] || (amount < starts[at] && !rates[at])) return firsts[at];
    const count = rates[at] ? firsts[at] + (amount - starts[at]) / rates[at] : Infinity;
    return amount > starts[at] && at + 1 < j ? min(count, firsts[at + 1]) : count;
  };
  let running = false, short = false;
  for (const [i, j] of alike(firsts, starts, rates)) {
    const first = firsts[i], end = firsts[j] ?? Infinity, own = rates.slice(i, j);
    if (end <= view.begin) continue;
    const continues = running && !short && starts[i] === units(first, 0, i), now = units(max(first, view.begin), i, j);
    if (!max(...own)) {
      yield phase(first, "constant", continues ? "end" : running ? "step" : "start"); // no unit is seen: the value stays
      continue;
    }
    running = true;
    for (const next of walk(c.schedule, seen(now, min(...own.filter(Boolean))))) {
      const known = next.begin <= now && i > 0; // it began in an earlier row, or the clock was set to it
      if (known && continues && next.begin < starts[i] && !next.short) continue;
      const count = known ? first : reached(next.begin, i, j);
      if (count >= end || count === Infinity) break;
      short = Boolean(next.short);
      yield { ...next, begin: count, cause: known && !continues ? "knot" : next.cause };
    }
  }
}
function* alike(firsts, starts, rates) {
  const stop = rates.findLastIndex(Boolean) + 1; // where the clock stops for good
  let i = 0, low = Infinity, high = 0;
  for (let j = 1; j <= firsts.length; j++) {
    [low, high] = [min(low, rates[j - 1] || low), max(high, rates[j - 1])];
    const follows = starts[j] === starts[j - 1] + (firsts[j] - firsts[j - 1]) * rates[j - 1];
    if (j < firsts.length && j !== stop && follows && max(high, rates[j]) <= 8 * min(low, rates[j] || low)) continue;
    yield [i, j];
    [i, low, high] = [j, Infinity, 0];
  }
}

function walk(node, view = seen(0, 1)) {
  if (node.expanded) return walk(node.expanded, view);
  return walks[node.kind]?.(node, view) ?? [phase(0, node.kind)].values();
}

/** The phases that hold at least one count, in order. There may be no end of them. */
export function* phases(node) {
  for (const [now, next] of paired(walk(node))) {
    const first = firstOf(now);
    if (!next || firstOf(next) > first) yield { ...now, first };
  }
}
function taken(found, most, wanted = () => true) {
  const list = [];
  for (const item of found) {
    if (list.length === most || !wanted(item)) break;
    list.push(item);
  }
  return list;
}

/** The rows of `wo.describe`: `{ from, to, shape, start, end }` with numbers, `to` and `end` absent at the last; and what is left out. */
export function describe(node) {
  let found = taken(phases(node), MOST_ROWS + 1), rest = found.length <= MOST_ROWS ? "" : "and more phases";
  const starting = found.flatMap((now, i) => (now.cause === "cycle" ? [i] : []));
  if (found.at(-1).again && starting.length >= CYCLES) [found, rest] = [found.slice(0, starting[CYCLES - 1] + 1), "and so on, cycle after cycle"];
  const rows = found.map((now, i) => {
    const start = node.at(now.first), next = found[i + 1], row = { from: now.first, shape: now.shape, start };
    if (next) {
      row.to = next.first;
      row.end = JUMPS.includes(next.cause) && now.last ? now.last() : node.at(next.begin);
    }
    if (now.shape === "constant") row.end = start;
    return row;
  });
  return { rows: rest ? rows.slice(0, -1) : rows, rest };
}

/** A number of steps that shows what a schedule does: to its end, or through some of its endless part. */
export function horizon(node) {
  const found = taken(phases(node), 2 ** 10), last = found.at(-1);
  if (last.again) {
    const begins = found.filter((now) => now.cause === "cycle" && now.first > 0).slice(0, CYCLES);
    return begins.length ? begins.at(-1).first : max(last.first, 1);
  }
  const end = min(last.first, FAR / 4);
  if (last.cause === "end" && found.length > 1) return Math.fround(node.at(end)) < Math.fround(node.at(min(found.at(-2).first, end))) ? end : 2 * end;
  if (last.shape === "constant") return end + Math.floor(end / 4) || 100;
  return Math.floor(4 * max(end, min(longest(node), FAR / 4), 25));
}
function longest(value) {
  if (Array.isArray(value)) return max(0, ...value.map(longest));
  if (!isNode(value)) return 0;
  if (value.kind === "exponential") return value.args.transition_steps / max(abs(log(value.args.decay_rate)), 1e-6);
  const own = Object.entries(value.args).filter(([name, x]) => /(steps|timescale|period)$/.test(name) && isNumber(x));
  return max(0, ...own.map(([, x]) => Number(x)), ...Object.values(value.args).map(longest));
}

// ---------------------------------------------------------------- findings: what is most often wrong

const DENSE = 2 ** 17, TOLERANCE = 0.01, CLOCK_END = 2 ** 31 - 1, CYCLIC = "triangle_wave";
const NOTES = ["zero_first_update", "warmup_below_one_step", "flat_to_the_end", "rises_after_the_end"];

/** A value as the library has it, which computes in float32. */
const held = (x) => (abs(x) < 2 ** -126 ? 0 : Math.fround(x));

/** The findings of `wo.check` in a run of `total` updates: `{ name, severity, step, message }`. */
export function check(node, total, { dense = DENSE } = {}) {
  const list = taken(phases(node), MOST_PHASES, (now) => !now.again || now.first < 4 * total), found = [];
  const note = (name, step, message) => found.push({ name, severity: NOTES.includes(name) ? "note" : "warning", step, message });
  const beside = [0, ...list.map((now) => now.first).filter((first) => first < 4 * total), total].flatMap((c) => [c - 1, c, c + 1]);
  const spread = (from, to, n) => Array.from({ length: n }, (_, i) => Math.floor(from + ((to - from) * i) / (n - 1)));
  const unique = (x) => [...new Set(x)].sort((a, b) => a - b);
  const counts = total <= dense ? [...Array(total).keys()] : unique([...spread(0, total - 1, dense), ...beside.filter((c) => c >= 0 && c < total)]);
  const later = unique([...spread(total, 2 * total, 64), ...beside.filter((c) => c >= total)]);
  const at = (count) => Math.fround(node.at(min(count, FAR)));
  const inRun = (count) => held(node.at(min(count, CLOCK_END)));
  const values = counts.map(inRun), after = later.map(inRun), g = (x, digits = 4) => rounded(x, digits);
  const small = TOLERANCE * values.reduce((most, x) => max(most, abs(x)), 0), pairs = list.slice(1).map((now, i) => [list[i], now]);
  const end = (i, other) => list[i + 1]?.first ?? other, index = (count) => located(counts, (c) => c < count);

  const below = values.findIndex((x) => x < 0);
  if (below >= 0) note("negative", counts[below], `the rate is ${g(values[below])}, which increases the loss; raise the value it goes to, or clip(..., 0)`);

  const first = values.findIndex((x) => x !== 0), last = values.findLastIndex((x) => x !== 0);
  if (first < 0) note("zero_to_the_end", 0, "the rate is 0 at every update, so nothing is learned; give a peak above 0");
  else {
    const count = counts[first], instead = `start the warmup at ${g(values[first], 3)}, say, the rate of update ${count}`;
    if (count === 1) note("zero_first_update", 0, `the first update has rate 0 and changes nothing, and makes the parameters of Prodigy and D-Adaptation NaN; ${instead}`);
    else if (count > 1) note("zero_at_the_start", 0, `the first ${count} updates have rate 0 and change nothing; ${instead}`);
    if (last + 1 < values.length) {
      const step = counts[last + 1], wasted = total - step > 1 ? `${total - step} updates change` : "one update changes";
      note("zero_to_the_end", step, `the rate is 0 from step ${step} to the end of the run, so ${wasted} nothing; make the schedule ${total} steps long, or stop at ${step}`);
    }
  }

  // A first phase that rises and holds the first count alone.
  const short = list[0].shape !== "constant" && list[1]?.begin > 0 && list[1].begin < 1 && list[1].begin;
  if (short && at(1) > at(0))
    note("warmup_below_one_step", 0, `the warmup of ${g(short, 3)} steps is shorter than one update, so the rate is ${g(at(1))} from update 1 on; if you meant a fraction of the run, write TrainingRun(...).steps(fraction=${g(short, 3)})`);

  // A decay that is over, at a rate above 0, when the run is not.
  const inside = list.filter((now) => now.first < total), curve = inside.findLastIndex((now) => now.shape !== "constant"), flat = inside[curve + 1];
  if (curve >= 0 && flat?.cause === "end" && !flat.again && total - flat.first > 1) {
    const value = at(flat.first);
    if (at(inside[curve].first) > value && value === values.at(-1) && value > 0)
      note("flat_to_the_end", flat.first, `the decay is over at step ${flat.first} of ${total}, and the rate stays at ${g(value)}; if the whole run should decay, make the schedule ${total} steps long`);
  }

  for (const [before, now] of pairs) {
    if (now.cause !== "join" || !before.last || now.again || now.first >= total) continue;
    const left = before.last(), previous = at(now.first - 1), right = now.start ? now.start() : at(now.first);
    if (min(abs(right - left), abs(right - previous)) > TOLERANCE * max(abs(left), abs(right), abs(previous)))
      note("jump", now.first, `the rate jumps from ${g(left)} to ${g(right)} where two phases join; start the second at the end of the first, on its own clock (offsets=None), or use with_warmup or with_cooldown`);
  }

  const lowest = new Map();
  list.forEach((now, i) => {
    const [from, to] = [index(now.first), index(end(i, Infinity))];
    if (now.floor === undefined || from >= to) return;
    const least = values.slice(from, to).reduce((a, b) => min(a, b));
    lowest.set(now.floor, [min(lowest.get(now.floor)?.[0] ?? Infinity, least), counts[to - 1]]);
  });
  for (const [floor, [least, step]] of lowest)
    if (least > floor + 1e-5 * abs(floor)) note("floor_not_reached", step, `the floor ${g(floor)} is never reached, only ${g(least)}; decay faster, or longer`);

  // A curve that rises through the whole run and ends with it is no warmup.
  const ends = list[1]?.first, over = ends !== undefined && list[0].shape !== "constant" && (list[1].cause === "end" ? ends > total : ends >= total);
  const cutWarmup = over && at(ends) > at(0);
  if (cutWarmup) note("ends_in_warmup", total - 1, `the run ends inside the warmup, which continues to step ${ends}: the highest rate is ${g(values.at(-1))} of ${g(at(ends))}; shorten the warmup, or train longer`);
  else
    for (const [before, now] of pairs) {
      if (now.first < total || now.again) continue;
      if (before.first < total && now.cause === "end") unfinished(before, now.first);
      if (now.cause === "end") continue;
      const what = now.cause === "cooldown" ? `cooldown (${now.shape})` : `phase (${now.shape})`;
      note("phase_not_reached", now.first, `the ${what} that begins at step ${now.first} is never reached in ${total} steps; shorten what comes before it, or train longer`);
      break;
    }
  function unfinished(now, stop) {
    const [rate, goal] = [at(total), at(stop)], goesOn = `${now.shape} continues to ${g(goal)} at step ${stop}`;
    if (abs(rate - goal) <= small) return;
    const left = total - now.first;
    if (now.cause === "cooldown") note("cooldown_cut", now.first, `the cooldown of ${stop - now.first} steps is longer than the ${left} steps that are left of the run: ${goesOn}; give it ${left} steps, or begin it earlier`);
    else if (rate > goal) note("still_falling", total - 1, `the rate is still falling when the run ends, at ${g(values.at(-1))}, and its end value is not reached: ${goesOn}; make the schedule ${total} steps long, or train longer`);
  }

  for (const [i, now] of list.entries()) {
    if (now.first >= total) break;
    const risen = !now.shape.includes(CYCLIC) && now.shape !== "constant" && rise(index(now.first), index(min(end(i, total), total)));
    if (!risen) continue;
    note("rises_again", risen.step, `the rate falls to ${g(risen.low)} at step ${risen.step} and rises again, to ${g(risen.high)}: this curve continues as a wave; make it as long as the run, or keep its end value with join()`);
    break;
  }
  function rise(from, to) {
    let top = -Infinity, foot = -1;
    for (let i = from; i < to; i++) {
      if (foot >= 0 && values[i] - values[foot] > small) return { step: counts[foot], low: values[foot], high: values.slice(i, to).reduce((a, b) => max(a, b)) };
      top = max(top, values[i]);
      if (top - values[i] > small && (foot < 0 || values[i] < values[foot])) foot = i;
    }
  }
  const higher = after.findIndex((x) => x > values.at(-1) + small);
  if (higher >= 0 && !cutWarmup && found.at(-1)?.name !== "rises_again") {
    const owner = list.filter((now) => now.first <= later[higher]).at(-1);
    if (!owner.again && !owner.shape.includes(CYCLIC))
      note("rises_after_the_end", later[higher], `if the run continues after ${total} steps, the rate rises from ${g(values.at(-1))} to ${g(after[higher])}; if that is not intended, give the schedule the length of the run, or keep its end value with join()`);
  }

  if (total > CLOCK_END) {
    const due = pairs.find(([, now]) => now.first > CLOCK_END);
    if (due) note("beyond_the_clock", CLOCK_END, `${due[1].cause === "end" ? `the end of ${due[0].shape}` : `the phase (${due[1].shape})`} is due at step ${due[1].first}; make the schedule shorter: an optimizer counts in int32 and stays at 2147483647`);
  }
  return found.sort((a, b) => a.step - b.step);
}
