// The tool command fails; the agent reports it and ends its turn normally (exit 0, is_error false).
export const scenario = {
  rules: [
    { name: "failing", steps: [{ sh: "echo boom >&2; exit 3" }, { text: "The command failed with: {{lastResult}}" }] },
  ],
};
