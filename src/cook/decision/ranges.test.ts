import fc from "fast-check";
import { expect, test } from "vitest";
import { hasNumber, type Ranges, sizeOf, withNumber, withoutNumber, withRange } from "./ranges.ts";

test("ranges hold what a set would", () => {
  const change = fc.tuple(fc.constantFrom("add", "range", "remove"), fc.nat(20), fc.nat(5));
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const set = new Set<number>();
      let ranges: Ranges = [];
      for (const [how, number, length] of changes) {
        if (how === "add") ranges = withNumber(ranges, number);
        if (how === "remove") ranges = withoutNumber(ranges, number);
        if (how === "range") ranges = withRange(ranges, [number, number + length]);
        if (how === "add") set.add(number);
        if (how === "remove") set.delete(number);
        if (how === "range") for (let at = number; at < number + length; at++) set.add(at);
      }
      const numbers = Array.from({ length: 30 }, (_, number) => number);
      expect(numbers.filter((number) => hasNumber(ranges, number))).toEqual(
        numbers.filter((number) => set.has(number)),
      );
      expect(sizeOf(ranges)).toBe(set.size);
      // Ranges that touch are one.
      expect(ranges.every(([from], index) => index === 0 || from > (ranges[index - 1]?.[1] ?? 0))).toBe(true);
    }),
  );
});
