// Answers for the tests in Python: what docs/editor makes of configs. Run by node, and imported by a page in Chromium.

import { fromConfig } from "../../docs/editor/schedule.mjs";
import { check, describe, horizon } from "../../docs/editor/view.mjs";

/** The values at counts, the phases, and the findings for several lengths of a run; or the error. */
export function answer({ config, counts = [], totals = [] }) {
  try {
    const schedule = fromConfig(config);
    return {
      values: counts.map((count) => schedule.at(count)),
      phases: totals.length ? describe(schedule) : undefined,
      horizon: totals.length ? horizon(schedule) : undefined,
      findings: totals.map((total) => check(schedule, total)),
    };
  } catch (error) {
    return { error: error.message };
  }
}

if (globalThis.process) {
  const { readFileSync } = await import("node:fs");
  console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
}
