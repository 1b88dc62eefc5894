// Known token counts, so that reported cost can be checked against them.
export const scenario = {
  rules: [
    {
      name: "cost",
      steps: [
        { sh: "true", usage: { input: 1000, output: 100, cacheRead: 2000, cacheWrite: 400 } },
        { text: "Counted.", usage: { input: 500, output: 50, cacheRead: 3000 } },
      ],
    },
  ],
};
