// A used-up subscription window. Run claude with CLAUDE_CODE_OAUTH_TOKEN=<any fake text> and no
// ANTHROPIC_API_KEY to see it as a subscriber does; with an API key it reads as a plain 429.
export const scenario = {
  rules: [
    { name: "credit", when: { prompt: "credit" }, steps: [{ fail: "credit", times: "forever" }] },
    { name: "limit", steps: [{ fail: "usageLimit", times: "forever" }] },
  ],
};
