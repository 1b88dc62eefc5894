// @ts-check
// How figures are taken and told. The median is what counts; the smallest and the largest show how calm the machine was.

/**
 * @typedef {{ readonly line: string, readonly details: readonly string[], readonly ok: boolean }} Figure
 * @typedef {{ readonly text: string, readonly limit: number, readonly digits: number, readonly unit: string }} Scale
 */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? Number.NaN) + (sorted[(sorted.length - 1) >> 1] ?? Number.NaN)) / 2;
}

/**
 * A figure that is good when it is small.
 *
 * @param {number} value
 * @param {Scale} scale
 * @param {readonly string[]} details
 * @returns {Figure}
 */
export function atMost(value, scale, details) {
  return { line: told(value, scale, "at most"), details, ok: value <= scale.limit };
}

/**
 * A figure that is good when it is large.
 *
 * @param {number} value
 * @param {Scale} scale
 * @param {readonly string[]} details
 * @returns {Figure}
 */
export function atLeast(value, scale, details) {
  return { line: told(value, scale, "at least"), details, ok: value >= scale.limit };
}

/**
 * @param {string} what
 * @param {readonly number[]} times
 */
export function spread(what, times) {
  const [least, middle, most] = [Math.min(...times), median(times), Math.max(...times)];
  return `${what}: ${ms(middle)} (${ms(least)} to ${ms(most)}, ${times.length} times)`;
}

/**
 * @param {number} value
 * @param {Scale} scale
 * @param {string} bound
 */
function told(value, { text, limit, digits, unit }, bound) {
  return `${text}: ${value.toFixed(digits)}${unit} (${bound} ${limit.toFixed(digits)}${unit})`;
}

/** @param {number} value */
function ms(value) {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}
