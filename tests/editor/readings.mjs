// The configs that pasted texts stand for, or the errors. Run by node.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { read } from "../../docs/editor/read.mjs";

const { load } = createRequire(import.meta.url)("../../docs/editor/vendor/js-yaml.min.js");
const answer = (text) => {
  try {
    return read(text, load);
  } catch (error) {
    return { error: error.message };
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
