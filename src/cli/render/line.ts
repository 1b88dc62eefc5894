/** A line that a person reads while a session runs. */
export interface Line {
  readonly kind: "progress" | "detail" | "good" | "bad" | "warning" | "debug";
  readonly text: string;
}

export function progress(text: string): Line {
  return { kind: "progress", text };
}

export function detail(text: string): Line {
  return { kind: "detail", text };
}

export function good(text: string): Line {
  return { kind: "good", text };
}

export function bad(text: string): Line {
  return { kind: "bad", text };
}
