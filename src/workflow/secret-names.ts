/**
 * Whether the name of an environment variable says that its value is a secret. It is read word by word, so that
 * `MAX_TOKENS` and `PASSWORDLESS` are not taken for secrets. `docs/secrets.md` holds the same lists.
 */
export function looksSecret(name: string): boolean {
  const words = name
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter((word) => word !== "");
  const last = words.at(-1) ?? "";
  if (words.length === 1 && last === "PWD") return false;
  if (NOT_SECRET_LAST_WORDS.includes(last)) return false;
  const text = `_${words.join("_")}_`;
  return SECRET_WORDS.some((word) => text.includes(`_${word}_`));
}

/** Each counts wherever it stands in the name as whole words. */
export const SECRET_WORDS: readonly string[] = [
  "TOKEN",
  "SECRET",
  "SECRETS",
  "PASSWORD",
  "PASSWD",
  "PASSPHRASE",
  "PWD",
  "CREDENTIAL",
  "CREDENTIALS",
  "API_KEY",
  "APIKEY",
  "ACCESS_KEY",
  "AUTH_KEY",
  "PRIVATE_KEY",
  "SECRET_KEY",
  "SIGNING_KEY",
  "ENCRYPTION_KEY",
  "MASTER_KEY",
  "DEPLOY_KEY",
  "SSH_KEY",
  "AUTH",
  "BEARER",
  "COOKIE",
];

/** A name that ends in one of these tells something about a secret, and is none itself. */
export const NOT_SECRET_LAST_WORDS: readonly string[] = [
  "FILE",
  "PATH",
  "DIR",
  "DIRECTORY",
  "URL",
  "URI",
  "ENDPOINT",
  "HOST",
  "PORT",
  "NAME",
  "TYPE",
  "METHOD",
  "MODE",
  "TTL",
  "TIMEOUT",
  "EXPIRY",
  "LIMIT",
  "COUNT",
  "LENGTH",
  "ENABLED",
  "SOCK",
];
