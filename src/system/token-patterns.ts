/** A part of a text, from `start` up to but not including `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Tokens that say themselves what they are, wherever they came from. */
export function findTokens(text: string): readonly Span[] {
  return MAYBE_KNOWN.test(text) ? WELL_KNOWN.flatMap((pattern) => spans(pattern, text)) : NONE;
}

/** Credentials that only their surroundings give away. Prose can look the same, so they are masked, never sealed. */
export function findCredentials(text: string): readonly Span[] {
  return MAYBE_IN_CONTEXT.test(text) ? IN_CONTEXT.flatMap((pattern) => spans(pattern, text)) : NONE;
}

/** Nearly all texts have none of these beginnings, and each text of each event is looked at: one search instead of eleven. */
const MAYBE_KNOWN = /gh[opusr]_|github_pat_|gl(?:pat|dt|ptt|rt)-|AKIA|ASIA|sk-|xox|npm_|AIza|eyJ/;
const MAYBE_IN_CONTEXT = /:\/\/|bearer|basic/i;
const NONE: readonly Span[] = [];

/**
 * Each has a fixed beginning, so that the search is fast, and an upper limit, so that a page of letters without a
 * space is not held back for ever.
 */
const WELL_KNOWN: readonly RegExp[] = [
  // GitHub.
  /\bgh[opusr]_[A-Za-z0-9]{20,255}/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,255}/g,
  // GitLab.
  /\bgl(?:pat|dt|ptt|rt)-[A-Za-z0-9_-]{16,255}/g,
  // AWS key ids.
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  // Anthropic, OpenAI and others that write `sk-`.
  /\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,255}/g,
  // Slack, npm, Google.
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /\bnpm_[A-Za-z0-9]{30,64}/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  // JSON web tokens.
  /\beyJ[A-Za-z0-9_-]{8,2048}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,2048}/g,
];

const IN_CONTEXT: readonly RegExp[] = [
  /\b(?:Bearer|Basic)\s{1,4}([A-Za-z0-9+/_.~-]{16,4096}={0,2})/dgi,
  // The password in `https://user:password@host`.
  /:\/\/[^\s/:@"']{0,128}:([^\s/@"']{3,256})@/dg,
];

/** Where a pattern fits: its group, where it has one. */
function spans(pattern: RegExp, text: string): readonly Span[] {
  return [...text.matchAll(pattern)].map((match) => {
    const [start, end] = match.indices?.[1] ?? [match.index, match.index + match[0].length];
    return { start, end };
  });
}
