// Says how many of the converters the README names, in the form that a validation step reads.
import { readdirSync, readFileSync } from "node:fs";

const readme = readFileSync("README.md", "utf8");
const converters = readdirSync("src").map((file) => `src/${file}`);
const missing = converters.filter((file) => !readme.includes(file));
const completion = Math.round((100 * (converters.length - missing.length)) / converters.length);
console.log(
  JSON.stringify({
    completion_percentage: completion,
    status: missing.length === 0 ? "complete" : "incomplete",
    missing,
  }),
);
