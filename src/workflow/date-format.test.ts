import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { formatDate } from "./date-format.ts";

/** Local times at both ends of years, of days, of weeks and of hours. */
const MOMENTS = [
  new Date(2026, 10, 24, 1, 2, 3, 4),
  new Date(2024, 11, 30, 0, 0, 0),
  new Date(2025, 0, 1, 12, 0, 0),
  new Date(2027, 0, 3, 23, 59, 59, 999),
  new Date(2000, 1, 29, 13, 5, 9),
  new Date(1999, 11, 31, 11, 59, 59),
];
/** Letters that mean the same for the `date` of every POSIX system. */
const LETTERS = "Y C y m d e H I M S p a A b h B j u w U W V G z D F T R n t %".split(" ");

test.each(MOMENTS)("%s is formatted as date(1) does it", (moment) => {
  const format = LETTERS.map((letter) => `[%${letter}]`).join(" ");
  const env = { ...process.env, LC_ALL: "C" };
  const seconds = String(Math.floor(moment.getTime() / 1000));
  const gnu = ["-d", `@${seconds}`, `+${format}`];
  const expected = execFileSync("date", process.platform === "linux" ? gnu : ["-r", seconds, `+${format}`], {
    env,
    encoding: "utf8",
  });
  const ours = formatDate(format, moment.getTime());
  expect(ours).toEqual({ ok: true, text: expected.replace(/\n$/, "") });
});

test.each([
  ["%-d.%-m.%Y", "4.7.2026"],
  ["%_d/%0e", " 4/04"],
  ["%^a", "SAT"],
  ["%L %N", "007 007000000"],
  ["100%% of %Y", "100% of 2026"],
  ["no letters", "no letters"],
])("%s gives %s", (format, text) => {
  expect(formatDate(format, new Date(2026, 6, 4, 5, 6, 7, 7).getTime())).toEqual({ ok: true, text });
});

test("letters that do not exist are told, all at once", () => {
  expect(formatDate("%Y %Q %i", 0)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^a date has no %Q, %i; letters: Y /),
  });
});
