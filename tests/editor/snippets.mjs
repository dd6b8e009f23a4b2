// What "Copy as" writes for configs: an object of texts for each. Run by node.

import { readFileSync } from "node:fs";
import { TARGETS } from "../../docs/editor/code.mjs";
import { fromConfig } from "../../docs/editor/schedule.mjs";

const written = ({ config, total }) => Object.fromEntries(Object.entries(TARGETS).map(([name, make]) => [name, make(fromConfig(config), total)]));
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(written)));
