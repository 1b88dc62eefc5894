import fc from "fast-check";
import { expect, test } from "vitest";
import { openMaskStream } from "./mask-stream.ts";
import { MASK, openMasker } from "./masker.ts";

function masker(secrets: Readonly<Record<string, string>>) {
  const opened = openMasker(() => false);
  for (const [name, value] of Object.entries(secrets)) opened.add(name, value, { certain: true });
  return opened;
}

test("a secret is masked wherever it stands", () => {
  const it = masker({ TOKEN: "hunter2hunter2" });
  expect(it.mask("a hunter2hunter2, b:hunter2hunter2-hunter2hunter2")).toBe("a ***, b:***-***");
});

test("of two secrets that overlap nothing is left", () => {
  const it = masker({ A: "abcd1234", B: "1234wxyz", C: "abcd1234wx" });
  expect(it.mask("[abcd1234wxyz]")).toBe("[***]");
});

test("a secret's encodings are masked as well", () => {
  const value = 'p"ä ss/w+ör?d';
  const it = masker({ SECRET: value });
  const encoded = [
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
  ];
  for (const text of encoded) expect(it.mask(`<${text}>`)).toBe("<***>");
});

test("base64 is masked at every position within a longer text", () => {
  const value = "correct-horse-battery";
  const it = masker({ SECRET: value });
  for (const prefix of ["", "u", "us", "use", "user:"]) {
    const masked = it.mask(Buffer.from(`${prefix}${value}:rest`).toString("base64"));
    expect(masked).toContain(MASK);
    expect(Buffer.from(masked.replace(MASK, ""), "base64").toString("latin1")).not.toContain("horse");
  }
});

test("a value of several lines is masked line by line, but for lines that are too short to be secret", () => {
  const it = masker({ KEY: "-----BEGIN KEY-----\n  MIIEpAIBAAKCAQEA\nabc\n-----END KEY-----\n" });
  expect(it.mask("> MIIEpAIBAAKCAQEA\n> abc\n> -----END KEY-----")).toBe("> ***\n> abc\n> ***");
});

test("what only looks like a secret by its name is left alone", () => {
  const it = openMasker((path) => path === "/home/me/token-file");
  for (const [index, value] of [
    "short",
    "12345678901",
    "true",
    "false",
    "1.5e10",
    "/home/me/token-file",
    "   ",
  ].entries()) {
    it.add(`TOKEN_${index}`, value, { certain: false });
  }
  const text = "short 12345678901 true false 1.5e10 /home/me/token-file   ";
  expect(it.mask(text)).toBe(text);
});

test("a declared secret is masked, however short", () => {
  expect(masker({ PIN: "4711" }).mask("pin 4711")).toBe("pin ***");
});

test.each([
  `ghp_${"a1".repeat(18)}`,
  `github_pat_${"a1".repeat(20)}`,
  `glpat-${"a1".repeat(10)}`,
  "AKIAIOSFODNN7EXAMPLE",
  `sk-ant-api03-${"a1".repeat(20)}`,
  `xoxb-${"12".repeat(10)}`,
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
])("a token that says itself what it is is masked: %s", (token) => {
  expect(masker({}).mask(`x=${token}, y`)).toBe("x=***, y");
});

test("credentials are known by what stands before them", () => {
  const it = masker({});
  expect(it.mask("Authorization: Bearer abcdefghijklmnop1234")).toBe("Authorization: Bearer ***");
  expect(it.mask("authorization: basic dXNlcjpwYXNzd29yZA==")).toBe("authorization: basic ***");
  expect(it.mask("https://user:pa55word@example.com/x")).toBe("https://user:***@example.com/x");
});

test("prose about credentials stays prose", () => {
  const text = "Basic authentication is for the bearer of bad news; see http://example.com:80/a@b";
  expect(masker({}).mask(text)).toBe(text);
});

test("a sealed text comes back as it was", () => {
  const it = masker({ TOKEN: "hunter2hunter2", KEY: "line one of it\nline two of it" });
  const text = `a hunter2hunter2 b ${encodeURIComponent("line one of it")} {{secret:TOKEN}} {{secret: line two of it ghp_${"a1".repeat(18)}`;
  const sealed = it.seal(text);
  expect(sealed).toContain("{{secret:TOKEN}}");
  expect(sealed).not.toMatch(/hunter2|line two|ghp_/);
  expect(it.unseal(sealed)).toBe(text);
});

test("a seal whose secret is not known stays as it is", () => {
  expect(masker({}).unseal("x {{secret:TOKEN}}")).toBe("x {{secret:TOKEN}}");
});

test("a seal is filled in by another process that knows the secret under the same name", () => {
  const sealed = masker({ TOKEN: "hunter2hunter2" }).seal("x hunter2hunter2");
  expect(masker({ TOKEN: "hunter2hunter2" }).unseal(sealed)).toBe("x hunter2hunter2");
});

const secretText = fc
  .string({ minLength: 8, maxLength: 40, unit: "binary" })
  .filter((text) => text.trim().length >= 8 && !/[\r\n*]/.test(text) && text.trim() === text);
const piece = fc.oneof(fc.constantFrom("{{secret:", "}}", "{", "|", "\n", "!"), fc.string({ maxLength: 12 }));

test("property: sealing and unsealing gives any text back", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(secretText, { minLength: 1, maxLength: 4 }),
      fc.array(fc.oneof(piece, fc.nat(3))),
      (secrets, parts) => {
        const it = masker(Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret])));
        const text = parts
          .map((part) => (typeof part === "number" ? (secrets[part % secrets.length] ?? "") : part))
          .join("");
        expect(it.unseal(it.seal(text))).toBe(text);
      },
    ),
  );
});

test("property: a secret never comes out, wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(secretText, { minLength: 1, maxLength: 4 }),
      fc.array(fc.oneof(piece, fc.nat(3))),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (secrets, parts, cuts) => {
        const it = masker(Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret])));
        const text = parts
          .map((part) => (typeof part === "number" ? (secrets[part % secrets.length] ?? "") : part))
          .join("");
        const stream = openMaskStream(it);
        let masked = "";
        for (let at = 0; at < text.length; ) {
          const size = cuts.next().value ?? 1;
          masked += stream.push(text.slice(at, at + size));
          at += size;
        }
        masked += stream.end();
        expect(masked).toBe(it.mask(text));
        for (const secret of secrets) expect(masked.includes(secret)).toBe(false);
      },
    ),
  );
});

test("a very long line is passed on before it ends, and no secret in it is cut", () => {
  const secret = "hunter2hunter2";
  const stream = openMaskStream(masker({ TOKEN: secret }));
  let masked = "";
  let first = -1;
  for (let index = 0; index < 40_000; index++) {
    masked += stream.push(index % 7 === 0 ? secret : "filling");
    if (masked !== "" && first === -1) first = index;
  }
  expect(first).toBeLessThan(20_000);
  masked += stream.end();
  expect(masked.replaceAll(MASK, "").replaceAll("filling", "")).toBe("");
});

test("whole lines are passed on as they come", () => {
  const stream = openMaskStream(masker({}));
  expect(stream.push("one\ntw")).toBe("one\n");
  expect(stream.push("o\n")).toBe("two\n");
});

test("property: every place of every secret is found, whatever their number and length", () => {
  const letters = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "ä", "😀") });
  fc.assert(
    fc.property(fc.uniqueArray(letters, { minLength: 1, maxLength: 8 }), fc.array(letters), (secrets, parts) => {
      const it = masker(Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret])));
      const text = parts.join("");
      const hidden = new Set<number>();
      for (const secret of secrets) {
        for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1)) {
          for (let index = at; index < at + secret.length; index++) hidden.add(index);
        }
      }
      const shown = text.split("").filter((_, index) => !hidden.has(index));
      expect(it.mask(text).replaceAll(MASK, "")).toBe(shown.join(""));
    }),
  );
});
