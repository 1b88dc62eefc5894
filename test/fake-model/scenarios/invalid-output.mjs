// Model output that is wrong in three ways, picked by a word in the prompt.
export const scenario = {
  rules: [
    {
      name: "unknown tool",
      when: { prompt: "unknown-tool" },
      steps: [{ call: { name: "NoSuchTool", input: {} } }, { text: "Result: {{lastResult}}" }],
    },
    {
      name: "bad schema",
      when: { prompt: "bad-schema" },
      steps: Array.from({ length: 10 }, () => ({ structured: { name: 5 } })),
    },
    {
      name: "no structured output",
      when: { prompt: "never-structured" },
      steps: [{ text: "prose" }, { text: "prose again" }],
    },
    {
      name: "broken stream",
      when: { prompt: "broken-stream" },
      steps: [{ garbage: true, times: 1 }, { text: "Recovered." }],
    },
    { name: "not json", when: { prompt: "not-json" }, steps: [{ text: "This is {not json, as asked for." }] },
  ],
};
