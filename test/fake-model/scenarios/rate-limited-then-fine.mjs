// Two 429s with `retry-after: 1`; the client's own retries get through.
export const scenario = {
  rules: [{ name: "limited", steps: [{ fail: "rateLimit", times: 2 }, { text: "Fine now." }] }],
};
