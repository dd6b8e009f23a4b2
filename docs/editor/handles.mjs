// The points of a curve that can be dragged. Each changes numbers of the config.

const get = (config, path) => path.reduce((value, key) => value[key], config);
function set(config, [key, ...rest], change) {
  if (key === undefined) return { ...config, ...change(config) };
  const made = Array.isArray(config) ? [...config] : { ...config };
  made[key] = set(config[key], rest, change);
  return made;
}
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const MOST = 60;

/**
 * The handles of a config: `{ id, label, x, y, setX, setY, onAxis }`. `setX(config, step)` and `setY(config, rate)`
 * return a new config; a handle that lacks one does not move that way.
 */
export function handlesOf(config, schedule) {
  const found = [];
  collect(config, [], 0, Infinity, "", schedule, found);
  return found.slice(0, MOST);
}

function collect(root, path, offset, end, prefix, schedule, found) {
  const c = get(root, path);
  if (c === null || typeof c !== "object") return;
  /** `x` and `y` give the changed keys for a local step and a rate. */
  const add = (label, at, y, { x, y: rate, onAxis = false }) => {
    if (!(at + offset <= end)) return;
    found.push({
      id: `${path.join(".")}/${label}`,
      label: prefix + label,
      x: at + offset,
      y,
      onAxis,
      setX: x && ((config, step) => set(config, path, (now) => x(step - offset, now))),
      setY: rate && ((config, value) => set(config, path, (now) => rate(value, now))),
    });
  };
  const at = (step) => schedule.at(step + offset), W = Number(c.warmup_steps ?? 0), T = Number(c.total_steps ?? 0), hold = Number(c.hold_steps ?? 0);
  const value = (name) => ({ y: (rate) => ({ [name]: rate }) });

  if (/^warmup_/.test(c.kind) && "peak_value" in c) {
    const decay = Number(c.decay_steps ?? 0), most = c.total_steps === undefined ? Infinity : T - hold - decay;
    if (W > 0) add("Start", 0, c.init_value ?? 0, value("init_value"));
    add(hold || decay ? "Peak and end of the warmup" : "Peak", W, c.peak_value, { x: (step) => ({ warmup_steps: clamp(step, 0, most) }), ...value("peak_value") });
    if (c.kind === "warmup_stable_decay") add("Start of the decay", T - decay, c.peak_value, { x: (step, now) => ({ decay_steps: clamp(T - step, 0, T - now.warmup_steps) }), ...value("peak_value") });
    else if (/_(linear|cosine|polynomial|exponential)$/.test(c.kind) && (hold || c.kind !== "warmup_exponential"))
      add("Start of the decay", W + hold, c.peak_value, { x: (step, now) => ({ hold_steps: clamp(step - now.warmup_steps, 0, c.total_steps === undefined ? Infinity : T - now.warmup_steps) }), onAxis: !hold });
    if (c.total_steps !== undefined) add("End", T, c.end_value ?? 0, { x: (step) => ({ total_steps: Math.max(step, W + hold + decay, 1) }), ...value("end_value") });
    if (c.kind === "warmup_cosine_restarts") add("End of the first cycle", W + Number(c.cycle_steps), at(W + Number(c.cycle_steps)), { x: (step, now) => ({ cycle_steps: Math.max(step - now.warmup_steps, 1) }), onAxis: true });
    return;
  }
  switch (c.kind) {
    case "constant":
      return add("Rate", 0, c.value, value("value"));
    case "one_cycle": {
      const top = Math.round((c.warmup_fraction ?? 0.3) * T);
      add("Peak", top, c.peak_value, { x: (step) => ({ warmup_fraction: Number(clamp(step / T, 0, 1).toPrecision(3)) }), ...value("peak_value") });
      return add("End", T, at(T), { x: (step) => ({ total_steps: Math.max(step, 1) }) });
    }
    case "warmup_piecewise_constant":
      add("End of the warmup", W, at(W), { x: (step) => ({ warmup_steps: Math.max(step, 0) }) });
    // falls through: its steps are those of piecewise_constant
    case "piecewise_constant":
    case "piecewise_linear":
    case "piecewise_cosine": {
      const b = c.boundaries.map(Number), steps = c.kind.endsWith("constant"), begins = steps ? [0, ...b] : b;
      const put = (list, i, x) => list.map((old, j) => (j === i ? x : old));
      begins.forEach((begin, i) => {
        const j = steps ? i - 1 : i;
        const x = j < 0 ? undefined : (step, now) => ({ boundaries: put(now.boundaries, j, clamp(step, j ? Number(now.boundaries[j - 1]) + 1 : 0, j + 1 < b.length ? Number(now.boundaries[j + 1]) - 1 : Infinity)) });
        add(steps ? (i ? `Boundary ${i}` : "First rate") : `Knot ${i + 1}`, begin, c.values[i], { x, y: (rate, now) => ({ values: put(now.values, i, rate) }) });
      });
      return undefined;
    }
    case "join": {
      if (c.offsets) return undefined;
      c.boundaries.forEach((boundary, i) => {
        const low = i ? Number(c.boundaries[i - 1]) + 1 : 0, high = i + 1 < c.boundaries.length ? Number(c.boundaries[i + 1]) - 1 : Infinity;
        add(`Boundary ${i + 1}`, Number(boundary), at(Number(boundary)), { x: (step, now) => ({ boundaries: now.boundaries.map((old, j) => (j === i ? clamp(step, low, high) : old)) }), onAxis: true });
      });
      c.schedules.forEach((_, i) => {
        const begin = i ? Number(c.boundaries[i - 1]) : 0, stop = i < c.boundaries.length ? offset + Number(c.boundaries[i]) : end;
        collect(root, [...path, "schedules", i], offset + begin, Math.min(stop, end), `${prefix}Part ${i + 1}: `, schedule, found);
      });
      return undefined;
    }
    case "with_warmup":
      add("Start", 0, c.init_value ?? 0, value("init_value"));
      add("End of the warmup", Number(c.steps), at(Number(c.steps)), { x: (step) => ({ steps: Math.max(step, 0) }), onAxis: true });
      return collect(root, [...path, "schedule"], offset + (c.overlap ? 0 : Number(c.steps)), end, prefix, schedule, found);
    case "with_cooldown": {
      const begin = Number(c.begin);
      add("Start of the cooldown", begin, at(begin), { x: (step) => ({ begin: Math.max(step, 0) }) });
      add("End", begin + Number(c.steps), c.end_value ?? 0, { x: (step, now) => ({ steps: Math.max(step - now.begin, 0) }), ...value("end_value") });
      return collect(root, [...path, "schedule"], offset, Math.min(end, offset + begin), prefix, schedule, found);
    }
    case "shift":
      return collect(root, [...path, "schedule"], offset + Number(c.steps), end, prefix, schedule, found);
    default:
      if ("init_value" in c) add("Start", 0, c.init_value, value("init_value"));
      if ("end_value" in c && "steps" in c) add("End", Number(c.steps), c.end_value, { x: (step) => ({ steps: Math.max(step, 1) }), ...value("end_value") });
      return undefined;
  }
}
