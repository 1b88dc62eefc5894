/** The number of the user that we run as; null where users have none. */
export function getuidOrNull(): number | null {
  return process.getuid?.() ?? null;
}
