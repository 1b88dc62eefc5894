// Answers everything with one line.
export const scenario = { rules: [], fallback: { text: "All done.", usage: { input: 1000, output: 100 } } };
