import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { looksSecret, NOT_SECRET_LAST_WORDS, SECRET_WORDS } from "./secret-names.ts";

test.each([
  "GITHUB_TOKEN",
  "TOKEN",
  "DB_PASSWORD",
  "DB_PWD",
  "ANTHROPIC_API_KEY",
  "npm_config_auth-token",
  "AWS_SECRET_ACCESS_KEY",
  "SSH_PRIVATE_KEY",
  "CLIENT_SECRET",
])("%s names a secret", (name) => {
  expect(looksSecret(name)).toBe(true);
});

test.each([
  "PWD",
  "OLDPWD",
  "MAX_TOKENS",
  "PASSWORDLESS",
  "TOKENIZER",
  "SECRET_NAME",
  "TOKEN_URL",
  "AWS_SECRET_FILE",
  "SSH_AUTH_SOCK",
  "PUBLIC_KEY",
  "KEYBOARD",
  "AUTHOR",
  "PATH",
])("%s names none", (name) => {
  expect(looksSecret(name)).toBe(false);
});

test("the documented lists are the real ones", () => {
  const text = readFileSync(new URL("../../docs/secrets.md", import.meta.url), "utf8");
  const list = (heading: string): readonly string[] => {
    const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
    return [...section.matchAll(/`([A-Z_]+)`/g)].map((match) => match[1] ?? "");
  };
  expect(list("Names that say that a value is secret")).toEqual(SECRET_WORDS);
  expect(list("Endings that say that it is none")).toEqual(NOT_SECRET_LAST_WORDS);
});
